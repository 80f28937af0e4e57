#include "named-lite/check/zone_check.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

/// Where a fault of a whole set or name is told: at its first record.
const Record& first_record(const CheckedZone& zone, const Node& node, uint16_t type) {
  OwnerName owner = zone.image.name(node);
  for (const Record& record : zone.list.records()) {
    if ((type == 0 || record.type == type) && same_name(zone.list.owner(record), owner)) return record;
  }
  return zone.list.records().front();
}

}  // namespace

/// max-records, max-records-per-type, max-types-per-name.
void WholeChecks::limits() const {
  const CheckPolicy& policy = zone_.policy;
  const auto& records = zone_.list.records();
  if (policy.max_records != 0 && records.size() > policy.max_records) {
    zone_.report(CheckAction::fail, records[policy.max_records],
                 "the zone has " + std::to_string(records.size()) + " records: more than max-records (" +
                     std::to_string(policy.max_records) + ")");
  }
  if (policy.max_records_per_type == 0 && policy.max_types_per_name == 0) return;
  uint64_t cursor = 0;
  while (const Node* node = zone_.image.next(cursor)) {
    if (policy.max_types_per_name != 0 && node->rrset_count > policy.max_types_per_name) {
      zone_.report(CheckAction::fail, first_record(zone_, *node, 0),
                   "the name has " + std::to_string(node->rrset_count) + " types: more than max-types-per-name (" +
                       std::to_string(policy.max_types_per_name) + ")");
    }
    for (size_t i = 0; policy.max_records_per_type != 0 && i < node->rrset_count; ++i) {
      const RrsetEntry& entry = node->rrsets()[i];
      if (entry.count <= policy.max_records_per_type) continue;
      zone_.report(CheckAction::fail, first_record(zone_, *node, entry.type),
                   "the name has " + std::to_string(entry.count) + " records of type " + type_text(entry.type) +
                       ": more than max-records-per-type (" + std::to_string(policy.max_records_per_type) + ")");
    }
  }
}

}  // namespace umaya::named
