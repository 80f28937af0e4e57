#include "libcommon/config/host.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>

#include "libcommon/base/strings.h"

namespace umaya::config {
namespace {

int address_bits(int family) {
  return family == AF_INET6 ? 128 : 32;
}

/// The address of a socket address; nothing for families other than IPv4 and IPv6.
std::optional<InterfaceAddress> from_sockaddr(const sockaddr* sa) {
  InterfaceAddress result;
  if (sa == nullptr) return std::nullopt;
  result.family = sa->sa_family;
  result.prefix = address_bits(sa->sa_family);
  if (sa->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, sa, sizeof in);
    std::memcpy(result.address.data(), &in.sin_addr, 4);
    result.loopback = result.address[0] == 127;
    return result;
  }
  if (sa->sa_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, sa, sizeof in6);
    std::memcpy(result.address.data(), &in6.sin6_addr, 16);
    result.loopback = IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
    return result;
  }
  return std::nullopt;
}

int count_bits(const InterfaceAddress& mask) {
  int bits = 0;
  for (int i = 0; i < address_bits(mask.family) / 8; ++i) bits += std::popcount(mask.address[static_cast<size_t>(i)]);
  return bits;
}

bool link_local(const InterfaceAddress& a) {
  return a.family == AF_INET6 && a.address[0] == 0xfe && (a.address[1] & 0xc0) == 0x80;
}

bool same_address(const InterfaceAddress& a, const InterfaceAddress& b) {
  return a.family == b.family && a.address == b.address;
}

int style_prefix(const InterfaceAddress& a, NetworksStyle style) {
  if (style == NetworksStyle::host) return address_bits(a.family);
  if (style == NetworksStyle::subnet || a.family == AF_INET6) return a.prefix;
  return a.address[0] < 128 ? 8 : a.address[0] < 192 ? 16 : a.address[0] < 224 ? 24 : 32;  // RFC 791 classes
}

InterfaceAddress masked(InterfaceAddress a, int prefix) {
  for (int i = 0; i < 16; ++i) {
    int keep = std::clamp(prefix - i * 8, 0, 8);
    a.address[static_cast<size_t>(i)] &= static_cast<unsigned char>(0xff << (8 - keep));
  }
  return a;
}

void look_up_name(std::string name, const HostFacts& host, std::vector<InterfaceAddress>& out) {
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) return;
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  for (const addrinfo* ai = list; ai; ai = ai->ai_next) {
    auto address = from_sockaddr(ai->ai_addr);
    if (!address) continue;
    for (const auto& own : host.addresses) {
      if (same_address(own, *address)) address->prefix = own.prefix;
    }
    out.push_back(*address);
  }
}

bool protocol_wanted(int family, std::string_view inet_protocols) {
  for (std::string_view word : split_list(inet_protocols)) {
    if (iequals(word, "all") || iequals(word, family == AF_INET6 ? "ipv6" : "ipv4")) return true;
  }
  return false;
}

}  // namespace

std::string InterfaceAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, address.data(), buffer, sizeof buffer);
  return buffer;
}

HostFacts HostFacts::of_system() {
  HostFacts facts;
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) == 0) facts.hostname = name;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return facts;
  std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  for (const ifaddrs* entry = list; entry; entry = entry->ifa_next) {
    auto address = from_sockaddr(entry->ifa_addr);
    if (!address || !(entry->ifa_flags & IFF_UP) || link_local(*address)) continue;
    if (auto mask = from_sockaddr(entry->ifa_netmask)) address->prefix = count_bits(*mask);
    facts.addresses.push_back(*address);
  }
  return facts;
}

std::string networks_text(const std::vector<InterfaceAddress>& addresses, NetworksStyle style) {
  std::vector<std::string> networks;
  for (const auto& address : addresses) {
    int prefix = style_prefix(address, style);
    std::string text = masked(address, prefix).text();
    text = address.family == AF_INET6 ? fmt::format("[{}]/{}", text, prefix) : fmt::format("{}/{}", text, prefix);
    if (std::find(networks.begin(), networks.end(), text) == networks.end()) networks.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(networks, " "));
}

std::vector<InterfaceAddress> own_addresses(const HostFacts& host, std::string_view inet_interfaces,
                                            std::string_view inet_protocols) {
  std::vector<InterfaceAddress> chosen;
  for (std::string_view word : split_list(inet_interfaces)) {
    bool all = iequals(word, "all"), loopback = iequals(word, "loopback-only");
    if (!all && !loopback) {
      look_up_name(std::string(word), host, chosen);
      continue;
    }
    for (const auto& address : host.addresses) {
      if (all || address.loopback) chosen.push_back(address);
    }
  }
  std::vector<InterfaceAddress> result;
  for (const auto& address : chosen) {
    auto same = [&](const InterfaceAddress& other) { return same_address(address, other); };
    if (!protocol_wanted(address.family, inet_protocols)) continue;
    if (std::none_of(result.begin(), result.end(), same)) result.push_back(address);
  }
  return result;
}

}  // namespace umaya::config
