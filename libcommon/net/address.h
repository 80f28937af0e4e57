// NAME    address - IPv4 and IPv6 addresses, networks and end points as values
//
// SYNOPSIS
//     auto a = net::IpAddress::parse("192.0.2.1");      // also "2001:db8::1"; no brackets
//     auto n = net::Network::parse("192.0.2.0/24");     // also "[2001:db8::]/32" and a bare address
//     if (n && n->contains(*a)) …
//     net::Endpoint to{*a, 25};  to.to_string();        // "[192.0.2.1]:25"
//
// DESCRIPTION
//     An IpAddress knows its family and 4 or 16 bytes. IPv4-mapped IPv6 addresses (::ffff:192.0.2.1) stay IPv6 until
//     unmapped() is asked for. Text forms are strict: no octal, no short IPv4 forms, no zone ids except fe80::1%eth0.
//
// OWNERSHIP  values, no allocation but for text.
// ERRORS     parse gives nothing for what is not exactly one address.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace umaya::net {

enum class Family : unsigned char { none, ipv4, ipv6 };

class IpAddress {
 public:
  IpAddress() = default;
  /// Address from 4 bytes in network order.
  static IpAddress v4(const uint8_t* bytes);
  /// Address from 16 bytes in network order.
  static IpAddress v6(const uint8_t* bytes, uint32_t scope = 0);
  /// "192.0.2.1", "2001:db8::1", "fe80::1%eth0".
  static std::optional<IpAddress> parse(std::string_view text);
  /// As parse, and the mail forms "[192.0.2.1]", "[2001:db8::1]" and "[IPv6:2001:db8::1]" (RFC 5321 4.1.3).
  static std::optional<IpAddress> parse_literal(std::string_view text);
  /// The address of an AF_INET or AF_INET6 socket address; nothing for other families.
  static std::optional<IpAddress> from_sockaddr(const sockaddr* address);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::ipv4; }
  bool is_v6() const { return family_ == Family::ipv6; }
  explicit operator bool() const { return family_ != Family::none; }
  /// The 4 or 16 bytes in network order; empty for no address.
  std::string_view bytes() const;
  /// Number of bits: 32, 128 or 0.
  int bits() const { return is_v4() ? 32 : is_v6() ? 128 : 0; }
  /// The IPv4 address inside ::ffff:0:0/96, else this address.
  IpAddress unmapped() const;
  /// 127.0.0.0/8, ::1, and the mapped form.
  bool is_loopback() const;
  /// 0.0.0.0 and ::.
  bool is_unspecified() const;
  /// 224.0.0.0/4, ff00::/8 and 255.255.255.255.
  bool is_multicast() const;
  /// Shortest text form (RFC 5952), without brackets.
  std::string to_string() const;
  /// "1.2.0.192.in-addr.arpa", or the 32 nibbles under ip6.arpa.
  std::string reverse_name() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  friend struct Endpoint;
  Family family_ = Family::none;
  std::array<uint8_t, 16> bytes_{};
  uint32_t scope_ = 0;
};

/// An address and a port (host byte order).
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;

  /// "[192.0.2.1]:25", "[2001:db8::1]:25", "192.0.2.1:25".
  static std::optional<Endpoint> parse(std::string_view text);
  static std::optional<Endpoint> from_sockaddr(const sockaddr* address);
  /// Fills out and gives the length that connect(2) and bind(2) want; 0 for no address.
  socklen_t to_sockaddr(sockaddr_storage& out) const;
  /// "[address]:port".
  std::string to_string() const;

  auto operator<=>(const Endpoint&) const = default;
};

/// A block of addresses: address/prefix length.
class Network {
 public:
  /// The block that has address and keeps the first prefix bits of it.
  Network(IpAddress address, int prefix);
  /// "192.0.2.0/24", "[2001:db8::]/32", "2001:db8::/32", or one address. Host bits that are set are an error, as in
  /// Postfix, so that a typing error does not go unseen; why says so when given.
  static std::optional<Network> parse(std::string_view text, std::string* why = nullptr);
  /// True if the address lies in the block; an IPv4-mapped address is taken as IPv4.
  bool contains(const IpAddress& address) const;
  const IpAddress& address() const { return address_; }
  int prefix() const { return prefix_; }
  std::string to_string() const;

 private:
  IpAddress address_;
  int prefix_;
};

}  // namespace umaya::net
