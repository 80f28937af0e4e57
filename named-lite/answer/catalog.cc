#include "named-lite/answer/catalog.h"

#include <algorithm>

namespace umaya::named {

void Catalog::grow() {
  size_t size = table_.empty() ? 16 : table_.size() * 2;
  table_.assign(size, {0, nullptr});
  for (const auto& zone : zones_) {
    SuffixHashes hashes(zone->name, seed_);
    uint64_t hash = hashes.hash(hashes.labels());
    size_t i = hash & (size - 1);
    while (table_[i].second != nullptr) i = (i + 1) & (size - 1);
    table_[i] = {hash, zone.get()};
  }
}

void Catalog::add(ServedZone zone) {
  large_ = large_ || (zone.image && is_large(*zone.image));
  depths_ |= uint64_t{1} << std::min<size_t>(label_count(zone.name), 63);
  zones_.push_back(std::make_unique<ServedZone>(std::move(zone)));
  size_t size = table_.size();
  while (size < zones_.size() * 2) size *= 2;
  if (size != table_.size()) return grow();
  SuffixHashes hashes(zones_.back()->name, seed_);
  uint64_t hash = hashes.hash(hashes.labels());
  size_t i = hash & (size - 1);
  while (table_[i].second != nullptr) i = (i + 1) & (size - 1);
  table_[i] = {hash, zones_.back().get()};
}

const ServedZone* Catalog::find(const SuffixHashes& hashes, size_t labels) const {
  size_t mask = table_.size() - 1;
  for (size_t n = labels + 1; n-- > 0;) {
    if ((depths_ >> std::min<size_t>(n, 63) & 1) == 0) continue;
    uint64_t hash = hashes.hash(n);
    for (size_t i = hash & mask; table_[i].second != nullptr; i = (i + 1) & mask) {
      if (table_[i].first == hash && table_[i].second->name == hashes.suffix(n)) return table_[i].second;
    }
  }
  return nullptr;
}

ServedZone* Catalog::find_exactly(std::string_view name) const {
  SuffixHashes hashes(name, seed_);
  size_t mask = table_.size() - 1;
  uint64_t hash = hashes.hash(hashes.labels());
  for (size_t i = hash & mask; table_[i].second != nullptr; i = (i + 1) & mask) {
    if (table_[i].first == hash && table_[i].second->name == name) return table_[i].second;
  }
  return nullptr;
}

bool Catalog::replace(std::string_view name, ImagePtr image) {
  ServedZone* zone = find_exactly(name);
  if (zone == nullptr) return false;
  large_ = large_ || (image && is_large(*image));
  zone->image = std::move(image);
  return true;
}

ImagePtr Catalog::image_of(std::string_view name) const {
  const ServedZone* zone = find_exactly(name);
  return zone != nullptr ? zone->image : nullptr;
}

}  // namespace umaya::named
