#include "named-lite/zone/generate.h"

#include "libcommon/base/strings.h"

namespace umaya::named {

namespace {

/// "3-7a" as a.7.0.0 for nibbles: the digits in reverse order with dots between them.
std::string nibbles(const std::string& hex, size_t width) {
  std::string text;
  size_t at = hex.size();
  while (text.size() < width || at > 0) {
    text += at > 0 ? hex[--at] : '0';
    if (text.size() < width || at > 0) text += '.';
  }
  return text;
}

Result<std::string> formatted(int64_t value, uint64_t width, char base) {
  if (value < 0) return permanent("$GENERATE: the offset makes the number negative");
  char digits[32];
  const char* format = base == 'o' ? "%lo" : base == 'x' || base == 'n' ? "%lx" : base == 'd' ? "%ld" : "%lX";
  int size = snprintf(digits, sizeof digits, format, value);
  std::string text(digits, static_cast<size_t>(size));
  if (ascii_lower(base) == 'n') return nibbles(text, static_cast<size_t>(width));
  if (text.size() < width) text.insert(0, static_cast<size_t>(width) - text.size(), '0');
  return text;
}

/// What stands between { and }: offset[,width[,base]].
Result<std::string> braced(std::string_view inside, uint64_t value) {
  auto parts = split(inside, ",");
  auto offset = parts.empty() ? std::nullopt : parse_int(parts[0]);
  auto width = parts.size() > 1 ? parse_uint(parts[1]) : std::optional<uint64_t>(0);
  char base = parts.size() > 2 && parts[2].size() == 1 ? parts[2][0] : 'd';
  bool good_base = std::string_view("doxXnN").find(base) != std::string_view::npos;
  if (!offset || !width || *width > 255 || parts.size() > 3 || !good_base || *offset > INT32_MAX ||
      *offset < -INT64_C(2147483648)) {
    return permanent("$GENERATE: write ${offset,width,base} with base d, o, x, X, n or N and width up to 255");
  }
  return formatted(static_cast<int64_t>(value) + *offset, *width, base);
}

}  // namespace

Result<GeneratePlan> GeneratePlan::create(std::span<const Token> tokens, uint64_t most) {
  constexpr std::string_view kUsage = "$GENERATE needs: first-last[/step] owner type data";
  if (tokens.size() < 5) return permanent(std::string(kUsage));
  std::string_view range = tokens[1].text;
  size_t dash = range.find('-');
  size_t slash = range.find('/');
  if (dash == std::string_view::npos) return permanent(std::string(kUsage));
  auto first = parse_uint(range.substr(0, dash));
  auto last = parse_uint(range.substr(dash + 1, slash == std::string_view::npos ? slash : slash - dash - 1));
  auto step = slash == std::string_view::npos ? std::optional<uint64_t>(1) : parse_uint(range.substr(slash + 1));
  if (!first || !last || !step || *step == 0 || *first > *last || *last > INT32_MAX || *step > INT32_MAX) {
    return permanent("$GENERATE: the range is first-last[/step], with first <= last and step at least 1");
  }
  if ((*last - *first) / *step >= most) {
    return permanent("$GENERATE: more than " + std::to_string(most) + " records");
  }
  GeneratePlan plan{*first, *last, *step, {}};
  for (const Token& token : tokens.subspan(2)) {
    if (!plan.pattern.empty()) plan.pattern += ' ';
    plan.pattern += token.quoted ? '"' + std::string(token.text) + '"' : std::string(token.text);
  }
  return plan;
}

Result<std::string> GeneratePlan::line(uint64_t value) const {
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (c == '\\' && next != '\0') {
      if (next != '$') text += c;
      text += next;
      ++i;
    } else if (c != '$') {
      text += c;
    } else if (next == '$') {
      text += '$';
      ++i;
    } else if (next == '{') {
      size_t close = pattern.find('}', i);
      if (close == std::string::npos) return permanent("$GENERATE: ${ without }");
      UMAYA_TRY(std::string part, braced(std::string_view(pattern).substr(i + 2, close - i - 2), value));
      text += part;
      i = close;
    } else {
      text += std::to_string(value);
    }
    if (text.size() > 65536) return permanent("$GENERATE: a line longer than 64 KiB");
  }
  return text;
}

}  // namespace umaya::named
