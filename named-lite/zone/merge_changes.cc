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

Result<> check_steps(std::span<const ZoneChange> steps) {
  std::unordered_map<std::string, bool> is_there;  // of the records that steps have touched
  auto touch = [&](const ZoneRecord& record, bool now) -> Result<> {
    auto [at, fresh] = is_there.try_emplace(identity(record), now);
    if (!fresh && at->second == now) {
      return permanent(name_text(record.owner) + " " + type_text(record.type) +
                       (now ? " is added twice" : " is removed twice"));
    }
    at->second = now;
    return {};
  };
  if (steps.empty()) return permanent("there are no steps");
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i > 0 && steps[i].from_serial != steps[i - 1].to_serial) return permanent("a step is missing");
    for (const ZoneRecord& record : steps[i].removed) UMAYA_CHECK(touch(record, false));
    for (const ZoneRecord& record : steps[i].added) UMAYA_CHECK(touch(record, true));
  }
  return {};
}

}  // namespace umaya::named
