#include "smtp-client/destination.h"

#include <catch2/catch.hpp>

#include "libcommon/smtp/capabilities.h"

using namespace umaya;
using namespace umaya::smtp_client;
using namespace umaya::smtp;
using Kind = Destination::Kind;

namespace {

Destination one(std::string_view text, Protocol protocol = Protocol::smtp, std::string_view port = "smtp") {
  auto list = parse_destinations(text, protocol, port);
  REQUIRE(list);
  REQUIRE(list->size() == 1);
  return list->front();
}

smtp::Reply reply(std::vector<std::string> lines) {
  smtp::Reply r;
  r.code = 250;
  r.lines = std::move(lines);
  return r;
}

}  // namespace

TEST_CASE("destination: B3 forms of an SMTP nexthop", "[smtp-client]") {
  CHECK(one("Example.ORG") == Destination{Kind::domain, "example.org", 25, "Example.ORG"});
  CHECK(one("[mx.example.org]") == Destination{Kind::host, "mx.example.org", 25, "[mx.example.org]"});
  CHECK(one("[mx.example.org]:587") == Destination{Kind::host, "mx.example.org", 587, "[mx.example.org]:587"});
  CHECK(one("example.org:2525").port == 2525);
  CHECK(one("[192.0.2.1]").name == "192.0.2.1");
  CHECK(one("[IPv6:2001:db8::1]:2525").name == "IPv6:2001:db8::1");
  CHECK(one("[2001:db8::1]").name == "2001:db8::1");
  CHECK(one("b\xc3\xbc"
            "cher.example")
            .name == "xn--bcher-kva.example");
}

TEST_CASE("destination: several are tried in turn", "[smtp-client]") {
  auto list = parse_destinations("[a.example]:2525, b.example", Protocol::smtp, "25");
  REQUIRE(list);
  REQUIRE(list->size() == 2);
  CHECK(list->at(1).name == "b.example");
}

TEST_CASE("destination: LMTP never looks up MX records", "[smtp-client]") {
  CHECK(one("unix:/run/store", Protocol::lmtp) == Destination{Kind::socket, "/run/store", 0, "unix:/run/store"});
  CHECK(one("inet:store.example:2424", Protocol::lmtp, "24").port == 2424);
  CHECK(one("inet:store.example", Protocol::lmtp, "24").kind == Kind::host);
  CHECK(one("store.example", Protocol::lmtp, "lmtp").port == 24);
}

TEST_CASE("destination: what cannot be read keeps the mail", "[smtp-client]") {
  for (const char* bad : {"", " ", "[", "[a", "[a]x", "[a]:", "a:", "a:0", "a:70000", "a:nosuchservice", "a:1:2", "[]",
                          ":25", "\xff.org"}) {
    INFO(bad);
    auto list = parse_destinations(bad, Protocol::smtp, "smtp");
    REQUIRE_FALSE(list);
    CHECK_FALSE(list.error().is_permanent());
  }
  CHECK_FALSE(parse_destinations("unix:", Protocol::lmtp, "24"));
}

TEST_CASE("capabilities: keywords, limits and what is discarded", "[smtp-client]") {
  auto can = parse_capabilities(reply({"mx.example Hello", "PIPELINING", "size 1000", "8BitMIME", "AUTH PLAIN login",
                                       "XFORWARD NAME addr", "X-odd 1"}),
                                {"pipelining"});
  CHECK(can.server_name == "mx.example");
  CHECK_FALSE(can.has(kPipelining));
  CHECK(can.has(kSize));
  CHECK(can.size_limit == 1000);
  CHECK(can.has(kEightBitMime));
  CHECK(can.auth_mechanisms == std::vector<std::string>{"PLAIN", "LOGIN"});
  CHECK(can.xforward == std::vector<std::string>{"NAME", "ADDR"});
  CHECK_FALSE(can.has(kStartTls));
  CHECK(parse_capabilities(reply({"x", "SIZE"}), {}).size_limit == 0);
  CHECK(parse_capabilities(reply({"x", "SIZE 99999999999999999999999"}), {}).size_limit == 0);
  CHECK(parse_capabilities(reply({"PIPELINING"}), {}).features == kEsmtp);
  CHECK(parse_capabilities(reply({}), {}).features == kEsmtp);
}
