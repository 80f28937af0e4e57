#include "libcommon/tls/client_match.h"

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::tls {

namespace {

/// Letters, digits, hyphens, underscores and dots, no empty label; a leading "*." is taken off before.
bool is_host_name(std::string_view name) {
  if (name.empty() || name.front() == '.' || name.size() > 255) return false;
  char before = '.';
  for (char c : name) {
    if (c == '.' && before == '.') return false;
    if (!ascii_alnum(c) && c != '-' && c != '_' && c != '.') return false;
    before = c;
  }
  return before != '.';
}

std::string_view without_last_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

/// Whether name lies below domain, which begins with a dot.
bool is_below(std::string_view name, std::string_view domain) {
  return domain.size() > 1 && name.size() > domain.size() && iends_with(name, domain);
}

bool covers(std::string_view certificate_name, std::string_view wanted, Wildcards wildcards) {
  if (wanted.starts_with('.')) {
    const std::string_view plain = certificate_name.substr(certificate_name.starts_with("*.") ? 2 : 0);
    return is_host_name(plain) && is_below(certificate_name, wanted);
  }
  if (!certificate_name.starts_with("*.")) return is_host_name(certificate_name) && iequals(certificate_name, wanted);
  const std::string_view rest = certificate_name.substr(1);                                        // with its dot
  if (!is_host_name(rest.substr(1)) || rest.find('.', 1) == std::string_view::npos) return false;  // "*.com"
  const size_t dot = wanted.find('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  if (wildcards == Wildcards::one_label) return iequals(wanted.substr(dot), rest);
  return iequals(wanted.substr(dot), rest) || is_below(wanted, rest);
}

}  // namespace

std::vector<std::string> expand_match(std::span<const std::string> words, std::string_view host,
                                      std::string_view nexthop) {
  std::vector<std::string> out;
  for (const std::string& word : words) {
    if (iequals(word, "hostname")) {
      out.emplace_back(host);
    } else if (iequals(word, "nexthop")) {
      out.emplace_back(nexthop);
    } else if (iequals(word, "dot-nexthop")) {
      out.push_back('.' + std::string(nexthop));
    } else {
      out.push_back(word);
    }
  }
  return out;
}

bool matches_name(std::string_view certificate_name, std::span<const std::string> wanted, Wildcards wildcards) {
  certificate_name = without_last_dot(certificate_name);
  return std::ranges::any_of(wanted, [&](const std::string& want) {
    return !want.empty() && covers(certificate_name, without_last_dot(want), wildcards);
  });
}

bool matches_fingerprint(std::string_view fingerprint, std::span<const std::string> wanted) {
  return !fingerprint.empty() &&
         std::ranges::any_of(wanted, [&](const std::string& want) { return iequals(want, fingerprint); });
}

}  // namespace umaya::tls
