#include "named-lite/config/zone_index.h"

namespace umaya::named {

namespace {

/// Not those that only say who is asked.
bool has_data(ZoneType type) {
  return type != ZoneType::hint && type != ZoneType::forward && type != ZoneType::other;
}

}  // namespace

/// FNV-1a, without regard to case. The names are the administrator's: nobody else chooses them.
size_t ZoneIndex::Hash::operator()(std::string_view name) const {
  uint64_t hash = 14695981039346656037u;
  for (char c : name) {
    char lower;
    copy_lower(&lower, &c, 1);
    hash = (hash ^ static_cast<unsigned char>(lower)) * 1099511628211u;
  }
  return hash;
}

ZoneIndex::ZoneIndex(const std::vector<ZoneConf>& zones) {
  zones_.reserve(zones.size());
  for (const ZoneConf& zone : zones) zones_.emplace(zone.name.wire(), &zone);
}

const ZoneConf* ZoneIndex::exactly(std::string_view name) const {
  auto found = zones_.find(name);
  return found != zones_.end() ? found->second : nullptr;
}

const ZoneConf* ZoneIndex::nearest(std::string_view name) const {
  while (true) {
    const ZoneConf* zone = exactly(name);
    if (zone != nullptr && has_data(zone->type)) return zone;
    if (name.size() <= 1) return nullptr;
    name = parent_of(name);
  }
}

}  // namespace umaya::named
