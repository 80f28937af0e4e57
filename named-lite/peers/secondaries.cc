#include "named-lite/peers/secondaries.h"

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/logging/category.h"
#include "named-lite/transfer/zone_file.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

using log = Logged<Category::xfer_in>;
constexpr Duration kWithoutData = 30s;  // at most; the first tries come sooner, for whole networks start at once
constexpr Duration kLeastPause = 1s;    // however many NOTIFY come
constexpr unsigned kMostIdle = 6;       // the least pause is doubled at most that often

Duration bounded_expire(uint32_t seconds) {
  constexpr Duration kMost = std::chrono::hours(24 * 28);
  return std::clamp<Duration>(std::chrono::seconds(seconds), 30s, kMost);
}

/// Of the two limits the upper one counts more.
Duration bounded(uint32_t seconds, std::chrono::seconds least, std::chrono::seconds most) {
  return std::min(std::max(std::chrono::seconds(seconds), least), most);
}

/// Nine tenths to the whole, so that many zones do not come at the same moment.
Duration jittered(Duration whole) {
  auto tenth = static_cast<uint64_t>(whole.count() / 10);
  return whole - Duration(static_cast<int64_t>(tenth == 0 ? 0 : random_u64() % tenth));
}

}  // namespace

std::unique_ptr<Secondaries::Zone> Secondaries::make_zone(const ZoneId& id) {
  return std::make_unique<Zone>(merging_, [this, id] {
    auto known = zones_.find(id);
    if (known != zones_.end()) known->second->task.spawn(take_merged(*known->second));
  });
}

void Secondaries::configure_zone(Zone& zone, const ServedView& view, const ZoneConf& conf, const Snapshot& snapshot) {
  zone.conf = conf;
  zone.copy.id = {view.conf.name, std::string(conf.name.lower().wire())};
  zone.copy.path = zone_path(snapshot.conf.directory, conf.file);
  zone.copy.journal = snapshot.journal;
  uint64_t most = conf.settings->update.max_journal_size;
  zone.copy.most_journal = most == kUnlimited ? 0 : most;
  zone.copy.differences = brings_differences(conf);
}

void Secondaries::configure() {
  std::map<ZoneId, std::unique_ptr<Zone>> before = std::exchange(zones_, {});
  std::vector<Zone*> fresh;
  const SnapshotPtr snapshot = responder_.snapshot();
  places_.configure(snapshot->conf.transfers.transfers_in);
  deaf_.clear();
  for (const auto& view : snapshot->views) {
    for (const ZoneConf& conf : view->conf.zones) {
      if (conf.type != ZoneType::secondary) continue;
      ZoneId id{view->conf.name, std::string(conf.name.lower().wire())};
      auto& zone = zones_[id];
      if (auto known = before.find(id); known != before.end()) {
        zone = std::move(known->second);
        configure_zone(*zone, *view, conf, *snapshot);
        // A transfer that ended while the configuration was read is not in the new snapshot.
        if (zone->image) serve(*zone, zone->image);
        zone->wake.set();
        continue;
      }
      zone = make_zone(id);
      configure_zone(*zone, *view, conf, *snapshot);
      zone->image = view->catalog.image_of(id.zone);
      fresh.push_back(zone.get());
    }
  }
  for (Zone* zone : fresh) {
    zone->unsaved = zone->image && zone->copy.journal && zone->copy.journal->is_ahead_of_file(zone->copy.id);
    if (zone->unsaved) zone->task.spawn(save_later(*zone, kSaveDelay));
    zone->task.spawn(keep(*zone));
  }
}

bool Secondaries::notified(const std::string& view, std::string_view zone, std::optional<uint32_t> serial) {
  auto known = zones_.find({view, std::string(zone)});
  if (known == zones_.end()) return false;
  Zone& told = *known->second;
  // RFC 1996 3.11: the serial is a hint, and the one that we have needs no question. A lower one is looked at and
  // logged.
  if (serial && told.image && *serial == told.image->header().serial) return true;
  told.again = true;
  told.wake.set();
  return true;
}

bool Secondaries::retransfer(const std::string& view, std::string_view zone) {
  auto known = zones_.find({view, std::string(zone)});
  if (known == zones_.end()) return false;
  known->second->whatever = true;
  return notified(view, zone);
}

std::optional<Secondaries::Status> Secondaries::status(const std::string& view, std::string_view zone) const {
  auto known = zones_.find({view, std::string(zone)});
  if (known == zones_.end()) return std::nullopt;
  TimePoint now = monotonic_now();
  Status status;
  status.refreshing = known->second->next <= now;
  status.next_refresh = std::chrono::duration_cast<std::chrono::seconds>(known->second->next - now).count();
  status.expires = std::chrono::duration_cast<std::chrono::seconds>(known->second->expires - now).count();
  return status;
}

