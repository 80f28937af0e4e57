// Mistakes in the statements of named.conf, and what is said of them.
#include "named-lite/dns/types.h"
#include "tests/named-lite/conf_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;
using namespace std::chrono_literals;
namespace net = umaya::net;

TEST_CASE("named.conf: a value out of its range is said where it stands", "[named][conf]") {
  struct Case {
    const char* text;
    const char* expected;
  };
  Case cases[] = {
      {"max-cache-ttl 8w;", "c:1:25: error: max-cache-ttl is a time from 0 to 604800 seconds, as 3600 or 1h\n"},
      {"recursion maybe;", "c:1:21: error: recursion is yes or no; write: recursion yes;\n"},
      {"transfers-out many;", "c:1:25: error: transfers-out is a number from 0 to 10000\n"},
      {"max-cache-size big;",
       "c:1:26: error: max-cache-size is a size, as 65536, 64k, 32m, 1g or unlimited; write: max-cache-size 64m;\n"},
      {"qname-minimization hard;",
       "c:1:30: error: qname-minimization is one of: relaxed, strict, disabled, off, no; write: qname-minimization "
       "relaxed;\n"},
      {"query-source address 2001:db8::1;", "c:1:32: error: query-source takes an address of IPv4\n"},
      {"rate-limit { responses-per-second 5; responses 6; };",
       "c:1:48: error: \"responses\" is no statement of rate-limit\n"},
      {"cookie-secret \"00\";",
       "c:1:25: error: a cookie-secret is 32 hexadecimal digits; write: cookie-secret \"…\"; as openssl rand -hex 16 "
       "prints it\n"},
      {"forwarders { upstream; };",
       "c:1:24: error: \"upstream\" is neither an address nor a list of servers; write: 192.0.2.1;\n"},
      {"rrset-order { type A; };", "c:1:25: error: the rule has no order; write: order cyclic;\n"},
      {"also-notify { 192.0.2.1 port 0; };", "c:1:40: error: a port is a number from 1 to 65535\n"},
  };
  for (const Case& each : cases) {
    INFO(each.text);
    CHECK(options(each.text).errors() == each.expected);
  }
}

TEST_CASE("named.conf: faults of zones, controls and logging are said", "[named][conf]") {
  struct Case {
    const char* text;
    const char* expected;
  };
  Case cases[] = {
      {"zone f { type forward; };", "c:1:6: error: zone \"f\" has no forwarders; write: forwarders { 192.0.2.1; };\n"},
      {"zone z { type primary; file f; update-policy { allow k zonesub; }; };",
       "c:1:48: error: a rule begins with grant or deny; write: grant key.example. name host.example. A AAAA;\n"},
      {"zone z { type primary; file f; update-policy { grant k zonesub NOTYPE; }; };",
       "c:1:64: error: there is no type \"NOTYPE\"\n"},
      {"view a { zone z { type primary; file f; }; }; view b { zone y { in-view a; }; };",
       "c:1:61: error: zone y.: view \"a\" has no zone of that name\n"},
      {"logging { category default { nowhere; }; };", "c:1:30: error: there is no channel \"nowhere\"\n"},
      {"logging { channel c { severity info; }; };",
       "c:1:19: error: a channel goes to one of file, syslog, stderr and null; write: file \"named.log\";\n"},
      {"controls { unix; };",
       "c:1:12: error: unix needs the path of the socket; write: unix \"/run/named/ndc\" perm 0600;\n"},
      {"statistics-channels { inet 300.1.1.1; };", "c:1:28: error: \"300.1.1.1\" is no address; write: 192.0.2.1\n"},
      {"server 192.0.2.1 { keys nobody; };", "c:1:25: error: there is no key \"nobody\"\n"},
  };
  for (const Case& each : cases) {
    INFO(each.text);
    CHECK(parse(each.text).errors() == each.expected);
  }
}

TEST_CASE("named.conf: times and sizes are read as BIND reads them", "[named][conf]") {
  CHECK(duration_from_text("90") == 90);
  CHECK(duration_from_text("1h30M") == 5400);
  CHECK(duration_from_text("2w") == 1209600);
  CHECK(duration_from_text("P1DT2H") == 93600);
  CHECK(duration_from_text("P1M") == uint64_t{30} * 86400);
  for (const char* bad : {"", "x", "1x", "P", "PT", "99999999999999999999", "-1", "1h-", "999999999999w"}) {
    INFO(bad);
    CHECK_FALSE(duration_from_text(bad));
  }
  CHECK(size_from_text("64K") == 65536);
  CHECK(size_from_text("3g") == uint64_t{3} << 30);
  CHECK(size_from_text("unlimited") == kUnlimited);
  for (const char* bad : {"", "k", "1t", "18446744073709551615", "9223372036854775807k", "-5"}) {
    INFO(bad);
    CHECK_FALSE(size_from_text(bad));
  }
}

TEST_CASE("named.conf: a statement in a zone of the wrong type is an error that says what is meant", "[named][conf]") {
  auto error_of = [](const std::string& zone) {
    Parsed p = parse("key k { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n" + zone);
    return p.errors();
  };
  CHECK(error_of("zone z { type slave; masters { 192.0.2.1; }; allow-update { any; }; };") ==
        "c:2:46: error: \"allow-update\" is not for a zone of type secondary: updates are made at the primary: "
        "allow-update-forwarding hands them on\n");
  CHECK(error_of("zone z { type master; file \"f\"; masters { 192.0.2.1; }; };").find("is type secondary") !=
        std::string::npos);
  CHECK(error_of("zone . { type hint; file \"f\"; allow-query { any; }; };").find("not for a zone of type hint") !=
        std::string::npos);
  CHECK(error_of("zone z { type forward; forwarders { 192.0.2.1; }; file \"f\"; };").find("type forward") !=
        std::string::npos);
  CHECK(
      error_of("zone z { file \"f\"; check-names warn; type master; notify yes; allow-update { key k; }; };").empty());
  CHECK(error_of("zone z { type slave; masters { 192.0.2.1; }; file \"f\"; try-tcp-refresh no; notify no; };").empty());
  CHECK(error_of("zone . { type hint; file \"f\"; check-names warn; };").empty());
}

TEST_CASE("named.conf: answer-cookie in a view is named as without effect", "[named][conf]") {
  Parsed p = parse("view v { answer-cookie no; };");
  CHECK(p.errors().empty());
  bool named = false;
  for (const Problem& problem : p.problems.all())
    named = named || problem.what.starts_with("answer-cookie holds for all views");
  CHECK(named);
}
