#include "named-lite/update/prerequisites.h"

#include <algorithm>
#include <map>
#include <set>

#include "named-lite/answer/query.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

using Rrset = std::pair<std::string, uint16_t>;

/// Of a record without data: a name or an RRset that must be there, or must not.
uint16_t check_presence(const ZoneEdit& zone, const WireRecord& record) {
  bool any = record.type == type::kAny;
  bool there = any ? !zone.records(record.owner).empty() : zone.has(record.owner, record.type);
  if (record.cls == rr_class::kAny && !there) return any ? rcode::kNxDomain : rcode::kNxRrset;
  if (record.cls == rr_class::kNone && there) return any ? rcode::kYxDomain : rcode::kYxRrset;
  return rcode::kNoError;
}

}  // namespace

uint16_t check_prerequisites(const ZoneEdit& zone, const std::vector<WireRecord>& prerequisites) {
  std::map<Rrset, std::set<std::string>> wanted;
  for (const WireRecord& record : prerequisites) {
    if (record.cls != rr_class::kAny && record.cls != rr_class::kNone) {
      std::string lower(Name::from_wire(record.owner).lower().wire());
      wanted[{std::move(lower), record.type}].insert(canonical_rdata(record.type, record.rdata));
      continue;
    }
    if (uint16_t wrong = check_presence(zone, record); wrong != rcode::kNoError) return wrong;
  }
  for (const auto& [rrset, data] : wanted) {
    std::set<std::string> there;
    for (const ZoneRecord& record : zone.records(rrset.first)) {
      if (record.type == rrset.second) there.insert(canonical_rdata(record.type, record.rdata));
    }
    if (there != data) return rcode::kNxRrset;
  }
  return rcode::kNoError;
}

}  // namespace umaya::named
