// NAME    acl - address match lists of named.conf
//
// DESCRIPTION
//     A list is searched from its beginning; the first element that fits decides, `!` in front turns its answer round
//     (a negated list that does not fit goes on). Nested lists and names of acl statements are replaced by their
//     elements when the configuration is read. `key` elements fit no request yet: requests carry no key.
#pragma once

#include <string>
#include <vector>

#include "libcommon/net/address.h"
#include "named-lite/config/tree.h"

namespace umaya::named {

struct AclElement {
  enum class Kind : unsigned char { any, network, nested, key } kind = Kind::any;
  bool negated = false;
  net::Network network{net::IpAddress(), 0};
  std::vector<AclElement> nested;
  std::string key;
};

using Acl = std::vector<AclElement>;

/// True when the list admits the address.
bool admits(const Acl& acl, const net::IpAddress& address);

/// The named lists of a configuration.
class AclNames {
 public:
  AclNames();
  /// Adds the lists of all `acl name { … };` statements; a list may use those before it.
  void define(const Statement& statement, Problems& problems);
  /// Reads a block of elements.
  Acl parse(const Part& block, Problems& problems) const;

 private:
  AclElement element(const Statement& statement, Problems& problems) const;
  struct Named {
    std::string name;
    Acl acl;
  };
  std::vector<Named> names_;
};

Acl acl_of_any();
/// This host's own addresses, and the networks that it is on (BIND's localhost and localnets).
Acl acl_of_localhost();
Acl acl_of_localnets();

}  // namespace umaya::named
