// NAME    check_policy - what the checker of zones says and how loudly
//
// DESCRIPTION
//     The defaults are what named-lite does without a word in named.conf. BIND's statements of the same names set them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace umaya::named {

class ZoneImage;

enum class CheckAction : unsigned char { ignore, warn, fail };

/// Whether a reverse name (lower case, wire form) has a PTR here; nothing when no zone that is served holds the name.
using HasPtr = std::function<std::optional<bool>(std::string_view name)>;

struct CheckPolicy {
  CheckAction names = CheckAction::warn;        ///< check-names: names that no host may have
  CheckAction mx = CheckAction::warn;           ///< check-mx: MX at an address
  CheckAction mx_cname = CheckAction::warn;     ///< check-mx-cname: MX at an alias
  CheckAction srv_cname = CheckAction::warn;    ///< check-srv-cname
  CheckAction dup_records = CheckAction::warn;  ///< check-dup-records: a record that stands twice
  CheckAction spf = CheckAction::warn;          ///< check-spf
  CheckAction ns = CheckAction::warn;           ///< -n of named-checkzone: NS at an address
  bool integrity = true;                        ///< check-integrity: targets have addresses, glue is there
  bool sibling = true;                          ///< check-sibling: also glue in delegations beside the one at hand
  bool wildcard = true;                         ///< check-wildcard: asterisks that are none, names that hide one
  uint64_t max_records = 0;                     ///< of the zone; 0: any number, as in the next two
  uint32_t max_records_per_type = 0;
  uint32_t max_types_per_name = 0;
  const ZoneImage* in_service = nullptr;  ///< the version that is served now, for its serial
  HasPtr has_ptr;                         ///< empty: addresses are not looked for in reverse zones

  /// All that decides on a result, so that a kept image is known to hold still.
  std::string text() const;
};

}  // namespace umaya::named
