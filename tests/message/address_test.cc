#include "libcommon/message/address.h"

#include <catch2/catch.hpp>

#include "libcommon/message/domain.h"

using namespace umaya::message;

static std::string path(std::string_view text, PathOptions options = {}) {
  auto p = parse_path(text, options);
  if (p) return p->address;
  switch (p.error()) {
    case PathError::syntax:
      return "!syntax";
    case PathError::too_long:
      return "!long";
    case PathError::non_ascii:
      return "!ascii";
    case PathError::bad_utf8:
      return "!utf8";
  }
  return "!";
}

TEST_CASE("path: plain, null, quoted, literal and routed paths are read", "[message][address]") {
  CHECK(path("<a@b.org>") == "a@b.org");
  CHECK(path("<>") == "");
  CHECK(path("a@b.org") == "a@b.org");
  CHECK(path("<postmaster>") == "postmaster");
  CHECK(path("<\"a b\"@x.org>") == "a b@x.org");
  CHECK(path("<\"a@b\"@x.org>") == "a@b@x.org");
  CHECK(path("<\"a\\\"b\"@x.org>") == "a\"b@x.org");
  CHECK(path("<s@[192.0.2.1]>") == "s@[192.0.2.1]");
  CHECK(path("<s@[IPv6:2001:db8::1]>") == "s@[IPv6:2001:db8::1]");
  CHECK(path("<@a.org,@b.org:s@x.org>") == "s@x.org");
  CHECK(parse_path("<@a.org:s@x.org>", {})->source_route);
  CHECK(path("<a@b.org.>") == "a@b.org.");
  CHECK(path("<u(comment)@d>") == "u@d");
}

TEST_CASE("S24 path: malformed routes and addresses are syntax errors", "[message][address][attack]") {
  for (auto bad : {"<a@b",        "<a@b>>",  "<<a@b>>",         "<a@b> <c@d>",  "<u@>",     "<@d>",
                   "<@@d>",       "<a@@b>",  "<a b@c>",         "<a@b c>",      "<a@b..c>", "<a@.b>",
                   "<a@[1.2.3]>", "<a@[0]>", "<a@[999.1.1.1]>", "<a@[1.2.3.4>", "<a@b%c>",  "<\"a@b>",
                   "<a\x01@b>",   "<a\n@b>", "<a@[1.2.3.4]x>",  "<a\\",         "<a,b@c>",  "<@a.org s@x.org>"}) {
    INFO(bad);
    CHECK(path(bad) == "!syntax");
  }
  CHECK(path("<u@d1@d2>") == "u@d1@d2");  // routing in the local part: data, refused by policy
  CHECK(path("<d!u>") == "d!u");
  CHECK(path("<u%d@us>") == "u%d@us");
}

TEST_CASE("S23 path: empty quoted local part, and the lengths of RFC 5321", "[message][address][attack]") {
  CHECK(path("<\"\"@d.org>") == "@d.org");
  CHECK(path("<\" \"@d.org>") == " @d.org");
  CHECK(path("<\"a\\\"b\"@d.org>") == "a\"b@d.org");
  std::string l64(64, 'a'), l65(65, 'a');
  CHECK(path("<" + l64 + "@d.org>", {.strict = true}) == l64 + "@d.org");
  CHECK(path("<" + l65 + "@d.org>", {.strict = true}) == "!long");
  CHECK(path("<" + l65 + "@d.org>") == l65 + "@d.org");
  std::string domain =
      std::string(63, 'd') + "." + std::string(63, 'd') + "." + std::string(63, 'd') + "." + std::string(60, 'd');
  CHECK(path("<a@" + domain + ">") == "a@" + domain);  // 254 octets
  CHECK(path("<ab@" + domain + ">") == "!long");       // 255
  CHECK(path("<a@" + std::string(256, 'd') + ">") == "!long");
}

TEST_CASE("S26 path: UTF-8 only where SMTPUTF8 was asked for, and only when valid", "[message][address][attack]") {
  CHECK(path("<j\xc3\xb6rg@x.org>") == "!ascii");
  CHECK(path("<j\xc3\xb6rg@x.org>", {.smtputf8 = true}) == "j\xc3\xb6rg@x.org");
  for (auto bad : {"<j\xff@x>", "<j\xc0\xaf@x>", "<j\xed\xa0\x80@x>", "<j\xc3@x>"})
    CHECK(path(bad, {.smtputf8 = true}) == "!utf8");
}