std::optional<uint32_t> Secondaries::left(const std::string& view, std::string_view zone) const {
  auto now = status(view, zone);
  if (!now) return std::nullopt;
  return static_cast<uint32_t>(std::clamp<int64_t>(now->expires, 0, UINT32_MAX));
}

std::vector<ZoneId> Secondaries::unsaved() const {
  std::vector<ZoneId> ids;
  for (const auto& [id, zone] : zones_) {
    if (zone->unsaved) ids.push_back(id);
  }
  return ids;
}

event::Task<void> Secondaries::keep(Zone& zone) {
  if (zone.image) {
    // The file's time says when a primary was heard last.
    int64_t age = std::max<int64_t>(0, wall_seconds() - file_time(zone.copy.path));
    zone.expires = monotonic_now() + bounded_expire(soa_times(*zone.image).expire) - std::chrono::seconds(age);
  }
  while (true) {
    zone.told = std::exchange(zone.again, false);
    zone.wake.reset();
    zone.next = {};
    Outcome outcome = co_await refresh(zone);
    zone.idle = outcome == Outcome::transferred || !zone.told ? 0 : std::min(zone.idle + 1, kMostIdle);
    Duration pause = pause_after(zone, outcome);
    zone.next = monotonic_now() + pause;
    co_await event::sleep(kLeastPause * (1 << zone.idle));
    if (!zone.again) co_await zone.wake.wait(pause);
  }
}

/// A primary has the zone as it is here. It expires when its SOA says, or when the primary itself must give it up (RFC
/// 7314 4).
void Secondaries::confirmed(Zone& zone, Outcome outcome) {
  Duration whole = bounded_expire(soa_times(*zone.image).expire);
  Duration left = zone.granted ? std::min(whole, bounded_expire(*zone.granted)) : whole;
  TimePoint expires = monotonic_now() + left;
  zone.expires = outcome == Outcome::up_to_date ? std::max(zone.expires, expires) : expires;
  left = zone.expires - monotonic_now();
  touch_file(zone.copy.path, std::chrono::duration_cast<std::chrono::seconds>(whole - left).count());
}

/// Until the next refresh that nobody asks for. What has expired goes out of service.
Duration Secondaries::pause_after(Zone& zone, Outcome outcome) {
  TimePoint now = monotonic_now();
  Duration pause = std::min<Duration>(kWithoutData, std::chrono::seconds(1 << std::min(zone.tries, 5u)));
  ++zone.tries;
  if (!zone.image) return pause;
  zone.tries = 0;
  SoaTimes times = soa_times(*zone.image);
  if (outcome != Outcome::failed) confirmed(zone, outcome);
  const TransferConf& conf = zone.conf.settings->transfer;
  pause = jittered(outcome == Outcome::failed ? bounded(times.retry, conf.min_retry, conf.max_retry)
                                              : bounded(times.refresh, conf.min_refresh, conf.max_refresh));
  if (now >= zone.expires) expire(zone);
  return zone.image ? std::min<Duration>(pause, zone.expires - now) : pause;
}

void Secondaries::expire(Zone& zone) {
  log::error("zone {}/IN: expired: no primary was reached in time; questions get SERVFAIL", zone.conf.name.text());
  zone.image = nullptr;
  responder_.serve(zone.copy.id.view, zone.copy.id.zone, nullptr);
}

void Secondaries::serve(Zone& zone, ImagePtr image) {
  zone.image = image;
  responder_.serve(zone.copy.id.view, zone.copy.id.zone, std::move(image));
}

event::Task<void> Secondaries::save_later(Zone& zone, Duration delay) {
  zone.will_save = true;
  co_await event::sleep(delay);
  zone.will_save = false;
  auto saved = co_await save(zone);
  if (!saved) log::error("zone {}/IN: not saved: {}", zone.conf.name.text(), saved.error().what);
}

event::Task<Result<>> Secondaries::save(Zone& zone) {
  bool alone = co_await zone.disk.acquire();
  (void)alone;
  Result<> saved;
  if (zone.unsaved && zone.image) {
    ImagePtr image = zone.image;
    auto work = [copy = zone.copy, image] { return save_copy(copy, *image); };
    saved = co_await pool_.run(std::move(work));
    if (saved) zone.unsaved = false;
    if (saved) log::info("zone {}/IN: saved serial {}", zone.conf.name.text(), image->header().serial);
  }
  zone.disk.release();
  co_return saved;
}

event::Task<Result<>> Secondaries::sync(ZoneId id) {
  auto known = zones_.find(id);
  if (known == zones_.end()) co_return permanent("not a secondary zone");
  co_return co_await save(*known->second);
}

}  // namespace umaya::named
