#include "libcommon/config/expand.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::config {
namespace {

constexpr int kDeepest = 100;             // nesting of braces and of names within names
constexpr int kMostNames = 100'000;       // looked up for one result
constexpr size_t kLongest = 1024 * 1024;  // bytes of one result: names that double themselves end here

bool name_char(char c) {
  return ascii_alnum(c) || c == '_';
}

/// Length of the name at the start of text.
size_t name_length(std::string_view text) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), name_char) - text.begin());
}

void skip_space(std::string_view& text) {
  while (!text.empty() && ascii_space(text.front())) text.remove_prefix(1);
}

/// text starts with an opening brace: gives what is inside and moves text behind the closing one.
Result<std::string_view> take_group(std::string_view& text) {
  const char open = text.front(), close = open == '{' ? '}' : ')';
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == open) ++depth;
    if (text[i] != close || --depth > 0) continue;
    std::string_view inside = text.substr(1, i - 1);
    text.remove_prefix(i + 1);
    return inside;
  }
  return permanent(fmt::format("\"{}\" lacks its closing {}", text, close));
}

enum class Compare : unsigned char { equal, not_equal, less, less_or_equal, greater_or_equal, greater };

struct Operator {
  std::string_view text;
  Compare compare;
};
constexpr Operator kOperators[] = {  // longer ones first where one is the start of another
    {"==", Compare::equal},         {"!=", Compare::not_equal},
    {"<=", Compare::less_or_equal}, {">=", Compare::greater_or_equal},
    {"<", Compare::less},           {">", Compare::greater}};

bool holds(Compare compare, int order) {
  switch (compare) {
    case Compare::equal:
      return order == 0;
    case Compare::not_equal:
      return order != 0;
    case Compare::less:
      return order < 0;
    case Compare::less_or_equal:
      return order <= 0;
    case Compare::greater_or_equal:
      return order >= 0;
    case Compare::greater:
      return order > 0;
  }
  return false;
}

int order_of(std::string_view left, std::string_view right) {
  auto a = parse_uint(left), b = parse_uint(right);
  if (a && b) return *a < *b ? -1 : *a > *b;
  return left.compare(right);
}

/// Walks over a text; names_in() uses the same walk with every branch taken and no value.
class Expander {
 public:
  Expander(const NameLookup* lookup, std::vector<std::string>* seen) : lookup_(lookup), seen_(seen) {}

  Result<> append(std::string_view text, std::string& out) {
    if (++depth_ > kDeepest)
      return permanent(fmt::format("\"{}\" nests too deeply: does a value contain itself?", text));
    while (!text.empty()) {
      size_t dollar = std::min(text.find('$'), text.size());
      out.append(text.substr(0, dollar));
      text.remove_prefix(dollar);
      if (!text.empty()) UMAYA_CHECK(append_macro(text, out));
      if (out.size() > kLongest) return permanent("the expanded value is longer than 1 MB");
    }
    --depth_;
    return {};
  }

 private:
  /// text starts with '$'.
  Result<> append_macro(std::string_view& text, std::string& out) {
    std::string_view from_dollar = text;
    text.remove_prefix(1);
    if (text.starts_with('$')) {
      text.remove_prefix(1);
      out += '$';
      return {};
    }
    if (text.starts_with('{') || text.starts_with('(')) {
      UMAYA_TRY(auto body, take_group(text));
      return append_body(body, out);
    }
    size_t length = name_length(text);
    if (length == 0)
      return permanent(fmt::format("\"{}\": a name is missing after $ (write $$ for one $)", from_dollar));
    UMAYA_CHECK(append_value(text.substr(0, length), out));
    text.remove_prefix(length);
    return {};
  }

  /// What stands between the braces of ${…}.
  Result<> append_body(std::string_view body, std::string& out) {
    const std::string_view whole = body;
    skip_space(body);
    bool test = false;
    if (body.starts_with('{')) {
      UMAYA_TRY(test, relation(body));
      if (body.empty()) {
        if (test) out += "true";
        return {};
      }
    } else {
      size_t length = name_length(body);
      std::string_view name = body.substr(0, length);
      if (length == 0) return permanent(fmt::format("\"${{{}}}\": a name is missing", whole));
      body.remove_prefix(length);
      skip_space(body);
      if (body.empty()) return append_value(name, out);
      bool is_call = body.starts_with('{') && (name == "domain_to_ascii" || name == "domain_to_utf8");
      if (is_call) return append_call(body, out);
      auto value = look_up(name);
      test = value && !value->empty();
    }
    return append_branches(body, test, out);
  }

