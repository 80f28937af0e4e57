// NAME    acl - address match lists of named.conf
//
// DESCRIPTION
//     A list is searched from its beginning; the first element that fits decides, `!` in front turns its answer round
//     (a negated list that does not fit goes on). Nested lists and names of acl statements are replaced by their
//     elements when the configuration is read. A `key` element fits requests that are signed with that key.
//
// LIMITS
//     All lists of a configuration together have at most kMostElements elements, those of named lists counted wherever
//     the name stands: lists that name one another would otherwise multiply.
#pragma once

#include <string>
#include <vector>

#include "libcommon/net/address.h"
#include "named-lite/config/tree.h"
#include "named-lite/dns/name.h"

namespace umaya::named {

struct AclElement {
  enum class Kind : unsigned char { any, network, nested, key } kind = Kind::any;
  bool negated = false;
  net::Network network{net::IpAddress(), 0};
  std::vector<AclElement> nested;
  Name key;  ///< lower case
};

using Acl = std::vector<AclElement>;

/// Who asks.
struct Requester {
  net::IpAddress address;
  const Name* key = nullptr;  ///< the key that the request is signed with, lower case; null: none
  net::IpAddress local{};     ///< the address of this host that was asked; none when it is not known
  bool recursive = false;     ///< RD is set

  /// The same key at the address that was asked, for lists of such addresses.
  Requester at_local() const { return {local, key}; }
};

/// True when the list admits the requester.
bool admits(const Acl& acl, const Requester& requester);
inline bool admits(const Acl& acl, const net::IpAddress& address) {
  return admits(acl, Requester{address, nullptr});
}

/// An address of this host, and how many bits of it say on which network.
struct HostInterface {
  net::IpAddress address;
  int prefix = 0;
};
/// As the kernel tells them, or as KnownInterfaces says.
std::vector<HostInterface> host_interfaces();

/// As long as it lives, host_interfaces() gives this list in this thread: for processes that may not ask the kernel.
class KnownInterfaces {
 public:
  explicit KnownInterfaces(std::vector<HostInterface> list);
  KnownInterfaces(const KnownInterfaces&) = delete;
  KnownInterfaces& operator=(const KnownInterfaces&) = delete;
  ~KnownInterfaces();

 private:
  std::vector<HostInterface> list_;
  const std::vector<HostInterface>* before_;
};

/// The named lists of a configuration.
class AclNames {
 public:
  static constexpr size_t kMostElements = 500'000;
  AclNames();
  /// Adds the lists of all `acl name { … };` statements; a list may use those before it.
  void define(const Statement& statement, Problems& problems);
  /// Reads a block of elements.
  Acl parse(const Part& block, Problems& problems);
  /// The lists that the names localhost, and localnets with localhost, stand for here.
  Acl localhost();
  Acl near_hosts();
  /// From now on `key name` elements may use that name.
  void add_key(const Name& name) { keys_.push_back(name); }

 private:
  struct Named {
    std::string name;
    Acl acl;
    size_t elements = 0;  ///< nested ones, too
  };
  AclElement element(const Statement& statement, Problems& problems);
  const Named* find(std::string_view name);
  bool count(size_t elements, const Place& place, Problems& problems);
  AclElement key_element(const Statement& statement, size_t at, AclElement element, Problems& problems) const;
  std::vector<Named> names_;
  std::vector<Name> keys_;
  size_t total_ = 0;
};

Acl acl_of_any();
Acl acl_of_none();
/// This host's own addresses, and the networks that it is on (BIND's localhost and localnets).
Acl acl_of_localhost();
Acl acl_of_localnets();

}  // namespace umaya::named
