#include "smtpd/reject_footer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "libcommon/base/strings.h"

namespace umaya::smtpd {

static Result<std::string_view> value_of(std::string_view name, const FooterFacts& facts) {
  if (name == "client_address") return facts.client_address;
  if (name == "client_port") return std::string_view(facts.client_port);
  if (name == "localtime") return std::string_view(facts.localtime);
  if (name == "server_name") return facts.server_name;
  return permanent("$" + std::string(name) +
                   ": use $client_address, $client_port, $localtime or $server_name, and $$ for a dollar");
}

/// Takes the name behind a dollar sign from the front of rest.
static std::string_view take_name(std::string_view& rest) {
  bool braces = rest.starts_with('{');
  if (braces) rest.remove_prefix(1);
  auto is_name = [](char c) { return ascii_alnum(c) || c == '_'; };
  size_t size = static_cast<size_t>(std::find_if_not(rest.begin(), rest.end(), is_name) - rest.begin());
  std::string_view name = rest.substr(0, size);
  rest.remove_prefix(size);
  if (braces && rest.starts_with('}')) rest.remove_prefix(1);
  return name;
}

std::string without_escapes(std::string_view text) {
  static constexpr std::pair<char, char> kNamed[] = {{'a', '\a'}, {'b', '\b'}, {'f', '\f'}, {'n', '\n'},
                                                     {'r', '\r'}, {'t', '\t'}, {'v', '\v'}};
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    char c = text[++i];
    auto named = std::find_if(std::begin(kNamed), std::end(kNamed), [c](const auto& row) { return row.first == c; });
    if (named != std::end(kNamed)) {
      out += named->second;
    } else if (c >= '0' && c <= '7') {
      unsigned octal = 0;
      size_t end = std::min(i + 3, text.size());
      for (; i < end && text[i] >= '0' && text[i] <= '7'; ++i) octal = octal * 8 + static_cast<unsigned>(text[i] - '0');
      out += static_cast<char>(octal);
      --i;
    } else {
      out += c;
    }
  }
  return out;
}

Result<std::string> with_footer(std::string_view text, std::string_view footer, const FooterFacts& facts) {
  std::string out(text);
  std::string_view rest = footer;
  if (rest.starts_with("\\c")) {
    rest.remove_prefix(2);
  } else {
    out += '\n';
  }
  while (!rest.empty()) {
    char c = rest.front();
    rest.remove_prefix(1);
    if (c == '\\' && rest.starts_with('n')) {
      rest.remove_prefix(1);
      out += '\n';
    } else if (c == '$' && rest.starts_with('$')) {
      rest.remove_prefix(1);
      out += '$';
    } else if (c == '$') {
      UMAYA_TRY(std::string_view value, value_of(take_name(rest), facts));
      for (char v : value) out += facts.allowed.empty() || facts.allowed.find(v) != facts.allowed.npos ? v : '_';
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace umaya::smtpd
