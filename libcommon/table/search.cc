#include "libcommon/table/search.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/message/address.h"

namespace umaya::table {
namespace {

/// Tries key in its quoted form, then as it is.
Found find_key(Maps& maps, const std::string& key, KeyForm form) {
  std::string quoted = message::to_external(key);
  Lookup answer = maps.find(quoted, form);
  if (answer.missing() && quoted != key) answer = maps.find(key, form);
  return {std::move(answer), key, {}};
}

/// "192.0.2.1", "[192.0.2.1]" and "2001:db8::1" have no parent domains.
bool looks_numeric(std::string_view domain) {
  return domain.find(':') != std::string_view::npos || domain.starts_with('[') ||
         std::all_of(domain.begin(), domain.end(), [](char c) { return ascii_digit(c) || c == '.'; });
}

struct Parts {
  std::string local;
  std::string bare;  ///< local without extension; empty when there is none
  std::string extension;
  std::string at_domain;  ///< "@domain", or empty
};

Parts split_address(std::string_view address, const AddressRules& rules) {
  Parts out;
  size_t at = address.rfind('@');
  out.local = address.substr(0, at);
  if (at != std::string_view::npos) out.at_domain = address.substr(at);
  size_t split = extension_start(out.local, rules);
  if (split != std::string::npos) {
    out.bare = out.local.substr(0, split);
    out.extension = out.local.substr(split);
  }
  return out;
}

}  // namespace

size_t extension_start(std::string_view local, const AddressRules& rules) {
  constexpr size_t kNone = std::string_view::npos;
  if (rules.delimiters.empty() || iequals(local, "mailer-daemon") || iequals(local, rules.double_bounce_sender)) {
    return kNone;
  }
  if (rules.owner_request_special && rules.delimiters.find('-') != std::string::npos) {
    if (istarts_with(local, "owner-")) return kNone;
    constexpr std::string_view kRequest = "-request";
    if (local.size() > kRequest.size() && iends_with(local, kRequest)) return kNone;
  }
  size_t at = local.find_first_of(rules.delimiters);
  return at == 0 ? kNone : at;
}

Found find_address(Maps& maps, std::string_view address, const AddressRules& rules, unsigned keys) {
  if (maps.empty() || address.empty()) return {};
  Parts parts = split_address(address, rules);
  Found found;
  auto settled = [&](std::string key, KeyForm form, const std::string& extension) {
    found = find_key(maps, key, form);
    found.extension = extension;
    return !found.lookup.missing();
  };
  if ((keys & kFullAddress) != 0 && settled(std::string(address), KeyForm::whole, {})) return found;
  if ((keys & kNoExtension) != 0 && !parts.bare.empty() &&
      settled(parts.bare + parts.at_domain, KeyForm::partial, parts.extension)) {
    return found;
  }
  if (parts.at_domain.empty()) return {};
  if ((keys & kLocalPart) != 0 && rules.is_local_domain && rules.is_local_domain(parts.at_domain.substr(1))) {
    if (settled(parts.local, KeyForm::partial, {})) return found;
    if (!parts.bare.empty() && settled(parts.bare, KeyForm::partial, parts.extension)) return found;
  }
  if ((keys & kAtDomain) == 0) return {};
  return {maps.find(parts.at_domain, KeyForm::partial), parts.at_domain, {}};
}

Found find_domain(Maps& maps, std::string_view domain, ParentStyle style, KeyForm first) {
  KeyForm form = first;
  bool numeric = looks_numeric(domain);
  for (std::string_view name = domain; !name.empty();) {
    Lookup answer = maps.find(name, form);
    if (!answer.missing()) return {std::move(answer), std::string(name), {}};
    form = KeyForm::partial;
    size_t dot = name.find('.', 1);
    if (numeric || dot == std::string_view::npos) break;
    name.remove_prefix(style == ParentStyle::bare ? dot + 1 : dot);
  }
  return {};
}

Found find_network(Maps& maps, std::string_view address) {
  KeyForm form = KeyForm::whole;
  char delimiter = address.find(':') != std::string_view::npos ? ':' : '.';
  for (std::string_view name = address; !name.empty();) {
    Lookup answer = maps.find(name, form);
    if (!answer.missing()) return {std::move(answer), std::string(name), {}};
    form = KeyForm::partial;
    size_t cut = name.rfind(delimiter);
    if (cut == std::string_view::npos) break;
    name = name.substr(0, cut);
  }
  return {};
}

Found find_client_access(Maps& maps, std::string_view name, std::string_view address, ParentStyle style) {
  Found found = find_domain(maps, name, style);
  return found.lookup.missing() ? find_network(maps, address) : found;
}

Found find_mail_access(Maps& maps, std::string_view address, ParentStyle style, const AddressRules& rules) {
  Found found = find_address(maps, address, rules, kFullAddress | kNoExtension);
  Parts parts = split_address(address, rules);
  if (!found.lookup.missing() || parts.at_domain.empty()) return found;
  found = find_domain(maps, std::string_view(parts.at_domain).substr(1), style, KeyForm::partial);
  if (!found.lookup.missing()) return found;
  found = find_key(maps, parts.local + "@", KeyForm::partial);
  if (!found.lookup.missing() || parts.bare.empty()) return found;
  found = find_key(maps, parts.bare + "@", KeyForm::partial);
  found.extension = parts.extension;
  return found;
}

}  // namespace umaya::table
