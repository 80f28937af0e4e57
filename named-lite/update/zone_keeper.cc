#include "named-lite/update/zone_keeper.h"

#include <algorithm>

#include "named-lite/answer/query.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/logging/category.h"
#include "named-lite/transfer/zone_file.h"
#include "named-lite/update/batch.h"
#include "named-lite/update/merger.h"
#include "named-lite/update/replay.h"
#include "named-lite/zone/image_differences.h"
#include "named-lite/zone/image_lookup.h"
#include "named-lite/zone/image_records.h"

namespace umaya::named {

namespace {

using log = Logged<Category::update>;
constexpr size_t kMostWaiting = 1000;
constexpr size_t kMostAtOnce = 100;
constexpr Duration kLongestUpdate = std::chrono::seconds(60);
constexpr Duration kLongestSave = std::chrono::minutes(10);
constexpr uint64_t kLeastJournal = 1 << 20;

enum : unsigned char { kUpdate, kSync, kSyncClean, kFreeze, kThaw };

std::string text_of(const UpdateSender& sender) {
  return sender.address.to_string() + (sender.key ? " key " + sender.key->text() : "");
}

/// The octets of a zone file, with the time of its SOA first.
Result<> write_file(const ZoneImage& image, const std::string& path) {
  if (path.empty()) return permanent("the zone has no file");
  return write_zone_file(path, records_of(image), ZoneFileKind::dynamic);
}

}  // namespace

struct ZoneKeeper::Job {
  Kind kind = kUpdate;
  UpdateRequest request;
  event::Event done;
  uint16_t rcode = rcode::kServFail;
  Result<> result;
};

struct ZoneKeeper::Zone {
  explicit Zone(event::WorkerPool& merging) : merger(merging, [this] { wake.set(); }) {}
  KeptZone conf;
  ImagePtr image;
  std::deque<JobPtr> waiting;
  event::Event wake;
  bool frozen = false;
  bool unsaved = false;  // the file lacks something
  TimePoint save_at{};
  Merger merger;
  event::TaskScope task;  // last: what it runs uses the rest
};

ZoneKeeper::ZoneKeeper(event::WorkerPool& pool, Serve serve, Settled settled)
    : pool_(pool), serve_(std::move(serve)), settled_(std::move(settled)) {}
ZoneKeeper::~ZoneKeeper() = default;

void ZoneKeeper::configure(std::shared_ptr<Journal> journal, std::vector<KeptZone> zones) {
  journal_ = std::move(journal);
  std::map<ZoneId, std::unique_ptr<Zone>> before = std::exchange(zones_, {});
  for (KeptZone& conf : zones) {
    auto& zone = zones_[conf.id];
    if (auto known = before.find(conf.id); known != before.end()) {
      zone = std::move(known->second);
      ImagePtr image = zone->image ? zone->image : conf.image;
      zone->conf = std::move(conf);
      if (image) put_into_service(*zone, std::move(image));
      continue;
    }
    zone = std::make_unique<Zone>(merging_);
    zone->image = conf.image;
    zone->conf = std::move(conf);
    zone->unsaved = zone->image && journal_ && journal_->is_ahead_of_file(zone->conf.id);
    if (!zone->unsaved) continue;
    zone->save_at = monotonic_now() + kSaveDelay;
    zone->task.spawn(keep(*zone));
  }
}

void ZoneKeeper::put_into_service(Zone& zone, ImagePtr image) {
  zone.image = image;
  serve_(zone.conf.id, image);
}

std::vector<ZoneId> ZoneKeeper::zones() const {
  std::vector<ZoneId> ids;
  for (const auto& [id, zone] : zones_) ids.push_back(id);
  return ids;
}

std::vector<ZoneId> ZoneKeeper::unsaved() const {
  std::vector<ZoneId> ids;
  for (const auto& [id, zone] : zones_) {
    if (zone->unsaved) ids.push_back(id);
  }
  return ids;
}

uint64_t ZoneKeeper::most_journal(const Zone& zone) const {
  if (zone.conf.most_journal != 0) return zone.conf.most_journal;
  return std::max<uint64_t>(kLeastJournal, 2 * uint64_t{zone.image->header().size});
}

bool ZoneKeeper::is_frozen(const ZoneId& zone) const {
  auto known = zones_.find(zone);
  return known != zones_.end() && known->second->frozen;
}

bool ZoneKeeper::enqueue(Zone& zone, JobPtr job) {
  if (zone.waiting.size() >= kMostWaiting) return false;
  zone.waiting.push_back(std::move(job));
  zone.wake.set();
  if (zone.task.empty()) zone.task.spawn(keep(zone));
  return true;
}

event::Task<uint16_t> ZoneKeeper::update(ZoneId zone, UpdateRequest request) {
  auto known = zones_.find(zone);
  if (known == zones_.end()) co_return rcode::kRefused;
  auto job = std::make_shared<Job>();
  job->request = std::move(request);
  if (!enqueue(*known->second, job)) {
    log::warning("{}: {} updates wait already", known->second->conf.label, kMostWaiting);
    co_return rcode::kServFail;
  }
  co_await job->done.wait(kLongestUpdate);
  co_return job->rcode;
}

event::Task<Result<>> ZoneKeeper::ask(ZoneId zone, Kind kind) {
  auto known = zones_.find(zone);
  if (known == zones_.end()) co_return permanent("not a zone that updates change");
  auto job = std::make_shared<Job>();
  job->kind = kind;
  if (!enqueue(*known->second, job)) co_return temporary("too many updates wait");
  bool done = co_await job->done.wait(kLongestSave);
  if (!done) co_return temporary("it takes too long, or the zone is gone");
  co_return job->result;
}

event::Task<Result<>> ZoneKeeper::sync(ZoneId zone, Clean clean) {
  return ask(zone, clean == Clean::yes ? kSyncClean : kSync);
}

event::Task<Result<>> ZoneKeeper::freeze(ZoneId zone) {
  return ask(zone, kFreeze);
}

event::Task<Result<>> ZoneKeeper::thaw(ZoneId zone) {
  return ask(zone, kThaw);
}

/// The task of a zone: what waits, then the file when its time has come.
event::Task<void> ZoneKeeper::keep(Zone& zone) {
  while (true) {
    if (zone.merger.is_ready()) {
      co_await take_up_merged(zone);
      continue;
    }
    if (!zone.waiting.empty()) {
      co_await work_through(zone);
      continue;
    }
    zone.wake.reset();
    if (!zone.unsaved) {
      co_await zone.wake.wait();
      continue;
    }
    TimePoint now = monotonic_now();
    if (now < zone.save_at) {
      co_await zone.wake.wait(zone.save_at - now);
      continue;
    }
    auto saved = co_await save(zone, Clean::no);
    if (saved) continue;
    log::error("{}: not saved: {}", zone.conf.label, saved.error().what);
    zone.save_at = monotonic_now() + kSaveDelay;
  }
}

/// The updates at the head of the queue together, or one other job.
event::Task<void> ZoneKeeper::work_through(Zone& zone) {
  std::vector<JobPtr> updates;
  while (!zone.waiting.empty() && zone.waiting.front()->kind == kUpdate && updates.size() < kMostAtOnce) {
    updates.push_back(std::move(zone.waiting.front()));
    zone.waiting.pop_front();
  }
  if (!updates.empty()) {
    co_await run_updates(zone, std::move(updates));
    co_return;
  }
  JobPtr job = std::move(zone.waiting.front());
  zone.waiting.pop_front();
  if (job->kind == kThaw) {
    job->result = co_await read_again(zone);
    if (job->result) zone.frozen = false;
  } else {
    job->result = co_await save(zone, job->kind == kSyncClean ? Clean::yes : Clean::no);
    if (job->kind == kFreeze && job->result) zone.frozen = true;
  }
  job->done.set();
}

/// What a batch needs, owned by the thread that works on it.
struct ZoneKeeper::Batch {
  ImagePtr image;
  std::vector<JobPtr> jobs;
  UpdateRules rules;
  std::shared_ptr<Journal> journal;
  ZoneId id;
  uint64_t most_journal = 0;

