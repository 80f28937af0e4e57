#include "named-lite/zone/image_differences.h"

#include <algorithm>

#include "named-lite/dns/types.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/zone/image_lookup.h"

namespace umaya::named {

namespace {

std::vector<ZoneRecord> records_like(const ZoneImage& image, std::string_view name) {
  const Node* node = find_node(image, name);
  return node != nullptr ? node_records(image, *node) : std::vector<ZoneRecord>();
}

/// Adds the records of `from` that are not in `other`, or have another TTL there.
void add_missing(const std::vector<ZoneRecord>& from, const std::vector<ZoneRecord>& other,
                 std::vector<ZoneRecord>& out) {
  for (const ZoneRecord& record : from) {
    bool there = std::any_of(other.begin(), other.end(), [&](const ZoneRecord& each) {
      return each.ttl == record.ttl && each.type == record.type && each.rdata == record.rdata;
    });
    if (!there) out.push_back(record);
  }
}

}  // namespace

ZoneChange image_differences(const ZoneImage& before, const ZoneImage& after) {
  ZoneChange change;
  change.from_serial = before.header().serial;
  change.to_serial = after.header().serial;
  each_owner(before, [&](const Node& node) {
    std::vector<ZoneRecord> now = records_like(after, before.name(node));
    std::vector<ZoneRecord> then = node_records(before, node);
    add_missing(then, now, change.removed);
    add_missing(now, then, change.added);
  });
  each_owner(after, [&](const Node& node) {
    const Node* known = find_node(before, after.name(node));
    if (known == nullptr || known->rrset_count == 0) add_missing(node_records(after, node), {}, change.added);
  });
  auto is_soa = [](const ZoneRecord& record) { return record.type == type::kSoa; };
  std::stable_partition(change.removed.begin(), change.removed.end(), is_soa);
  std::stable_partition(change.added.begin(), change.added.end(), is_soa);
  return change;
}

bool changes_data(const ZoneChange& change) {
  auto other = [](const ZoneRecord& record) { return record.type != type::kSoa; };
  return std::any_of(change.removed.begin(), change.removed.end(), other) ||
         std::any_of(change.added.begin(), change.added.end(), other);
}

}  // namespace umaya::named
