// NAME    notifier - tells secondaries that a zone has a new serial (RFC 1996)
//
// SYNOPSIS
//     Notifier notifier;
//     notifier.zone_changed(view, zone, image, conf);
//
// DESCRIPTION
//     Sends NOTIFY over UDP to the name servers of the zone, but for the one that its SOA names, and to those of
//     also-notify. An address of a name server is used when the zone holds it. Each is told until it answers, five
//     times at most, after 2, 4, 8 and 16 seconds; a newer serial takes the place of an older one. Keys and source
//     addresses are those of the zone and of the view's server clauses; who has an address of a family that is not used
//     (-4, -6) is not told.
//     A zone that changes again within notify-delay is told of when that time is over, with its serial of then. All
//     zones together send notify-rate first NOTIFYs a second; those that are new here wait for turns of their own
//     (startup-notify-rate), so that a start with many zones holds up no change.
//
// LIMITS  100 targets for each zone.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libcommon/event/task.h"
#include "named-lite/config/named_conf.h"
#include "named-lite/peers/turns.h"
#include "named-lite/statistics/page.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

/// Whom to tell of a zone's new serial, with the keys of the view's server clauses.
std::vector<RemoteServer> notify_targets(const ViewConf& view, const ZoneConf& zone, const ZoneImage& image);
/// The message, with the zone's SOA as a hint.
std::string notify_message(const ZoneImage& image, uint16_t id);

/// Why they are told.
enum class Notice : unsigned char {
  change,   ///< the zone has a new serial
  start,    ///< the zone is new here
  command,  ///< an administrator says so: at once
};

class Notifier {
 public:
  /// Tells them. All are needed during the call only.
  void zone_changed(const ViewConf& view, const ZoneConf& zone, const ZoneImage& image, const NamedConf& conf,
                    Notice why = Notice::change);
  /// Counts there from now on; page outlives this.
  void count_in(PageNumbers& page) { page_ = &page; }

 private:
  struct Told;
  struct Zone {
    TimePoint next{};  ///< not told of before
    event::TaskScope tasks{};
  };
  event::Task<void> tell_all(Zone& zone, std::vector<Told> all, seconds delay, Notice why);
  event::Task<void> tell(Told told);

  PageNumbers* page_ = nullptr;
  uint32_t rate_ = 20, start_rate_ = 20;  // a second
  Turns turns_, start_turns_;
  std::map<std::pair<std::string, std::string>, Zone> zones_;  // by view and name
};

}  // namespace umaya::named
