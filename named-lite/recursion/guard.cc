#include "named-lite/recursion/guard.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

bool is_below_any(std::string_view name, const std::vector<std::string>& zones) {
  return std::any_of(zones.begin(), zones.end(), [&](const std::string& zone) { return is_at_or_below(name, zone); });
}

bool is_denied(const ViewRecursion& view, uint16_t type, std::string_view data) {
  auto bytes = reinterpret_cast<const uint8_t*>(data.data());
  net::IpAddress address = type == type::kA ? net::IpAddress::v4(bytes) : net::IpAddress::v6(bytes).unmapped();
  return view.denied_address(address);
}

bool is_permitted(const ViewRecursion& view, const RrSet& set) {
  if (set.type == type::kA || set.type == type::kAaaa) {
    if (!view.denied_address || is_below_any(set.owner, view.denied_except)) return true;
    return std::none_of(set.data.begin(), set.data.end(),
                        [&](const std::string& data) { return is_denied(view, set.type, data); });
  }
  if (set.type != type::kCname && set.type != type::kDname) return true;
  if (view.denied_aliases.empty() || is_below_any(set.owner, view.aliases_except)) return true;
  return std::none_of(set.data.begin(), set.data.end(), [&](const std::string& data) {
    return is_below_any(data, view.denied_aliases) && !is_below_any(data, view.aliases_except);
  });
}

}  // namespace

bool is_permitted(const ViewRecursion& view, const std::vector<Step>& steps) {
  if (!view.denied_address && view.denied_aliases.empty()) return true;
  return std::all_of(steps.begin(), steps.end(), [&](const Step& step) {
    if (step.entry.outcome != Outcome::found && step.entry.outcome != Outcome::alias) return true;
    return std::all_of(step.entry.sets.begin(), step.entry.sets.end(),
                       [&](const RrSet& set) { return is_permitted(view, set); });
  });
}

}  // namespace umaya::named