TEST_CASE("path: strict form needs brackets and nothing around them", "[message][address]") {
  CHECK(path("a@b", {.strict = true}) == "!syntax");
  CHECK(path(" <a@b>", {.strict = true}) == "!syntax");
  CHECK(path("<a@b>", {.strict = true}) == "a@b");
}

TEST_CASE("address: external form quotes what needs it and comes back", "[message][address]") {
  for (std::string a : {"a@b.org", "a b@b.org", "a\"b\\@b.org", "v@F@M", "@d.org", "a.@b.org", ".a@b.org", "a..b@c",
                        "postmaster", "(x)@y.org"}) {
    INFO(a);
    CHECK(to_internal("<" + to_external(a) + ">") == a);
    CHECK(to_internal(to_external(a)) == a);
  }
  CHECK(to_external("a b@c.org") == "\"a b\"@c.org");
  CHECK(to_external("v@F@M") == "\"v@F\"@M");
  CHECK(to_external("") == "");
}

TEST_CASE("address: the last @ divides", "[message][address]") {
  auto s = split_address("v@F@M");
  CHECK(s.local == "v@F");
  CHECK(s.domain == "M");
  CHECK_FALSE(split_address("root").qualified);
}

TEST_CASE("S25 domain: one canonical form for case, final dot and IDNA", "[message][address][attack]") {
  CHECK(canonical_domain("Example.ORG.") == "example.org");
  CHECK(canonical_domain("B\xc3\xbc"
                         "cher.example") == "xn--bcher-kva.example");
  CHECK(canonical_domain("XN--BCHER-KVA.example") == "xn--bcher-kva.example");
  CHECK_FALSE(canonical_domain(std::string(256, 'a')));
  CHECK_FALSE(canonical_domain("\xff.example"));
  CHECK(canonical_domain("[IPv6:::1]") == "[ipv6:::1]");
  CHECK(domain_to_utf8("xn--bcher-kva.example") ==
        "b\xc3\xbc"
        "cher.example");
}

TEST_CASE("S20 S25 domain: host names and literals by their syntax", "[message][domain][attack]") {
  for (auto good : {"a", "a.b", "a-b.c", "a_b.c", "1a.b", "example.org."}) CHECK(valid_hostname(good));
  for (auto bad : {"", ".", "a..b", "-a.b", "a-.b", "1.2.3.4", "a b", "a/b", "a;b", ".a"})
    CHECK_FALSE(valid_hostname(bad));
  CHECK(valid_hostname(std::string(63, 'a') + ".b"));
  CHECK_FALSE(valid_hostname(std::string(64, 'a') + ".b"));
  CHECK(parse_address_literal("[127.0.0.1]") == "127.0.0.1");
  CHECK(parse_address_literal("[IPv6:::ffff:1.2.3.4]") == "1.2.3.4");
  CHECK(parse_address_literal("[::1]") == "::1");
  for (auto bad : {"[]", "[1.2.3]", "[0]", "[IPv6:1.2.3.4]", "[a.b]", "1.2.3.4", "[1.2.3.4", "[fe80::1%eth0]"})
    CHECK_FALSE(parse_address_literal(bad));
}

static std::string list(std::string_view value) {
  std::string out;
  for (auto& a : parse_address_list(value).addresses) out += (out.empty() ? "" : "|") + a.address;
  return out;
}