  BatchResult run() const {
    std::vector<BatchItem> items;
    for (const JobPtr& job : jobs) {
      const UpdateSender& sender = job->request.sender;
      items.push_back(
          {&job->request.message, {{sender.address, sender.key ? &*sender.key : nullptr}, sender.over_tcp}});
    }
    return run_batch(image, items, rules, *journal, id, most_journal, wall_seconds());
  }
};

event::Task<void> ZoneKeeper::run_updates(Zone& zone, std::vector<JobPtr> jobs) {
  if (!zone.image || !journal_ || zone.frozen) {
    for (const JobPtr& job : jobs) {
      job->rcode = zone.frozen ? rcode::kRefused : rcode::kServFail;
      Logged<Category::update_security>::info("{}: update by {} refused: {}", zone.conf.label,
                                              text_of(job->request.sender),
                                              zone.frozen ? "the zone is frozen" : "the zone is not in service");
      job->done.set();
    }
    co_return;
  }
  co_await zone.merger.until_there_is_room(zone.image);
  if (zone.merger.is_ready()) co_await take_up_merged(zone);
  // Shared: the thread may outlive this task.
  auto batch = std::make_shared<Batch>();
  batch->image = zone.image;
  batch->jobs = jobs;
  batch->rules = zone.conf.rules;
  batch->journal = journal_;
  batch->id = zone.conf.id;
  batch->most_journal = most_journal(zone);
  auto work = [batch] { return batch->run(); };
  BatchResult result = co_await pool_.run(std::move(work));
  if (!result.error.empty()) log::error("{}: updates failed: {}", zone.conf.label, result.error);
  if (result.image) {
    if (!zone.unsaved) zone.save_at = monotonic_now() + kSaveDelay;
    zone.unsaved = true;
    put_into_service(zone, result.image);
    zone.merger.changed(result.image, result.change);
    if (settled_) {
      bool settled = co_await settled_();
      if (!settled) log::warning("{}: somebody still answers from before the update", zone.conf.label);
    }
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    const BatchResult::Answer& answer = result.answers[i];
    const std::string sender = text_of(jobs[i]->request.sender);
    if (answer.rcode != rcode::kNoError) {
      log::info("{}: update by {} refused with code {}: {}", zone.conf.label, sender, answer.rcode, answer.why);
    } else if (answer.serial != 0) {
      log::info("{}: update by {}: serial {}, {} records removed, {} added", zone.conf.label, sender, answer.serial,
                answer.removed, answer.added);
    }
    jobs[i]->rcode = answer.rcode;
    jobs[i]->done.set();
  }
  // The journal forgets only what the file has.
  auto state = journal_->state(zone.conf.id);
  if (state && *state && (*state)->octets > most_journal(zone)) zone.save_at = monotonic_now();
}

/// The zone as it was written anew, with what has changed since: the same zone in less memory.
event::Task<void> ZoneKeeper::take_up_merged(Zone& zone) {
  auto work = [merged = zone.merger.take()] { return merged.finish(); };
  Result<ImagePtr> image = co_await pool_.run(std::move(work));
  if (!image) {
    log::error("{}: not written anew: {}", zone.conf.label, image.error().what);
    co_return;
  }
  log::info("{}: written anew, {} octets instead of {}", zone.conf.label, (*image)->header().size,
            zone.image->header().size);
  put_into_service(zone, *image);
}

event::Task<Result<>> ZoneKeeper::save(Zone& zone, Clean clean) {
  if (!zone.image || !journal_) co_return permanent("the zone is not in service");
  auto work = [image = zone.image, path = zone.conf.path, id = zone.conf.id, journal = journal_, clean]() -> Result<> {
    UMAYA_CHECK(write_file(*image, path));
    if (clean == Clean::yes) return journal->clear(id);
    return journal->file_written(id, image->header().serial);
  };
  auto done = co_await pool_.run(std::move(work));
  if (done) {
    zone.unsaved = false;
    log::info("{}: saved serial {}", zone.conf.label, zone.image->header().serial);
  }
  co_return done;
}

/// After freeze(): the file as somebody has edited it.
event::Task<Result<>> ZoneKeeper::read_again(Zone& zone) {
  if (!zone.frozen) co_return permanent("the zone is not frozen");
  struct Read {
    ImagePtr image;
    Result<> result;
  };
  auto work = [before = zone.image, conf = zone.conf, journal = journal_] {
    Read read;
    read.image = conf.read_file();
    if (!read.image) {
      read.result = permanent("the file has errors");
      return read;
    }
    if (conf.file_differences) {
      read.result = journal_differences(*journal, conf.id, *before, *read.image, UINT64_MAX);
      return read;
    }
    ZoneChange change = image_differences(*before, *read.image);
    if (!change.removed.empty() || !change.added.empty()) read.result = journal->clear(conf.id);
    return read;
  };
  Read read = co_await pool_.run(std::move(work));
  if (!read.result) co_return read.result;
  if (!serial_is_newer(read.image->header().serial, zone.image->header().serial) &&
      changes_data(image_differences(*zone.image, *read.image))) {
    log::warning("{}: the file was changed, but its serial {} is not higher: secondaries will not ask for it",
                 zone.conf.label, read.image->header().serial);
  }
  zone.merger.forget();
  put_into_service(zone, read.image);
  co_return Result<>();
}

}  // namespace umaya::named
