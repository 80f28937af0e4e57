// NAME    host - what a configuration takes from the host it is on
//
// DESCRIPTION
//     The defaults of myhostname, mydomain and mynetworks depend on the host's name and network interfaces. They are
//     gathered once here, so that tests can put a host of their own in their place.
#pragma once

#include <netinet/in.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::config {

/// One address of a network interface.
struct InterfaceAddress {
  int family = AF_INET;                     ///< AF_INET or AF_INET6
  std::array<unsigned char, 16> address{};  ///< network byte order; IPv4 uses the first four
  int prefix = 32;                          ///< length of the interface's network mask
  bool loopback = false;

  std::string text() const;  ///< "192.0.2.1" or "2001:db8::1"
};

struct HostFacts {
  std::string hostname;
  std::vector<InterfaceAddress> addresses;

  /// This host. Interfaces that are down are left out, and so are link-local IPv6 addresses.
  static HostFacts of_system();
};

/// Which addresses count for a default of mynetworks.
enum class NetworksStyle : unsigned char { host, subnet, network_class };

/// "127.0.0.0/8 192.0.2.0/24 [::1]/128": the networks of these addresses, each once.
std::string networks_text(const std::vector<InterfaceAddress>& addresses, NetworksStyle style);

/// The addresses that inet_interfaces and inet_protocols select: "all", "loopback-only", or names and addresses (names
/// are looked up with getaddrinfo). Entries that are none of the host's own addresses are kept, as Postfix keeps them.
std::vector<InterfaceAddress> own_addresses(const HostFacts& host, std::string_view inet_interfaces,
                                            std::string_view inet_protocols);

}  // namespace umaya::config
