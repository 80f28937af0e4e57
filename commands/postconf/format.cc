#include "commands/postconf/format.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"

namespace umaya::postconf {
namespace {

constexpr size_t kLineWidth = 80;
constexpr std::string_view kBlanks = " \t\r\n\v\f";

/// "name = a b c" with words folded at the line's end.
std::string fold(std::string out, std::string_view value, Layout layout) {
  size_t column = out.size();
  for (std::string_view word : split(value, kBlanks)) {
    bool first = out.empty();
    bool wrap = layout == Layout::folded && !first && column + 1 + word.size() > kLineWidth;
    out += wrap ? "\n    " : first ? "" : " ";
    column = (wrap ? 4 : first ? 0 : column + 1) + word.size();
    out += word;
  }
  return out;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < ' ') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string print_setting(std::string_view name, std::string_view value, const Form& form) {
  if (form.layout == Layout::json) {
    return fmt::format("{{{}: {}}}\n", json_string(name), json_string(fold("", value, Layout::one_line)));
  }
  if (form.parts == Parts::names) return std::string(name) + "\n";
  if (form.parts == Parts::values) return fold("", value, form.layout) + "\n";
  return fold(std::string(name) + " =", value, form.layout) + "\n";
}

}  // namespace umaya::postconf
