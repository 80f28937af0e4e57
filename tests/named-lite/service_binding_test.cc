#include <catch2/catch.hpp>

#include "libcommon/base/strings.h"
#include "named-lite/dns/types.h"
#include "named-lite/zone/rdata_text.h"

using namespace umaya;
using namespace umaya::named;

namespace {

/// The data behind priority and target in hexadecimal, or "problem: …".
std::string parameters(const std::string& text) {
  std::string line = "x SVCB 16 . " + text + "\n";
  ZoneScanner scanner(line);
  Entry entry;
  REQUIRE(scanner.next(entry));
  if (entry.fault != nullptr) return std::string("problem: ") + entry.fault;
  std::string out;
  Complaint complaint;
  bool right = parse_rdata(type::kSvcb, std::span(entry.tokens).subspan(2), Name(), out, complaint);
  if (!right) return "problem: " + complaint.what;
  REQUIRE(out.starts_with(std::string("\0\x10\0", 3)));
  return to_lower(hex_encode(out.substr(3)));
}

bool refused(const std::string& text, std::string_view why) {
  std::string said = parameters(text);
  INFO(said);
  return said.starts_with("problem: ") && said.find(why) != std::string::npos;
}

}  // namespace

TEST_CASE("service binding: the examples of RFC 9460 D.2 have its octets", "[named][zone]") {
  CHECK(parameters("") == "");
  CHECK(parameters("port=53") == "000300020035");
  CHECK(parameters("key667=hello") == "029b000568656c6c6f");
  CHECK(parameters("key667=\"hello\\210qoo\"") == "029b000968656c6c6fd2716f6f");
  CHECK(parameters("ipv6hint=\"2001:db8::1,2001:db8::53:1\"") ==
        "0006002020010db800000000000000000000000120010db8000000000000000000530001");
  CHECK(parameters("alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1") ==
        "000000040001000400010009026832056833"
        "2d313900040004c0000201");
  CHECK(parameters("alpn=\"f\\\\\\\\oo\\\\,bar,h2\"") == "0001000c08665c6f6f2c626172026832");
  CHECK(parameters("alpn=f\\\\\\092oo\\092,bar,h2") == "0001000c08665c6f6f2c626172026832");
}

TEST_CASE("service binding: keys stand in the order of their numbers, whatever order they are written in",
          "[named][zone]") {
  CHECK(parameters("key65535=x port=1 no-default-alpn alpn=h2") == "0001000302683200020000000300020001ffff000178");
  CHECK(parameters("ech=AEU= dohpath=/q{?dns} ohttp") ==
        "000500020045"
        "000700082f717b3f646e737d00080000");
  CHECK(parameters("key3=\\001\\187") == "0003000201bb");
  CHECK(parameters("key9") == "00090000");
}

TEST_CASE("service binding: what RFC 9460 D.3 calls malformed is refused, with the reason", "[named][zone]") {
  CHECK(refused("key123=abc key123=def", "twice"));
  CHECK(refused("mandatory", "mandatory names"));
  CHECK(refused("alpn", "alpn names"));
  CHECK(refused("port", "port is"));
  CHECK(refused("ipv4hint", "IPv4"));
  CHECK(refused("ipv6hint", "IPv6"));
  CHECK(refused("no-default-alpn=abc", "has no value"));
  CHECK(refused("no-default-alpn", "needs alpn"));
  CHECK(refused("mandatory=key123", "not there"));
  CHECK(refused("mandatory=mandatory", "mandatory names"));
  CHECK(refused("mandatory=key123,key123 key123=abc", "mandatory names"));
  CHECK(refused("port=65536", "port is"));
  CHECK(refused("port=080x", "port is"));
  CHECK(refused("ipv4hint=192.0.2.1,,192.0.2.2", "IPv4"));
  CHECK(refused("ipv4hint=192.0.2.1\\000", "IPv4"));
  CHECK(refused("alpn=h2,", "alpn names"));
  CHECK(refused("alpn=" + std::string(256, 'a'), "alpn names"));
  CHECK(refused("ALPN=h2", "no key"));
  CHECK(refused("key0667=x", "no key"));
  CHECK(refused("key65536=x", "no key"));
  CHECK(refused("ech=!", "base64"));
  CHECK(refused("alpn= \"h2\"", "alpn names"));
  CHECK(refused("\"port=1\"", "key=value"));
  CHECK(refused("key667=x\\25", "three digits"));
}
