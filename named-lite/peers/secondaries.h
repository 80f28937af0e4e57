// NAME    secondaries - keeps the zones up to date whose primaries are other servers
//
// SYNOPSIS
//     Secondaries secondaries(responder, pool, [](const ZoneId& zone, ImagePtr image) { … notify … });
//     secondaries.configure();                          // after each change of the configuration
//     secondaries.notified(view, zone);                 // a primary says that there is something new
//
// DESCRIPTION
//     For each secondary zone one task: at the refresh time of its SOA, or when a primary sends a NOTIFY, it asks the
//     primaries one after the other for their serial, and fetches what is new from the first one that has a newer one
//     (RFC 1034 4.3.5, RFC 1996): by IXFR (RFC 1995) when there is a version to begin with, and by AXFR (RFC 5936) when
//     there is none or when what came by IXFR is of no use. The serial is asked for over UDP (serial_question.h), and
//     over TCP where nobody answers, unless try-tcp-refresh is off; a zone without data is asked for over TCP at once.
//     Everything is signed when the primary has a key. What was fetched is checked and kept in a thread
//     (transfer/zone_copy.h), and then put into service. What comes broken is thrown away: the zone of before stays,
//     and is asked for again at the retry time. A large zone that IXFR has changed much is written anew beside that
//     (update/merger.h).
//     However many NOTIFY come, one check of a zone runs and one waits; while they bring nothing new, the pause between
//     two checks grows.
//
// ERRORS
//     A zone that could not be refreshed until its expire time has no data any more: SERVFAIL.
//
// LIMITS
//     Refresh and retry within min- and max-refresh-time, min- and max-retry-time, with a jitter of a tenth.
//     serial-query-rate questions over UDP a second, and as many because of NOTIFYs, kMostQuestions at once;
//     transfers-in connections at once, of them transfers-per-ns to one address; max-transfer-idle-in without a
//     message, or max-transfer-time-in, end a transfer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/event/sync.h"
#include "libcommon/event/worker_pool.h"
#include "named-lite/peers/primary_exchange.h"
#include "named-lite/peers/transfer_places.h"
#include "named-lite/peers/turns.h"
#include "named-lite/server/responder.h"
#include "named-lite/transfer/zone_copy.h"
#include "named-lite/transfer/zone_receiver.h"
#include "named-lite/update/merger.h"

namespace umaya::named {

class Secondaries {
 public:
  /// How long after a change the file is written.
  static constexpr Duration kSaveDelay = std::chrono::minutes(15);
  /// Questions for serials under way.
  static constexpr size_t kMostQuestions = 200;
  /// A zone has a new serial and is in service.
  using Changed = std::function<void(const ZoneId&, const ImagePtr&)>;
  /// responder and pool outlive this object.
  Secondaries(Responder& responder, event::WorkerPool& pool, Changed changed)
      : responder_(responder), pool_(pool), changed_(std::move(changed)) {}
  Secondaries(const Secondaries&) = delete;
  Secondaries& operator=(const Secondaries&) = delete;

  /// Takes up the zones of the configuration in service and lets go those that it has no more.
  void configure();
  /// A NOTIFY that may be believed: asks the primaries now, unless the serial that it tells is ours.
  /// False when there is no such secondary zone.
  bool notified(const std::string& view, std::string_view zone, std::optional<uint32_t> serial = std::nullopt);
  /// Transfers the zone now, whatever its serial. False when there is no such secondary zone.
  bool retransfer(const std::string& view, std::string_view zone);

  struct Status {
    int64_t next_refresh = 0;  ///< seconds from now, as the next
    int64_t expires = 0;
    bool refreshing = false;
  };
  /// Nothing when there is no such secondary zone.
  std::optional<Status> status(const std::string& view, std::string_view zone) const;

  /// Connections to primaries, and zones that wait for one because of transfers-in or transfers-per-ns.
  size_t transfers_running() const { return places_.running(); }
  size_t transfers_waiting() const { return places_.waiting(); }
  /// Questions for serials under way.
  size_t questions() const { return kMostQuestions - questions_.free(); }

  /// Seconds until the zone expires (RFC 7314); nothing when there is no such secondary zone.
  std::optional<uint32_t> left(const std::string& view, std::string_view zone) const;
  bool has(const ZoneId& zone) const { return zones_.contains(zone); }
  /// The zones whose file lacks something that is in service.
  std::vector<ZoneId> unsaved() const;
  /// Writes the file of a zone when it lacks something.
  event::Task<Result<>> sync(ZoneId zone);

