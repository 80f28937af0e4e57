// NAME    secondaries - keeps the zones up to date whose primaries are other servers
//
// SYNOPSIS
//     Secondaries secondaries(responder, pool, [](const ZoneConf& zone, ImagePtr image) { … notify … });
//     secondaries.configure();                          // after each change of the configuration
//     secondaries.notified(view, zone);                 // a primary says that there is something new
//
// DESCRIPTION
//     For each secondary zone one task: at the refresh time of its SOA, or when a primary sends a NOTIFY, it asks the
//     primaries one after the other for their serial, and fetches the zone from the first one that has a newer one (RFC
//     1034 4.3.5, RFC 1996, RFC 5936). Everything goes over one TCP connection, signed when the primary has a key. A
//     zone is compiled and checked in a thread, written to its file, and then put into service. What comes broken is
//     thrown away: the zone of before stays, and is asked for again at the retry time.
//
// ERRORS
//     A zone that could not be refreshed until its expire time has no data any more: SERVFAIL.
//
// LIMITS
//     Refresh and retry 30 s to 4 weeks, with a jitter of a tenth; 10 transfers at once; 60 s without a message end
//     one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "libcommon/event/stream.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/worker_pool.h"
#include "named-lite/server/responder.h"

namespace umaya::named {

class Secondaries {
 public:
  /// A zone has a new serial and is in service.
  using Changed = std::function<void(const ZoneConf&, const ImagePtr&)>;
  /// responder and pool outlive this object.
  Secondaries(Responder& responder, event::WorkerPool& pool, Changed changed)
      : responder_(responder), pool_(pool), changed_(std::move(changed)) {}
  Secondaries(const Secondaries&) = delete;
  Secondaries& operator=(const Secondaries&) = delete;

  /// Takes up the zones of the configuration in service and lets go those that it has no more.
  void configure();
  /// A NOTIFY that may be believed: asks the primaries now. False when there is no such secondary zone.
  bool notified(const std::string& view, std::string_view zone);
  /// Transfers the zone now, whatever its serial. False when there is no such secondary zone.
  bool retransfer(const std::string& view, std::string_view zone);

  struct Status {
    int64_t next_refresh = 0;  ///< seconds from now, as the next
    int64_t expires = 0;
    bool refreshing = false;
  };
  /// Nothing when there is no such secondary zone.
  std::optional<Status> status(const std::string& view, std::string_view zone) const;

 private:
  using Key = std::pair<std::string, std::string>;  // view, zone in wire form

  struct Zone {
    std::string view;
    ZoneConf conf;
    std::string path;  ///< of its file; empty: none
    ImagePtr image;
    TimePoint expires{};
    TimePoint next{};  ///< refresh; past: under way
    event::Event wake;
    event::TaskScope task;
    unsigned tries = 0;     // without data, in a row
    bool again = false;     // a NOTIFY came while a refresh was under way
    bool whatever = false;  // the next transfer is made whatever the serial
  };
  enum class Outcome : unsigned char { up_to_date, transferred, failed };
  struct Exchange;

  event::Task<void> keep(Zone& zone);
  event::Task<Outcome> refresh(Zone& zone);
  event::Task<Outcome> ask(Zone& zone, RemoteServer primary);
  event::Task<Result<RecordList>> fetch(Zone& zone, Exchange& exchange);
  event::Task<Result<>> install(Zone& zone, RecordList records, std::string from);
  void serve(Zone& zone, ImagePtr image);
  void expire(Zone& zone);

  Responder& responder_;
  event::WorkerPool& pool_;
  Changed changed_;
  event::Semaphore transfers_{10};
  std::map<Key, std::unique_ptr<Zone>> zones_;
};

}  // namespace umaya::named