  /// "{domain}" behind a function's name: a domain of ASCII is its own other form.
  Result<> append_call(std::string_view rest, std::string& out) {
    UMAYA_TRY(auto argument, take_group(rest));
    skip_space(rest);
    if (!rest.empty()) return permanent(fmt::format("\"{}\" stands behind the argument of a function", rest));
    return append(argument, out);
  }

  /// "?yes", ":no" or "?{yes}:{no}".
  Result<> append_branches(std::string_view rest, bool test, std::string& out) {
    const char op = rest.front();
    if (op != '?' && op != ':') return permanent(fmt::format("\"{}\": ? or : is expected here", rest));
    rest.remove_prefix(1);
    std::string_view grouped = rest;
    skip_space(grouped);
    if (!grouped.starts_with('{')) return append_if(test == (op == '?'), rest, out);
    UMAYA_TRY(auto first, take_group(grouped));
    UMAYA_CHECK(append_if(test == (op == '?'), first, out));
    skip_space(grouped);
    if (grouped.empty()) return {};
    if (op == ':' || grouped.front() != ':') return permanent(fmt::format("\"{}\": : is expected here", grouped));
    grouped.remove_prefix(1);
    std::string_view other = grouped;
    skip_space(grouped);
    if (!grouped.starts_with('{')) return append_if(!test, other, out);
    UMAYA_TRY(auto second, take_group(grouped));
    skip_space(grouped);
    if (!grouped.empty()) return permanent(fmt::format("\"{}\" stands behind the end of a condition", grouped));
    return append_if(!test, second, out);
  }

  Result<> append_if(bool chosen, std::string_view text, std::string& out) {
    return chosen || seen_ ? append(text, out) : Result<>{};
  }

  /// "{left} op {right}": moves text behind it.
  Result<bool> relation(std::string_view& text) {
    std::string left, right;
    UMAYA_TRY(auto left_text, take_group(text));
    UMAYA_CHECK(append(left_text, left));
    skip_space(text);
    const auto* op = std::find_if(std::begin(kOperators), std::end(kOperators),
                                  [&](const Operator& o) { return text.starts_with(o.text); });
    if (op == std::end(kOperators)) return permanent(fmt::format("\"{}\": == != < <= >= or > is expected here", text));
    text.remove_prefix(op->text.size());
    bool by_level = text.starts_with("level");
    if (by_level) text.remove_prefix(5);
    skip_space(text);
    if (!text.starts_with('{')) return permanent(fmt::format("\"{}\": {{right side}} is expected here", text));
    UMAYA_TRY(auto right_text, take_group(text));
    UMAYA_CHECK(append(right_text, right));
    skip_space(text);
    if (seen_) return true;
    int order = order_of(left, right);
    if (by_level) {
      UMAYA_TRY(order, compare_levels(left, right));
    }
    return holds(op->compare, order);
  }

  Result<> append_value(std::string_view name, std::string& out) {
    if (++names_ > kMostNames) return permanent("the value mentions too many names");
    auto value = look_up(name);
    return value ? append(*value, out) : Result<>{};
  }

  std::optional<std::string> look_up(std::string_view name) {
    if (seen_) seen_->emplace_back(name);
    return lookup_ ? (*lookup_)(name) : std::nullopt;
  }

  const NameLookup* lookup_;
  std::vector<std::string>* seen_;
  int depth_ = 0;
  int names_ = 0;
};

/// "3.10" as 3, 10; missing parts are 0. Nothing when text is not a level.
std::optional<std::vector<uint64_t>> level_parts(std::string_view text) {
  std::vector<uint64_t> parts;
  for (std::string_view part : split(trim(text), ".")) {
    auto value = parse_uint(part);
    if (!value) return std::nullopt;
    parts.push_back(*value);
  }
  if (parts.empty() || parts.size() > 3) return std::nullopt;
  parts.resize(3);
  return parts;
}

}  // namespace

Result<std::string> expand(std::string_view text, const NameLookup& lookup) {
  std::string out;
  UMAYA_CHECK(Expander(&lookup, nullptr).append(text, out));
  return out;
}

std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> seen;
  std::string ignored;
  (void)Expander(nullptr, &seen).append(text, ignored);
  return seen;
}

Result<int> compare_levels(std::string_view left, std::string_view right) {
  auto a = level_parts(left), b = level_parts(right);
  if (!a || !b) return permanent(fmt::format("\"{}\" is not a level such as 3.7", a ? right : left));
  return *a < *b ? -1 : *a > *b;
}

}  // namespace umaya::config
