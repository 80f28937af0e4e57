// NAME    search - the keys that Postfix derives from an address or a domain, and their order
//
// SYNOPSIS
//     table::AddressRules rules{.delimiters = "+", .is_local_domain = …};
//     auto hit = table::find_address(maps, "user+ext@example.com", rules);
//     auto access = table::find_client_access(maps, "host.example.com", "192.0.2.1", ParentStyle::bare);
//
// DESCRIPTION
//     Addresses come in internal form (no quotes); each key is tried quoted first where that differs. For each key all
//     tables of the list are asked before the next key. Only the first key is whole; pattern tables see no other.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/table/maps.h"

namespace umaya::table {

/// How parents of a domain are asked: "example.com" (parent_domain_matches_subdomains) or ".example.com".
enum class ParentStyle : unsigned char { bare, dotted };

struct AddressRules {
  std::string delimiters;  ///< recipient_delimiter
  std::string double_bounce_sender = "double-bounce";
  bool owner_request_special = true;  ///< owner-x and x-request are not split at '-'
  /// myorigin, mydestination or an address literal of this host: then "user" alone is a key too.
  std::function<bool(std::string_view domain)> is_local_domain;
};

/// Which keys find_address tries; or'ed.
inline constexpr unsigned kFullAddress = 1;  ///< user+ext@domain
inline constexpr unsigned kNoExtension = 2;  ///< user@domain
inline constexpr unsigned kLocalPart = 4;    ///< user+ext, user, when the domain is local
inline constexpr unsigned kAtDomain = 8;     ///< @domain
inline constexpr unsigned kDefaultKeys = kFullAddress | kNoExtension | kLocalPart | kAtDomain;

struct Found {
  Lookup lookup;
  std::string key;        ///< that was found (or failed)
  std::string extension;  ///< "+ext", when the key that was found has it not
  explicit operator bool() const { return lookup.found(); }
};

/// user+ext@dom; user@dom; user+ext and user if dom is local; @dom.
Found find_address(Maps& maps, std::string_view address, const AddressRules& rules, unsigned keys = kDefaultKeys);

/// Where the extension begins (at the delimiter); npos when local has none or must not be split.
size_t extension_start(std::string_view local, const AddressRules& rules);

/// domain, then its parents.
Found find_domain(Maps& maps, std::string_view domain, ParentStyle style, KeyForm first = KeyForm::whole);
/// The address, then its networks: 192.0.2.1, 192.0.2, 192.0, 192; IPv6 cut at colons.
Found find_network(Maps& maps, std::string_view address);
/// access(5) for a client: host name and parents, then address and networks.
Found find_client_access(Maps& maps, std::string_view name, std::string_view address, ParentStyle style);
/// access(5) for a mail address: user+ext@dom, user@dom, dom, parents, user+ext@, user@.
Found find_mail_access(Maps& maps, std::string_view address, ParentStyle style, const AddressRules& rules);

}  // namespace umaya::table
