#include "named-lite/feed/publisher.h"

#include "libcommon/base/clock.h"
#include "libcommon/log/log.h"

namespace umaya::named {

using namespace std::chrono_literals;

static constexpr Duration kAfterFailure = 1s;
static constexpr Duration kSlowReceiver = 60s;

Publisher::~Publisher() = default;

void Publisher::connect(unsigned receiver, Link& link) {
  auto& place = receivers_[receiver];
  place = std::make_unique<Receiver>(link);
  place->task.spawn(supply(*place));
}

void Publisher::disconnect(unsigned receiver) {
  receivers_.erase(receiver);
  progress_.pulse();
}

void Publisher::configure(std::string_view config, const Snapshot& snapshot) {
  auto sealed = sealed_file("configuration", config);
  if (!sealed) return log::error("configuration for the query processes: {}", sealed.error().what);
  config_ = std::make_shared<const ImageFile>(0, std::move(*sealed), config.size());
  seed_ = snapshot.views[0]->catalog.seed();
  for (auto& [number, receiver] : receivers_) receiver->changed.clear();
  unplaced_.clear();
  Zones before = std::exchange(zones_, {});
  std::map<const ZoneImage*, const PlacedImage*> places;
  for (const auto& [key, placed] : before) {
    if (placed.file) places[placed.image.get()] = &placed;
  }
  for (size_t view = 0; view < snapshot.views.size(); ++view) {
    for (const auto& zone : snapshot.views[view]->catalog.zones()) {
      PlacedImage placed;
      if (auto known = places.find(zone->image.get()); known != places.end()) placed = *known->second;
      placed.image = zone->image;
      placed.number = zone->number;
      auto added = zones_.emplace(Key(view, zone->name), std::move(placed)).first;
      if (!added->second.file) unplaced_.push_back(&*added);
    }
  }
  for (auto& [number, receiver] : receivers_) {
    receiver->whole = true;
    receiver->news.set();
  }
}

void Publisher::change(size_t view, std::string_view name, ImagePtr image) {
  auto zone = zones_.find(Key(view, name));
  if (zone == zones_.end()) return;
  PlacedImage& placed = zone->second;
  if (placed.has(image)) return;
  if (placed.goes_on_with(image)) {
    placed.size = image->bytes().size();
    placed.origin = image;
    placed.image = std::move(image);
  } else {
    uint32_t counted_as = placed.number;
    placed = PlacedImage();
    placed.number = counted_as;
    placed.image = std::move(image);
    unplaced_.push_back(&*zone);
  }
  for (auto& [number, receiver] : receivers_) {
    receiver->changed.insert(&*zone);
    receiver->news.set();
  }
}

void Publisher::done(unsigned receiver, const FeedDone& message) {
  auto known = receivers_.find(receiver);
  if (known == receivers_.end()) return;
  known->second->answered = message.number;
  known->second->arrived.set();
}

bool Publisher::is_settled() const {
  for (const auto& [number, receiver] : receivers_) {
    if (receiver->busy || receiver->whole || !receiver->changed.empty()) return false;
  }
  return true;
}

event::Task<bool> Publisher::settled(Duration limit) {
  TimePoint end = monotonic_now() + limit;
  while (!is_settled()) {
    TimePoint now = monotonic_now();
    if (now >= end) co_return false;
    co_await progress_.wait(end - now);
  }
  co_return true;
}

/// False when there is no memory for all of them now.
bool Publisher::place_images() {
  if (unplaced_.empty()) return true;
  if (store_.crowded()) {
    for (auto& zone : zones_) {
      if (!zone.second.is_small()) continue;
      zone.second.file = nullptr;
      unplaced_.push_back(&zone);
      for (auto& [number, receiver] : receivers_) receiver->changed.insert(&zone);
    }
  }
  std::vector<PlacedImage*> images;
  std::map<const ZoneImage*, PlacedImage*> once;  // an image that views share has one place
  std::vector<std::pair<PlacedImage*, const PlacedImage*>> same;
  for (auto* zone : unplaced_) {
    if (!zone->second.image || zone->second.file) continue;
    auto [first, is_new] = once.emplace(zone->second.image.get(), &zone->second);
    if (is_new) images.push_back(&zone->second);
    if (!is_new) same.emplace_back(&zone->second, first->second);
  }
  auto placed = store_.place(images);
  for (auto& [zone, first] : same) {
    if (first->file) zone->take_place_of(*first);
  }
  for (const auto* zone : unplaced_) {
    if (zone->second.file) moved_(zone->first.first, zone->first.second, zone->second.image);
  }
  if (!placed) {
    log::error("zones for the query processes: {}", placed.error().what);
    return false;
  }
  unplaced_.clear();
  return true;
}

Publisher::Feed Publisher::gather(Receiver& receiver, bool whole) {
  Feed feed;
  auto add = [&](const Zones::value_type& zone) {
    const PlacedImage& placed = zone.second;
    uint64_t id = placed.file ? placed.file->id : 0;
    feed.zones.push_back(
        {static_cast<uint16_t>(zone.first.first), zone.first.second, id, placed.offset, placed.size, placed.number});
    if (placed.file && receiver.files.find(id) == receiver.files.end()) feed.files[id] = placed.file;
  };
  // Files that nobody has any more are not named again.
  std::erase_if(receiver.files, [](const auto& file) { return file.second.expired(); });
  if (whole) {
    feed.zones.reserve(zones_.size());
    for (const auto& zone : zones_) add(zone);
  } else {
    for (const auto* zone : receiver.changed) add(*zone);
  }
  receiver.changed.clear();
  for (const auto& [id, file] : feed.files) receiver.files[id] = file;
  return feed;
}

event::Task<bool> Publisher::send(Receiver& receiver, uint64_t number, bool whole, Feed feed) {
  Link& link = receiver.link;
  std::shared_ptr<const ImageFile> config = config_;
  std::vector<int> fds;
  if (whole) fds.push_back(config->fd.get());
  FeedBegin begin;
  begin.number = number;
  begin.seed = seed_;
  begin.whole = whole;
  bool sent = co_await link.send(ipc::encode(begin), std::move(fds));
  for (auto file = feed.files.begin(); sent && file != feed.files.end(); ++file) {
    FeedFile message;
    message.id = file->first;
    message.size = file->second->size;
    std::vector<int> one(1, file->second->descriptor());
    sent = co_await link.send(ipc::encode(message), std::move(one));
  }
  for (size_t at = 0; sent && at < feed.zones.size(); at += kMostZonesInMessage) {
    FeedZones message;
    size_t end = std::min(feed.zones.size(), at + kMostZonesInMessage);
    message.zones.assign(feed.zones.begin() + static_cast<std::ptrdiff_t>(at),
                         feed.zones.begin() + static_cast<std::ptrdiff_t>(end));
    sent = co_await link.send(ipc::encode(message));
  }
  FeedCommit commit;
  commit.number = number;
  commit.zones = feed.zones.size();
  if (sent) sent = co_await link.send(ipc::encode(commit));
  co_return sent;
}

event::Task<void> Publisher::supply(Receiver& receiver) {
  while (true) {
    bool something = config_ && (receiver.whole || !receiver.changed.empty());
    if (!something) {
      receiver.news.reset();
      co_await receiver.news.wait();
      continue;
    }
    if (!place_images()) {
      co_await event::sleep(kAfterFailure);
      continue;
    }
    receiver.busy = true;
    uint64_t number = ++number_;
    bool whole = std::exchange(receiver.whole, false);
    receiver.arrived.reset();
    Feed feed = gather(receiver, whole);
    bool sent = co_await send(receiver, number, whole, std::move(feed));
    if (!sent) co_return;  // disconnect() follows
    while (receiver.answered != number) {
      bool arrived = co_await receiver.arrived.wait(kSlowReceiver);
      if (!arrived) log::warning("a query process is slow to take up zones");
      receiver.arrived.reset();
    }
    receiver.busy = false;
    progress_.pulse();
  }
}

}  // namespace umaya::named
