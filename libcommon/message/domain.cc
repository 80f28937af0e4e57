#include "libcommon/message/domain.h"

#include <arpa/inet.h>

#include <cstring>

#include "libcommon/base/strings.h"

namespace umaya::message {

static bool valid_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  for (char c : label) {
    if (!ascii_alnum(c) && c != '-' && c != '_') return false;
  }
  return true;
}

bool valid_hostname(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.empty() || name.size() > 255) return false;
  bool non_numeric = false;
  for (char c : name) non_numeric = non_numeric || !(ascii_digit(c) || c == '.');
  if (!non_numeric) return false;
  while (true) {
    size_t dot = name.find('.');
    if (!valid_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

std::optional<std::string> canonical_ip(std::string_view text) {
  char input[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof input) return {};
  std::memcpy(input, text.data(), text.size());
  input[text.size()] = 0;
  if (std::strlen(input) != text.size()) return {};
  char output[INET6_ADDRSTRLEN];
  in_addr v4{};
  if (inet_pton(AF_INET, input, &v4) == 1) return inet_ntop(AF_INET, &v4, output, sizeof output);
  in6_addr v6{};
  if (inet_pton(AF_INET6, input, &v6) != 1) return {};
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return inet_ntop(AF_INET, v6.s6_addr + 12, output, sizeof output);
  return inet_ntop(AF_INET6, &v6, output, sizeof output);
}

std::optional<std::string> parse_address_literal(std::string_view literal) {
  if (literal.size() < 3 || literal.front() != '[' || literal.back() != ']') return {};
  std::string_view inside = literal.substr(1, literal.size() - 2);
  if (!istarts_with(inside, "IPv6:")) return canonical_ip(inside);
  inside.remove_prefix(5);
  if (inside.find(':') == std::string_view::npos) return {};
  return canonical_ip(inside);
}

bool valid_address_literal(std::string_view literal) {
  return parse_address_literal(literal).has_value();
}

}  // namespace umaya::message
