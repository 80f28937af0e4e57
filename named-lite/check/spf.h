// NAME    spf - reads an SPF record for mistakes
//
// SYNOPSIS
//     SpfFindings found = check_spf("v=spf1 mx include:_spf.example.net -all");
//     found.faults; found.lookups; found.names
//
// DESCRIPTION
//     RFC 7208 4.6 and 12, the text alone: unknown mechanisms and modifiers with a second thought about what was meant,
//     malformed addresses, lengths and macros, mechanisms behind `all`, and the number of DNS lookups that 4.6.4 limits
//     to ten. `names` are what it includes or redirects to, for who can look further.
//
// LIMITS  the text of one TXT record
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace umaya::named {

struct SpfFault {
  std::string what;
  std::string cure;  ///< the whole record, corrected; empty when there is no guess
};

struct SpfFindings {
  std::vector<SpfFault> faults;
  size_t lookups = 0;
  std::vector<std::string> names;  ///< of include and redirect, when they hold no macros
};

inline constexpr size_t kMostSpfLookups = 10;

/// "v=spf1" alone or before a space, in any case.
bool is_spf(std::string_view text);
/// text: a record for which is_spf() holds.
SpfFindings check_spf(std::string_view text);

}  // namespace umaya::named
