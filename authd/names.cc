#include "authd/names.h"

#include "libcommon/auth/passwd_file.h"
#include "libcommon/base/strings.h"

namespace umaya::authd {

std::optional<std::string> canonical_name(std::string_view name, const NameRules& rules) {
  std::string full(name);
  if (!rules.default_realm.empty() && name.find('@') == std::string_view::npos) full += "@" + rules.default_realm;
  size_t at = rules.fold ? 0 : full.find('@');  // domains are the same in any letters
  if (at != std::string::npos) full = full.substr(0, at) + to_lower(full.substr(at));
  if (!auth::valid_user_name(full)) return std::nullopt;
  return full;
}

std::string_view local_part(std::string_view name) {
  return name.substr(0, name.find('@'));
}

std::string_view domain_part(std::string_view name) {
  size_t at = name.find('@');
  return at == std::string_view::npos ? std::string_view() : name.substr(at + 1);
}

std::string fill_template(std::string_view text, std::string_view name) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char letter = text[i] == '%' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (letter == 'u') {
      out += name;
    } else if (letter == 'n') {
      out += local_part(name);
    } else if (letter == 'd') {
      out += domain_part(name);
    } else if (letter == '%') {
      out += '%';
    } else {
      out += text[i];
      continue;
    }
    ++i;
  }
  return out;
}

}  // namespace umaya::authd