TEST_CASE("A8 address list: every form that people write", "[message][address]") {
  CHECK(list("a@b") == "a@b");
  CHECK(list("Full Name <user@domain>") == "user@domain");
  CHECK(list("user@domain (Full Name)") == "user@domain");
  CHECK(list("(c) user (c) @ (c(nested)) domain (c)") == "user@domain");
  CHECK(list("<@a,@b:user@host>") == "user@host");
  CHECK(list("a, b@c,\r\n\td@e") == "a|b@c|d@e");
  CHECK(list("a b@c") == "a|b@c");
  CHECK(list("group: a@b, c@d; e@f") == "a@b|c@d|e@f");
  CHECK(list("undisclosed-recipients:;") == "");
  CHECK(list("\"Doe, John\" <j@d>, \"x y\"@z") == "j@d|x y@z");
  CHECK(list("<>") == "");
  CHECK(parse_address_list("<>").addresses.size() == 1);
  CHECK(list("user%host@relay, host!user") == "user%host@relay|host!user");
  CHECK(list("u@[IPv6:::1]") == "u@[IPv6:::1]");
  CHECK(list("a . b @ c . d") == "a.b@c.d");
  CHECK(list("John Q. Public <j@d>") == "j@d");
}

TEST_CASE("address list: a source route is left out, with brackets and without", "[message][address]") {
  CHECK(list("@a.test,@b.test:u@h.test") == "u@h.test");
  CHECK(list("@a.test:u@h.test, v@h.test") == "u@h.test|v@h.test");
  CHECK(list("v@h.test, @[192.0.2.1],,@b.test:\"x y\"@h.test") == "v@h.test|x y@h.test");
  CHECK(list("<@a.test,@b.test:u@h.test>") == "u@h.test");
  CHECK(list("group: @a.test:u@h.test;") == "u@h.test");
  std::string_view value = "x@y.test, @a.test:u@h.test";
  auto parsed = parse_address_list(value);
  REQUIRE(parsed.addresses.size() == 2);
  CHECK(value.substr(parsed.addresses[1].begin, parsed.addresses[1].end - parsed.addresses[1].begin) ==
        "@a.test:u@h.test");
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "@a.test,";
  auto begin = std::chrono::steady_clock::now();
  (void)parse_address_list(many, {.max_tokens = 1'000'000});
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
}

TEST_CASE("address list: offsets let a rewriter replace just the address", "[message][address]") {
  std::string value = " Full Name <a@b> (c), d@e (x)";
  auto l = parse_address_list(value);
  REQUIRE(l.addresses.size() == 2);
  CHECK(value.substr(l.addresses[0].begin, l.addresses[0].end - l.addresses[0].begin) == "a@b");
  CHECK(l.addresses[0].phrase == "Full Name");
  CHECK(value.substr(l.addresses[1].begin, l.addresses[1].end - l.addresses[1].begin) == "d@e");
}

TEST_CASE("S14 address list: unmatched marks and endless lists cost linear time and bounded memory",
          "[message][address][attack]") {
  CHECK(list(std::string(100000, '(') + "a@b") == "");
  CHECK(list("\"" + std::string(1000, 'x')) == std::string(1000, 'x'));
  std::string many;
  for (int i = 0; i < 100000; ++i) many += "a@b,";
  auto l = parse_address_list(many);
  CHECK(l.truncated);
  CHECK(l.addresses.size() <= 10240);
  list("<<<<>>>>,,;;::@@..\\");
  list(std::string(100000, '<'));
}

TEST_CASE("A8 address: percent and bang forms are offered as data", "[message][address]") {
  CHECK(has_route_characters("v%F"));
  CHECK(has_route_characters("F!v"));
  CHECK(has_route_characters("v@F"));
  CHECK_FALSE(has_route_characters("v"));
  CHECK(bang_to_domain("h!i!u") == "i!u@h");
  CHECK(percent_to_domain("u%a%b") == "u%a@b");
}

TEST_CASE("S4 address list: a backslash before a line end quotes nothing, and no address has half of a line end",
          "[message][address]") {
  for (std::string value : {"x\\\r\n @b.test", "\"x\\\r\n y\"@b.test", "x@b.test\\\r\n\ty, z@b.test", "<x\\\r\n >"}) {
    CAPTURE(value);
    for (const ListedAddress& a : parse_address_list(value).addresses) {
      CHECK(a.address.find_first_of("\r\n") == std::string::npos);
      bool begins_inside = a.begin > 0 && value[a.begin - 1] == '\r';
      bool ends_inside = a.end > 0 && a.end < value.size() && value[a.end - 1] == '\r';
      CHECK_FALSE((begins_inside || ends_inside));
    }
  }
}
