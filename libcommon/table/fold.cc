#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <cstdint>

#include "libcommon/base/strings.h"
#include "libcommon/table/table.h"

namespace umaya::table {
namespace {

/// The locale whose rules say what is a capital letter; opened once, kept for the life of the process.
locale_t unicode_locale() {
  static locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

/// One code point of valid UTF-8; at moves behind it.
char32_t next_code_point(std::string_view s, size_t& at) {
  auto first = static_cast<unsigned char>(s[at++]);
  if (first < 0x80) return first;
  int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  char32_t code = first & (0x3f >> more);
  while (more-- > 0 && at < s.size()) code = code << 6 | (static_cast<unsigned char>(s[at++]) & 0x3f);
  return code;
}

void append_code_point(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  int more = code >= 0x10000 ? 3 : code >= 0x800 ? 2 : 1;
  constexpr unsigned char kLead[] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(kLead[more] | code >> (6 * more));
  while (more-- > 0) out += static_cast<char>(0x80 | ((code >> (6 * more)) & 0x3f));
}

}  // namespace

std::string fold_case(std::string_view s) {
  if (is_ascii(s) || !valid_utf8(s) || unicode_locale() == nullptr) return to_lower(s);
  std::string out;
  out.reserve(s.size());
  for (size_t at = 0; at < s.size();) {
    char32_t code = next_code_point(s, at);
    append_code_point(out, static_cast<char32_t>(towlower_l(static_cast<wint_t>(code), unicode_locale())));
  }
  return out;
}

FoldedKey::FoldedKey(std::string_view key, CaseRule rule) : view_(key) {
  auto may_change = [](char c) { return (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80; };
  if (rule == CaseRule::keep || std::none_of(key.begin(), key.end(), may_change)) return;
  storage_ = fold_case(key);
  view_ = storage_;
}

}  // namespace umaya::table
