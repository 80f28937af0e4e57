// NAME    values - read the text of a parameter value
//
// DESCRIPTION
//     Each function gives the value, or an error that says what would be right; the caller adds file, line and name.
#pragma once

#include <string_view>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/config/params.h"

namespace umaya::config {

/// "yes" or "no", in any case.
Result<bool> parse_bool(std::string_view text);
/// A whole number within the limits; min = max = 0 means any.
Result<int64_t> parse_number(std::string_view text, Limits limits = {});
/// "30s", "5m", "2h", "1d", "1w", or a bare number in limits.unit. The limits count seconds.
Result<Duration> parse_time(std::string_view text, Limits limits = {});
/// Reads text as the row says, only to see whether it is right.
Result<void> check_value(const Param& row, std::string_view text);

}  // namespace umaya::config
