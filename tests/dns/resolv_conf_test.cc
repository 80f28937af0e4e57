#include "libcommon/dns/resolv_conf.h"

#include <catch2/catch.hpp>

using namespace umaya::dns;
using namespace std::chrono_literals;
using Names = std::vector<std::string>;

TEST_CASE("resolv.conf: servers, search and options are read", "[dns]") {
  ResolvConf c = parse_resolv_conf(
      "# comment\n"
      "nameserver 192.0.2.53\n"
      "nameserver [127.0.0.1]:5353\r\n"
      "nameserver 2001:db8::53   ; the third\n"
      "search s5.example.org Example.ORG.\n"
      "options ndots:2 timeout:1 attempts:3 rotate use-vc edns0\n",
      "r");
  REQUIRE(c.servers.size() == 3);
  CHECK(c.servers[0].to_string() == "[192.0.2.53]:53");
  CHECK(c.servers[1].to_string() == "[127.0.0.1]:5353");
  CHECK(c.servers[2].to_string() == "[2001:db8::53]:53");
  CHECK(c.search == Names{"s5.example.org", "example.org"});
  CHECK(c.ndots == 2);
  CHECK(c.timeout == 1s);
  CHECK(c.attempts == 3);
  CHECK(c.rotate);
  CHECK(c.use_tcp);
  CHECK(c.warnings.empty());
}

TEST_CASE("resolv.conf: without a server line the server is this host", "[dns]") {
  ResolvConf c = parse_resolv_conf("", "r", "pc5.s5.example.org");
  REQUIRE(c.servers.size() == 1);
  CHECK(c.servers[0].to_string() == "[127.0.0.1]:53");
  CHECK(c.search == Names{"s5.example.org"});
  CHECK(load_resolv_conf("/nonexistent/resolv.conf")->servers.size() == 1);
}

TEST_CASE("resolv.conf: the last search or domain line counts", "[dns]") {
  CHECK(parse_resolv_conf("domain a.org\nsearch b.org c.org", "r").search == Names{"b.org", "c.org"});
  CHECK(parse_resolv_conf("search b.org c.org\ndomain a.org", "r").search == Names{"a.org"});
}

TEST_CASE("resolv.conf: what is wrong is named with its line and left out", "[dns]") {
  ResolvConf c = parse_resolv_conf("nameserver ns.example\nnamserver 1.2.3.4\noptions ndots:x foo\nnameserver\n", "r");
  CHECK(c.warnings.size() == 5);
  CHECK(c.warnings[0] == "r:1: \"ns.example\" is not an address or [address]:port");
  CHECK(c.warnings[1] == "r:2: \"namserver\" is not a keyword of resolv.conf(5)");
  CHECK(c.ndots == 1);
}

TEST_CASE("resolv.conf: values beyond the limits are cut", "[dns]") {
  ResolvConf c = parse_resolv_conf("options ndots:99 timeout:0 attempts:4000000000\n", "r");
  CHECK(c.ndots == 15);
  CHECK(c.timeout == 1s);
  CHECK(c.attempts == 5);
}

TEST_CASE("resolv.conf: search names follow ndots", "[dns]") {
  ResolvConf c = parse_resolv_conf("search s5.org t.org", "r");
  CHECK(search_names(c, "pc5") == Names{"pc5.s5.org", "pc5.t.org", "pc5"});
  CHECK(search_names(c, "a.b") == Names{"a.b", "a.b.s5.org", "a.b.t.org"});
  CHECK(search_names(c, "pc5.") == Names{"pc5"});
}

TEST_CASE("hosts: addresses of a name and name of an address", "[dns]") {
  HostsFile h = HostsFile::parse(
      "127.0.0.1 localhost loghost # me\n::1 localhost ip6-localhost\n192.0.2.7\tPC7.example.org pc7\nbad line\n");
  REQUIRE(h.addresses("LocalHost").size() == 2);
  CHECK(h.addresses("localhost.")[1].to_string() == "::1");
  CHECK(h.addresses("pc7")[0].to_string() == "192.0.2.7");
  CHECK(h.addresses("pc8").empty());
  CHECK(h.name_of(*umaya::net::IpAddress::parse("192.0.2.7")) == "pc7.example.org");
  CHECK(h.name_of(*umaya::net::IpAddress::parse("192.0.2.8")).empty());
}
