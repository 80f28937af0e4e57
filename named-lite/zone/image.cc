#include "named-lite/zone/image.h"

#include <cstring>

namespace umaya::named {

ZoneImage::ZoneImage(std::string bytes) : bytes_(std::move(bytes)), base_(bytes_.data()) {}

const Node* ZoneImage::find(std::string_view name, uint64_t hash) const {
  const Slot* table = slots();
  uint32_t mask = header().slot_mask;
  auto tag = static_cast<uint32_t>(hash >> 32);
  for (uint32_t i = static_cast<uint32_t>(hash) & mask;; i = (i + 1) & mask) {
    const Slot& slot = table[i];
    if (slot.node == 0) return nullptr;
    if (slot.tag != tag) continue;
    const Node* node = at(slot.node);
    if (node->name_size == name.size() && std::memcmp(node->name().data(), name.data(), name.size()) == 0) return node;
  }
}

uint32_t ZoneImage::target(const RrsetEntry& entry, size_t i) const {
  uint32_t offset;
  std::memcpy(&offset, base_ + entry.data - 4 * (entry.count - i), sizeof offset);
  return offset;
}

}  // namespace umaya::named
