// NAME    zone_keeper - the zones that UPDATE changes, from the message to the disk
//
// SYNOPSIS
//     ZoneKeeper keeper(pool, serve, settled);
//     keeper.configure(journal, zones);                          // after each change of the configuration
//     uint16_t code = co_await keeper.update(zone, std::move(request));
//     co_await keeper.sync(zone, ZoneKeeper::Clean::no);         // ndc's verbs
//
// DESCRIPTION
//     Updates of a zone are worked through in the order in which they came. Those that wait when the one before is done
//     go together: each is judged by itself and is a step of its own, then all steps become durable with one flush, the
//     new image goes into service, and all are answered. So an answer of NOERROR means: on the disk and in service.
//     A large zone that has changed much is written anew beside all that (merger.h).
//     The zone file is written some minutes after a change, when the journal has grown beyond its size, and when
//     sync() or freeze() ask for it.
//
// OWNERSHIP
//     The pool outlives the keeper. Images are shared with those who answer from them; the journal is shared with who
//     reads from it for IXFR.
//
// ERRORS
//     SERVFAIL: the disk failed or too many updates wait; the zone is as before. REFUSED: the zone is frozen.
//
// LIMITS
//     1000 updates wait for one zone, 100 are worked through at once.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/worker_pool.h"
#include "named-lite/answer/catalog.h"
#include "named-lite/update/apply_update.h"
#include "named-lite/update/journal.h"

namespace umaya::named {

/// Who sent an update: what a Requester points to, by value, because the update waits.
struct UpdateSender {
  net::IpAddress address;
  std::optional<Name> key;
  bool over_tcp = false;
};

struct UpdateRequest {
  UpdateMessage message;
  UpdateSender sender;
};

/// What the keeper must know of a zone.
struct KeptZone {
  ZoneId id;
  std::string label;  ///< "zone ex.test/IN"
  std::string path;   ///< of its file
  UpdateRules rules;
  uint64_t most_journal = 0;            ///< octets; 0: twice the zone
  bool file_differences = false;        ///< ixfr-from-differences: thaw() brings the difference into the journal
  ImagePtr image;                       ///< as it was loaded; null: not in service, updates get SERVFAIL
  std::function<ImagePtr()> read_file;  ///< for thaw(): reads and checks the file, null when it has errors; blocks
};

class ZoneKeeper {
 public:
  /// Puts an image into service and notifies.
  using Serve = std::function<void(const ZoneId&, const ImagePtr&)>;
  /// Ends when everybody who answers has what was put into service; false: somebody is too slow.
  using Settled = std::function<event::Task<bool>()>;
  enum class Clean : unsigned char { no, yes };
  /// How long after a change the file is written.
  static constexpr Duration kSaveDelay = std::chrono::minutes(15);

  ZoneKeeper(event::WorkerPool& pool, Serve serve, Settled settled = {});
  ~ZoneKeeper();
  ZoneKeeper(const ZoneKeeper&) = delete;
  ZoneKeeper& operator=(const ZoneKeeper&) = delete;

  /// Takes up these zones and lets go all others. Zones that it has already keep their data, which are newer than those
  /// of the snapshot that was read beside them, and are put into service again.
  void configure(std::shared_ptr<Journal> journal, std::vector<KeptZone> zones);
  bool has(const ZoneId& zone) const { return zones_.contains(zone); }
  std::vector<ZoneId> zones() const;
  /// Those whose file lacks something.
  std::vector<ZoneId> unsaved() const;

  /// Gives the response code once the update is durable and in service, or is refused.
  event::Task<uint16_t> update(ZoneId zone, UpdateRequest request);
  /// Writes the zone file; with Clean::yes the journal begins anew behind it.
  event::Task<Result<>> sync(ZoneId zone, Clean clean);
  /// Writes the zone file and refuses updates, so that the file can be edited.
  event::Task<Result<>> freeze(ZoneId zone);
  /// Reads the zone file and takes updates again.
  event::Task<Result<>> thaw(ZoneId zone);
  bool is_frozen(const ZoneId& zone) const;

 private:
  struct Job;
  struct Zone;
  struct Batch;
  using Kind = unsigned char;
  // Shared: the zone's task works on a job and its sender waits for it; either may go away first.
  using JobPtr = std::shared_ptr<Job>;

  event::Task<Result<>> ask(ZoneId zone, Kind kind);
  bool enqueue(Zone& zone, JobPtr job);
  event::Task<void> keep(Zone& zone);
  event::Task<void> work_through(Zone& zone);
  event::Task<void> run_updates(Zone& zone, std::vector<JobPtr> jobs);
  event::Task<void> take_up_merged(Zone& zone);
  event::Task<Result<>> save(Zone& zone, Clean clean);
  event::Task<Result<>> read_again(Zone& zone);
  uint64_t most_journal(const Zone& zone) const;
  void put_into_service(Zone& zone, ImagePtr image);

  event::WorkerPool& pool_;
  event::WorkerPool merging_{1};
  Serve serve_;
  Settled settled_;
  std::shared_ptr<Journal> journal_;
  std::map<ZoneId, std::unique_ptr<Zone>> zones_;
};

}  // namespace umaya::named
