#include "named-lite/zone/image_lookup.h"

#include <algorithm>

#include "named-lite/dns/types.h"
#include "named-lite/zone/image_records.h"

namespace umaya::named {

const Node* find_node(const ZoneImage& image, std::string_view name) {
  if (!is_at_or_below(name, image.apex_name())) return nullptr;
  char lower[kMaxName];
  copy_lower(lower, name.data(), name.size());
  std::string_view wire(lower, name.size());
  SuffixHashes hashes(wire, image.seed());
  return image.find(wire, hashes.hash(hashes.labels()));
}

std::vector<ZoneRecord> node_records(const ZoneImage& image, const Node& node) {
  std::vector<ZoneRecord> out = records_at(image, node);
  std::stable_partition(out.begin(), out.end(), [](const ZoneRecord& record) { return record.type == type::kSoa; });
  return out;
}

ZoneRecord soa_record(const ZoneImage& image) {
  return node_records(image, image.apex()).front();
}

}  // namespace umaya::named
