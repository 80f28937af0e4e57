#include "libcommon/mailbox/quota_limits.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"

namespace umaya::mailbox {

namespace {

constexpr uint64_t kMost = uint64_t{1} << 60;

/// 1 for "B", 1024 for "K" or "KB", and so on; 0 when it is no unit.
uint64_t unit_of(std::string_view text) {
  constexpr std::string_view kUnits = "bkmgt";
  std::string unit = to_lower(text);
  if (unit.size() == 2 && unit[0] != 'b' && unit[1] == 'b') unit.pop_back();
  size_t power = unit.size() == 1 ? kUnits.find(unit[0]) : kUnits.npos;
  return power == kUnits.npos ? 0 : uint64_t{1} << (10 * power);
}

/// "50000000", "50M"; without a unit it counts in plain_unit.
std::optional<uint64_t> parse_amount(std::string_view text, uint64_t plain_unit) {
  size_t digits = 0;
  while (digits < text.size() && ascii_digit(text[digits])) ++digits;
  auto number = parse_uint(text.substr(0, digits));
  uint64_t unit = digits == text.size() ? plain_unit : unit_of(text.substr(digits));
  if (!number || unit == 0 || *number > kMost / unit) return std::nullopt;
  return *number * unit;
}

/// "storage=1G:messages=1000", perhaps with the rule's mailbox name before it, which must be "*".
std::optional<QuotaLimits> parse_rule(std::string_view text) {
  QuotaLimits limits;
  if (text.starts_with("*:")) text.remove_prefix(2);
  for (std::string_view part : split(text, ":")) {
    size_t equals = part.find('=');
    if (equals == part.npos) return std::nullopt;
    std::string_view name = part.substr(0, equals), value = part.substr(equals + 1);
    if (iequals(name, "messages")) {
      auto messages = parse_uint(value);
      if (!messages || *messages > kMost) return std::nullopt;
      limits.messages = *messages;
      continue;
    }
    bool storage = iequals(name, "storage");
    if (!storage && !iequals(name, "bytes")) return std::nullopt;
    auto bytes = parse_amount(value, storage ? 1024 : 1);
    if (!bytes) return std::nullopt;
    limits.bytes = *bytes;
  }
  return limits;
}

}  // namespace

std::optional<QuotaLimits> parse_quota_limits(std::string_view text) {
  QuotaLimits limits;
  for (std::string_view part : split(text, ",")) {
    auto number = parse_uint(part.substr(0, part.size() - 1));
    if (!number || *number > kMost) return std::nullopt;
    if (part.back() == 'S') {
      limits.bytes = *number;
    } else if (part.back() == 'C') {
      limits.messages = *number;
    } else {
      return std::nullopt;
    }
  }
  return limits;
}

std::string print_quota_limits(const QuotaLimits& limits) {
  std::string text;
  if (limits.bytes > 0) text = fmt::format("{}S", limits.bytes);
  if (limits.messages > 0) text += fmt::format("{}{}C", text.empty() ? "" : ",", limits.messages);
  return text;
}

Result<QuotaLimits> parse_quota_value(std::string_view text) {
  std::string_view value = trim(text);
  std::optional<QuotaLimits> limits;
  if (value.find('=') != value.npos) {
    limits = parse_rule(value);
  } else if (auto bytes = parse_amount(value, 1)) {
    limits = QuotaLimits{*bytes, 0};
  } else if (value.find_first_of("SC") != value.npos) {
    limits = parse_quota_limits(value);
  }
  if (limits) return *limits;
  return temporary(fmt::format("bad limit \"{}\": write 50000000, 50M or 1G for octets, 50000000S,1000C with messages, "
                               "or storage=1G:messages=1000",
                               printable(value, true)),
                   "4.3.5");
}

bool has_room(const QuotaLimits& limits, const QuotaUse& used, uint64_t bytes, uint64_t messages) {
  if (limits.bytes > 0 && (used.bytes > limits.bytes || bytes > limits.bytes - used.bytes)) return false;
  return limits.messages == 0 || (used.messages <= limits.messages && messages <= limits.messages - used.messages);
}

Error over_quota(const QuotaLimits& limits, const QuotaUse& used) {
  Error error{ErrorKind::temporary, 0, "", "4.2.2"};
  if (limits.messages > 0 && used.messages >= limits.messages) {
    error.what = fmt::format("mailbox is full: it has {} messages, its limit is {}", used.messages, limits.messages);
    return error;
  }
  error.what = fmt::format("{}: {} of {} bytes are used",
                           used.bytes >= limits.bytes ? "mailbox is full" : "mailbox has no room for the message",
                           used.bytes, limits.bytes);
  return error;
}

}  // namespace umaya::mailbox
