#include "named-lite/config/zone_fit.h"

#include <algorithm>
#include <iterator>

#include "libcommon/base/strings.h"

namespace umaya::named {

namespace {

constexpr unsigned bit(ZoneType type) {
  return 1U << static_cast<unsigned>(type);
}

using enum ZoneType;
constexpr unsigned kPrimary = bit(primary);
constexpr unsigned kCopied = bit(secondary) | bit(stub);
constexpr unsigned kOwn = bit(primary) | bit(secondary);

struct FitRow {
  std::string_view name;
  unsigned types;
  std::string_view instead;  ///< of the most likely confusion; may be empty
};

/// In the order of the alphabet. What is not here is refused in hint, forward and in-view zones, which have next to
/// nothing, and fits all others.
constexpr FitRow kRows[] = {
    {"allow-notify", bit(secondary), "NOTIFY comes from primaries: it is for secondary zones"},
    {"allow-transfer", kOwn, ""},
    {"allow-update", kPrimary, "updates are made at the primary: allow-update-forwarding hands them on"},
    {"allow-update-forwarding", bit(secondary), "a primary makes updates itself: allow-update"},
    {"also-notify", kOwn, ""},
    {"check-dup-records", kPrimary, ""},
    {"check-integrity", kPrimary, ""},
    {"check-mx", kPrimary, ""},
    {"check-mx-cname", kPrimary, ""},
    {"check-names", kOwn | bit(stub) | bit(hint), ""},
    {"check-sibling", kPrimary, ""},
    {"check-spf", kPrimary, ""},
    {"check-srv-cname", kPrimary, ""},
    {"check-wildcard", kPrimary, ""},
    {"file", kOwn | bit(stub) | bit(hint), ""},
    {"forward", kOwn | bit(stub) | bit(static_stub) | bit(forward) | bit(in_view), ""},
    {"forwarders", kOwn | bit(stub) | bit(static_stub) | bit(forward) | bit(in_view), ""},
    {"in-view", bit(in_view), "a zone is of another view, or has a type of its own"},
    {"ixfr-from-differences", kOwn, ""},
    {"journal", kOwn, ""},
    {"masters", kCopied, "a zone that has primaries is type secondary"},
    {"max-ixfr-ratio", kOwn, ""},
    {"max-journal-size", kOwn, ""},
    {"max-refresh-time", kCopied, ""},
    {"max-retry-time", kCopied, ""},
    {"max-transfer-idle-in", kCopied, ""},
    {"max-transfer-idle-out", kOwn, ""},
    {"max-transfer-time-in", kCopied, ""},
    {"max-transfer-time-out", kOwn, ""},
    {"max-zone-ttl", kPrimary, ""},
    {"min-refresh-time", kCopied, ""},
    {"min-retry-time", kCopied, ""},
    {"multi-master", kCopied, ""},
    {"notify", kOwn, ""},
    {"notify-delay", kOwn, ""},
    {"notify-source", kOwn, ""},
    {"notify-source-v6", kOwn, ""},
    {"notify-to-soa", kOwn, ""},
    {"primaries", kCopied, "a zone that has primaries is type secondary"},
    {"provide-ixfr", kOwn, ""},
    {"request-expire", bit(secondary), ""},
    {"request-ixfr", bit(secondary), ""},
    {"serial-update-method", kPrimary, ""},
    {"server-addresses", bit(static_stub), ""},
    {"server-names", bit(static_stub), ""},
    {"transfer-source", kCopied, ""},
    {"transfer-source-v6", kCopied, ""},
    {"try-tcp-refresh", bit(secondary), ""},
    {"update-policy", kPrimary, "updates are made at the primary: allow-update-forwarding hands them on"},
};

}  // namespace

void check_fit(Problems& problems, const Statement& statement, ZoneType type) {
  if (type == ZoneType::other || statement.parts[0].is_block()) return;
  std::string name = to_lower(statement.name());
  if (name == "type") return;
  auto row = std::lower_bound(std::begin(kRows), std::end(kRows), std::string_view(name),
                              [](const FitRow& each, std::string_view text) { return each.name < text; });
  bool known = row != std::end(kRows) && row->name == name;
  bool bare = type == ZoneType::hint || type == ZoneType::forward || type == ZoneType::in_view;
  if (known ? (row->types & bit(type)) != 0 : !bare) return;
  std::string what = "\"" + name + "\" is not for a zone of type " + std::string(zone_type_text(type));
  if (known && !row->instead.empty()) what += ": " + std::string(row->instead);
  problems.error(statement.place(), std::move(what));
}

}  // namespace umaya::named