 private:
  struct Zone {
    Zone(event::WorkerPool& merging, std::function<void()> merged) : merger(merging, std::move(merged)) {}
    ZoneConf conf;
    ZoneCopy copy;
    ImagePtr image;
    TimePoint expires{};
    TimePoint next{};  ///< refresh; past: under way
    event::Event wake;
    std::optional<uint32_t> granted;  // seconds until the primary that answered last must give the zone up itself
    unsigned tries = 0;               // without data, in a row
    unsigned idle = 0;                // checks in a row that NOTIFY caused and that brought nothing
    bool again = false;               // a NOTIFY came while a refresh was under way
    bool told = false;                // a NOTIFY is why it is refreshed
    bool whatever = false;            // the next transfer is made whatever the serial
    bool unsaved = false;             // the file lacks something
    bool will_save = false;           // save_later() runs
    event::Semaphore disk{1};         // file and journal, and who changes the image
    Merger merger;
    event::TaskScope task;  // last: what it runs uses the rest
  };
  enum class Outcome : unsigned char { up_to_date, transferred, failed };
  using ExchangePtr = std::unique_ptr<PrimaryExchange>;

  std::unique_ptr<Zone> make_zone(const ZoneId& id);
  event::Task<void> take_merged(Zone& zone);
  event::Task<void> finish_merge(Zone& zone);
  void configure_zone(Zone& zone, const ServedView& view, const ZoneConf& conf, const Snapshot& snapshot);
  event::Task<void> keep(Zone& zone);
  Duration pause_after(Zone& zone, Outcome outcome);
  event::Task<Outcome> refresh(Zone& zone);
  event::Task<Outcome> ask(Zone& zone, RemoteServer primary);
  bool is_wanted(const Zone& zone, uint32_t serial, const std::string& from) const;
  event::Task<Outcome> fetch(Zone& zone, RemoteServer primary, bool is_newer);
  event::Task<Result<SoaAnswer>> ask_over_udp(Zone& zone, RemoteServer primary);
  event::Task<Result<SoaAnswer>> ask_over_tcp(Zone& zone, RemoteServer primary, ExchangePtr& exchange);
  event::Task<Result<SoaAnswer>> ask_soa(Zone& zone, RemoteServer primary, ExchangePtr& exchange, bool expire);
  Outcome failed(const Zone& zone, const std::string& from, const std::string& why) const;
  size_t most_transfers_from(const Zone& zone, const RemoteServer& primary) const;
  event::PeerAddress source_for(const Zone& zone, const RemoteServer& primary) const;
  const PeerConf* peer_of(const Zone& zone, const RemoteServer& primary, const Snapshot& snapshot) const;
  event::Task<Result<ExchangePtr>> connect(Zone& zone, RemoteServer primary);
  void confirmed(Zone& zone, Outcome outcome);
  bool asks_expire(const Zone& zone, const RemoteServer& primary) const;
  bool asks_ixfr(const Zone& zone, const RemoteServer& primary) const;
  event::Task<Result<>> fetch_steps(Zone& zone, PrimaryExchange& exchange, std::string from);
  event::Task<Result<>> fetch_zone(Zone& zone, PrimaryExchange& exchange, std::string from);
  event::Task<Result<>> take_up_zone(Zone& zone, RecordList records, std::string from);
  event::Task<Result<>> take_up_steps(Zone& zone, std::vector<ZoneChange> steps, std::string from);
  Result<> take_up(Zone& zone, CopyResult result, std::string how);
  event::Task<void> save_later(Zone& zone, Duration delay);
  event::Task<Result<>> save(Zone& zone);
  void serve(Zone& zone, ImagePtr image);
  void expire(Zone& zone);

  Responder& responder_;
  event::WorkerPool& pool_;
  Changed changed_;
  Turns turns_, told_turns_;
  event::Semaphore questions_{kMostQuestions};
  TransferPlaces places_;
  std::map<net::Endpoint, TimePoint> deaf_;  // primaries that answer over TCP alone; until when that is believed
  event::WorkerPool merging_{1};
  std::map<ZoneId, std::unique_ptr<Zone>> zones_;
};

}  // namespace umaya::named
