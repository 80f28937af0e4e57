#include "libcommon/net/address.h"

#include <catch2/catch.hpp>

using namespace umaya::net;

TEST_CASE("address: text forms are strict and come back as RFC 5952", "[net]") {
  CHECK(IpAddress::parse("192.0.2.1")->to_string() == "192.0.2.1");
  CHECK(IpAddress::parse("2001:DB8:0:0::1")->to_string() == "2001:db8::1");
  for (const char* bad : {"", "192.0.2", "192.0.2.256", "010.0.0.1x", "1.2.3.4 ", "::g", "[::1]", "0x7f.1", "::1%"}) {
    CHECK_FALSE(IpAddress::parse(bad));
  }
  CHECK_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0x", 9)));
}

TEST_CASE("address: mail literals have brackets and the IPv6 tag", "[net]") {
  CHECK(IpAddress::parse_literal("[192.0.2.1]")->to_string() == "192.0.2.1");
  CHECK(IpAddress::parse_literal("[IPv6:2001:db8::1]")->to_string() == "2001:db8::1");
  CHECK(IpAddress::parse_literal("[ipv6:::1]")->is_loopback());
  CHECK_FALSE(IpAddress::parse_literal("[IPv6:192.0.2.1]"));
  CHECK_FALSE(IpAddress::parse_literal("[host]"));
}

TEST_CASE("address: kinds see through IPv4-mapped addresses", "[net]") {
  CHECK(IpAddress::parse("::ffff:127.0.0.1")->is_loopback());
  CHECK(IpAddress::parse("127.9.9.9")->is_loopback());
  CHECK(IpAddress::parse("::")->is_unspecified());
  CHECK(IpAddress::parse("0.0.0.0")->is_unspecified());
  CHECK(IpAddress::parse("255.255.255.255")->is_multicast());
  CHECK(IpAddress::parse("ff02::1")->is_multicast());
  CHECK_FALSE(IpAddress::parse("192.0.2.1")->is_loopback());
}

TEST_CASE("address: reverse names are those of in-addr.arpa and ip6.arpa", "[net]") {
  CHECK(IpAddress::parse("192.0.2.1")->reverse_name() == "1.2.0.192.in-addr.arpa");
  CHECK(IpAddress::parse("2001:db8::1")->reverse_name() ==
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST_CASE("endpoint: goes through a socket address unchanged", "[net]") {
  for (const char* text : {"[192.0.2.1]:25", "[2001:db8::1]:2525"}) {
    auto e = Endpoint::parse(text);
    REQUIRE(e);
    sockaddr_storage raw;
    CHECK(e->to_sockaddr(raw) > 0);
    CHECK(Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&raw)) == *e);
    CHECK(e->to_string() == text);
  }
  CHECK(Endpoint::parse("127.0.0.1:53")->port == 53);
  CHECK_FALSE(Endpoint::parse("2001:db8::1:25"));
  CHECK_FALSE(Endpoint::parse("[::1]:65536"));
}

TEST_CASE("network: contains what shares the prefix, and host bits are an error", "[net]") {
  auto n = Network::parse("192.0.2.0/25");
  REQUIRE(n);
  CHECK(n->contains(*IpAddress::parse("192.0.2.127")));
  CHECK(n->contains(*IpAddress::parse("::ffff:192.0.2.1")));
  CHECK_FALSE(n->contains(*IpAddress::parse("192.0.2.128")));
  CHECK(Network::parse("[2001:db8::]/33")->contains(*IpAddress::parse("2001:db8:7fff::1")));
  CHECK_FALSE(Network::parse("2001:db8::/33")->contains(*IpAddress::parse("2001:db8:8000::1")));
  CHECK(Network::parse("0.0.0.0/0")->contains(*IpAddress::parse("8.8.8.8")));
  CHECK_FALSE(Network::parse("0.0.0.0/0")->contains(*IpAddress::parse("::1")));
  std::string why;
  CHECK_FALSE(Network::parse("192.0.2.1/24", &why));
  CHECK(why == "\"192.0.2.1/24\" has host bits set: perhaps \"192.0.2.0/24\" is meant");
  CHECK_FALSE(Network::parse("192.0.2.0/33", &why));
  CHECK_FALSE(Network::parse("::1/129", &why));
}
