#include "libcommon/config/values.h"

#include <fmt/format.h>

#include <limits>

#include "libcommon/base/strings.h"

namespace umaya::config {
namespace {

/// Seconds of a unit letter; 0 for a letter that is none.
int64_t unit_seconds(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 7 * 86400;
  }
  return 0;
}

Result<int64_t> within(int64_t value, Limits limits, std::string_view unit) {
  if (limits.min != 0 && value < limits.min) {
    return permanent(fmt::format("{}{} is too small: the least is {}{}", value, unit, limits.min, unit));
  }
  if (limits.max != 0 && value > limits.max) {
    return permanent(fmt::format("{}{} is too large: the most is {}{}", value, unit, limits.max, unit));
  }
  return value;
}

Result<void> check_feedback(std::string_view text) {
  std::string_view number = text.substr(0, text.find('/'));
  std::string_view tail = text.substr(number.size());
  number = trim(number);
  size_t digits = 0, dots = 0;
  for (char c : number) ascii_digit(c) ? ++digits : c == '.' ? ++dots : dots += 2;
  tail = tail.empty() ? tail : trim(tail.substr(1));
  bool tail_ok = tail.empty() || tail == "concurrency" || tail == "sqrt_concurrency";
  if (digits > 0 && dots <= 1 && tail_ok) return {};
  return permanent(
      fmt::format("\"{}\" is not a feedback value: write 1, 0.5, 1/concurrency or 1/sqrt_concurrency", text));
}

}  // namespace

Result<bool> parse_bool(std::string_view text) {
  if (iequals(text, "yes")) return true;
  if (iequals(text, "no")) return false;
  return permanent(fmt::format("\"{}\" is neither yes nor no", text));
}

Result<int64_t> parse_number(std::string_view text, Limits limits) {
  auto value = parse_int(trim(text));
  if (!value) return permanent(fmt::format("\"{}\" is not a whole number", text));
  return within(*value, limits, "");
}

Result<Duration> parse_time(std::string_view text, Limits limits) {
  std::string_view digits = trim(text);
  char unit = limits.unit;
  if (!digits.empty() && ascii_alpha(digits.back())) {
    unit = ascii_lower(digits.back());
    digits.remove_suffix(1);
  }
  auto value = parse_uint(digits);
  int64_t factor = unit_seconds(unit);
  if (!value || factor == 0) {
    return permanent(fmt::format("\"{}\" is not a time: write a number and s, m, h, d or w, for example 30s", text));
  }
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (*value > static_cast<uint64_t>(kMost / factor)) return permanent(fmt::format("\"{}\" is too long a time", text));
  UMAYA_TRY(int64_t seconds, within(static_cast<int64_t>(*value) * factor, limits, "s"));
  return std::chrono::seconds(seconds);
}

Result<void> check_value(const Param& row, std::string_view text) {
  if (text.empty() && (row.flags & kNonEmpty)) return permanent("the value may not be empty");
  switch (row.kind) {
    case Kind::boolean:
      UMAYA_CHECK(parse_bool(text));
      return {};
    case Kind::integer:
    case Kind::size:
      UMAYA_CHECK(parse_number(text, row.limits));
      return {};
    case Kind::time:
      UMAYA_CHECK(parse_time(text, row.limits));
      return {};
    case Kind::feedback:
      return check_feedback(text);
    default:
      return {};
  }
}

}  // namespace umaya::config
