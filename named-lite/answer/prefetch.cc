#include "named-lite/answer/prefetch.h"

#include <array>

namespace umaya::named {

namespace {

constexpr size_t kHeader = 12;
constexpr size_t kMost = 64;

/// Octets of the name behind the header; 0 when there is none.
size_t name_size(std::string_view packet) {
  for (size_t at = kHeader; at < packet.size() && at - kHeader < kMaxName;) {
    auto length = static_cast<unsigned char>(packet[at]);
    if (length > kMaxLabel) return 0;
    at += 1 + size_t{length};
    if (length == 0) return at - kHeader <= kMaxName && at <= packet.size() ? at - kHeader : 0;
  }
  return 0;
}

struct Ahead {
  const ZoneImage* image;
  uint64_t hash;
};

}  // namespace

void prefetch_answers(const Catalog& catalog, std::span<const std::string_view> packets) {
  if (!catalog.has_large_zones()) return;
  std::array<Ahead, kMost> ahead;
  size_t count = 0;
  char lower[kMaxName];
  for (std::string_view packet : packets) {
    size_t size = name_size(packet);
    if (size == 0 || count == kMost) continue;
    copy_lower(lower, packet.data() + kHeader, size);
    SuffixHashes hashes({lower, size}, catalog.seed());
    const ServedZone* zone = catalog.find(hashes, hashes.labels());
    if (zone == nullptr || !zone->image || !Catalog::is_large(*zone->image)) continue;
    if (zone->image->seed() != catalog.seed()) continue;
    uint64_t hash = hashes.hash(hashes.labels());
    zone->image->prefetch(hash);
    ahead[count++] = {zone->image.get(), hash};
  }
  for (size_t i = 0; i < count; ++i) ahead[i].image->prefetch_node(ahead[i].hash);
}

}  // namespace umaya::named
