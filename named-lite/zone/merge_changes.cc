#include "named-lite/zone/merge_changes.h"

#include <algorithm>
#include <unordered_map>

#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire_record.h"

namespace umaya::named {

namespace {

/// The key under which a record is the same as another one.
std::string identity(const ZoneRecord& record) {
  std::string key(record.owner);
  copy_lower(key.data(), record.owner.data(), record.owner.size());
  key.push_back(static_cast<char>(record.type >> 8));
  key.push_back(static_cast<char>(record.type));
  return key + canonical_rdata(record.type, record.rdata);
}

}  // namespace

ZoneChange merge_changes(std::span<const ZoneChange> steps) {
  // For each record that a step touches: what it was before the first step, and what it is after the last one.
  struct Fate {
    const ZoneRecord* before = nullptr;
    const ZoneRecord* after = nullptr;
  };
  std::unordered_map<std::string, Fate> fates;
  std::vector<std::string> order;
  auto fate_of = [&](const ZoneRecord& record) -> std::pair<Fate&, bool> {
    std::string key = identity(record);
    auto [at, fresh] = fates.try_emplace(key);
    if (fresh) order.push_back(std::move(key));
    return {at->second, fresh};
  };
  for (const ZoneChange& step : steps) {
    for (const ZoneRecord& record : step.removed) {
      auto [fate, fresh] = fate_of(record);
      if (fresh) fate.before = &record;
      fate.after = nullptr;
    }
    for (const ZoneRecord& record : step.added) fate_of(record).first.after = &record;
  }
  ZoneChange out;
  out.from_serial = steps.front().from_serial;
  out.to_serial = steps.back().to_serial;
  for (const std::string& key : order) {
    const Fate& fate = fates[key];
    bool same = fate.before != nullptr && fate.after != nullptr && *fate.before == *fate.after;
    if (fate.before != nullptr && !same) out.removed.push_back(*fate.before);
    if (fate.after != nullptr && !same) out.added.push_back(*fate.after);
  }
  auto is_soa = [](const ZoneRecord& record) { return record.type == type::kSoa; };
  std::stable_partition(out.removed.begin(), out.removed.end(), is_soa);
  std::stable_partition(out.added.begin(), out.added.end(), is_soa);
  return out;
}

}  // namespace umaya::named
