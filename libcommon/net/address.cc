#include "libcommon/net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstring>

#include "libcommon/base/strings.h"

namespace umaya::net {

namespace {

// The first `prefix` bits of the bytes, the others 0.
std::array<uint8_t, 16> masked(std::string_view bytes, int prefix) {
  std::array<uint8_t, 16> out{};
  for (size_t i = 0; i < bytes.size() && prefix > 0; ++i, prefix -= 8) {
    uint8_t mask = prefix >= 8 ? 0xff : static_cast<uint8_t>(0xff << (8 - prefix));
    out[i] = static_cast<uint8_t>(bytes[i]) & mask;
  }
  return out;
}

IpAddress from_bytes(const IpAddress& like, const std::array<uint8_t, 16>& bytes) {
  return like.is_v4() ? IpAddress::v4(bytes.data()) : IpAddress::v6(bytes.data());
}

std::string_view without_brackets(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') return text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

IpAddress IpAddress::v4(const uint8_t* bytes) {
  IpAddress a;
  a.family_ = Family::ipv4;
  std::memcpy(a.bytes_.data(), bytes, 4);
  return a;
}

IpAddress IpAddress::v6(const uint8_t* bytes, uint32_t scope) {
  IpAddress a;
  a.family_ = Family::ipv6;
  std::memcpy(a.bytes_.data(), bytes, 16);
  a.scope_ = scope;
  return a;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.empty() || text.size() > INET6_ADDRSTRLEN + IF_NAMESIZE) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  uint8_t raw[16];
  if (text.find(':') == std::string_view::npos) {
    if (inet_pton(AF_INET, std::string(text).c_str(), raw) != 1) return std::nullopt;
    return v4(raw);
  }
  uint32_t scope = 0;
  if (size_t percent = text.find('%'); percent != std::string_view::npos) {
    std::string zone(text.substr(percent + 1));
    if (auto number = parse_uint(zone); number && *number <= UINT32_MAX) {
      scope = static_cast<uint32_t>(*number);
    } else {
      scope = if_nametoindex(zone.c_str());
    }
    if (scope == 0) return std::nullopt;
    text = text.substr(0, percent);
  }
  if (inet_pton(AF_INET6, std::string(text).c_str(), raw) != 1) return std::nullopt;
  return v6(raw, scope);
}

std::optional<IpAddress> IpAddress::parse_literal(std::string_view text) {
  text = without_brackets(text);
  if (!istarts_with(text, "IPv6:")) return parse(text);
  auto a = parse(text.substr(5));
  return a && a->is_v6() ? a : std::nullopt;
}

std::optional<IpAddress> IpAddress::from_sockaddr(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof in);
    return v4(reinterpret_cast<const uint8_t*>(&in.sin_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, address, sizeof in6);
    return v6(in6.sin6_addr.s6_addr, in6.sin6_scope_id);
  }
  return std::nullopt;
}

std::string_view IpAddress::bytes() const {
  return {reinterpret_cast<const char*>(bytes_.data()), static_cast<size_t>(bits() / 8)};
}

IpAddress IpAddress::unmapped() const {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!is_v6() || std::memcmp(bytes_.data(), kMapped, sizeof kMapped) != 0) return *this;
  return v4(bytes_.data() + 12);
}

bool IpAddress::is_loopback() const {
  IpAddress a = unmapped();
  if (a.is_v4()) return a.bytes_[0] == 127;
  static constexpr std::array<uint8_t, 16> kOne = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return a.is_v6() && a.bytes_ == kOne;
}

bool IpAddress::is_unspecified() const {
  IpAddress a = unmapped();
  return a && a.bytes_ == std::array<uint8_t, 16>{};
}

bool IpAddress::is_multicast() const {
  IpAddress a = unmapped();
  if (a.is_v4()) return (a.bytes_[0] & 0xf0) == 0xe0 || a.bytes() == "\xff\xff\xff\xff";
  return a.is_v6() && a.bytes_[0] == 0xff;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  if (!*this) return "unknown";
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  std::string out(text);
  if (scope_ == 0) return out;
  char name[IF_NAMESIZE];
  return out + '%' + (if_indextoname(scope_, name) ? name : std::to_string(scope_));
}

std::string IpAddress::reverse_name() const {
  std::string out;
  if (is_v4()) {
    for (int i = 3; i >= 0; --i) out += std::to_string(bytes_[static_cast<size_t>(i)]) + '.';
    return out + "in-addr.arpa";
  }
  static constexpr char kHex[] = "0123456789abcdef";
  for (int i = 15; i >= 0; --i) {
    uint8_t b = bytes_[static_cast<size_t>(i)];
    out += {kHex[b & 15], '.', kHex[b >> 4], '.'};
  }
  return out + "ip6.arpa";
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto port = parse_uint(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find(':') != std::string_view::npos) return std::nullopt;
  auto address = IpAddress::parse_literal(host);
  if (!port || *port > 65535 || !address) return std::nullopt;
  return Endpoint{*address, static_cast<uint16_t>(*port)};
}

std::optional<Endpoint> Endpoint::from_sockaddr(const sockaddr* address) {
  auto ip = IpAddress::from_sockaddr(address);
  if (!ip) return std::nullopt;
  uint16_t port;  // sin_port and sin6_port lie at the same place
  std::memcpy(&port, reinterpret_cast<const char*>(address) + offsetof(sockaddr_in, sin_port), sizeof port);
  return Endpoint{*ip, ntohs(port)};
}

socklen_t Endpoint::to_sockaddr(sockaddr_storage& out) const {
  std::memset(&out, 0, sizeof out);
  if (address.is_v4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(out);
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, address.bytes_.data(), 4);
    return sizeof in;
  }
  if (!address.is_v6()) return 0;
  auto& in6 = reinterpret_cast<sockaddr_in6&>(out);
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  in6.sin6_scope_id = address.scope_;
  std::memcpy(&in6.sin6_addr, address.bytes_.data(), 16);
  return sizeof in6;
}

std::string Endpoint::to_string() const {
  return '[' + address.to_string() + "]:" + std::to_string(port);
}

Network::Network(IpAddress address, int prefix)
    : address_(from_bytes(address, masked(address.bytes(), prefix))), prefix_(prefix) {}

std::optional<Network> Network::parse(std::string_view text, std::string* why) {
  auto fail = [&](std::string reason) -> std::optional<Network> {
    if (why) *why = std::move(reason);
    return std::nullopt;
  };
  size_t slash = text.rfind('/');
  std::string_view host = text.substr(0, slash);
  auto address = IpAddress::parse(without_brackets(host));
  if (!address) return fail("\"" + std::string(text) + "\" is not an address or address/length");
  int prefix = address->bits();
  if (slash != std::string_view::npos) {
    auto length = parse_uint(text.substr(slash + 1));
    if (!length || *length > static_cast<uint64_t>(prefix)) {
      return fail("\"" + std::string(text) + "\": the length after / must be 0 to " + std::to_string(prefix));
    }
    prefix = static_cast<int>(*length);
  }
  Network network(*address, prefix);
  if (network.address_.bytes() != address->bytes()) {
    return fail("\"" + std::string(text) + "\" has host bits set: perhaps \"" + network.to_string() + "\" is meant");
  }
  return network;
}

bool Network::contains(const IpAddress& address) const {
  IpAddress a = address.family() == address_.family() ? address : address.unmapped();
  if (a.family() != address_.family()) return false;
  return from_bytes(a, masked(a.bytes(), prefix_)).bytes() == address_.bytes();
}

std::string Network::to_string() const {
  return address_.to_string() + '/' + std::to_string(prefix_);
}

}  // namespace umaya::net
