#include "named-lite/config/named_conf.h"

#include <catch2/catch.hpp>
#include <ctime>
#include <map>

#include "named-lite/config/statements.h"

using namespace umaya::named;
namespace net = umaya::net;

namespace {

struct Parsed {
  NamedConf conf;
  Problems problems;
  std::string text() const {
    std::string all;
    for (const Problem& problem : problems.all()) all += problem.text() + "\n";
    return all;
  }
};

Parsed parse(const std::string& text, OpenFile open = {}) {
  Parsed result;
  result.conf = parse_named_conf(text, "c", open, result.problems);
  return result;
}

bool admitted(const AclRef& acl, const char* address) {
  return admits(*acl, *net::IpAddress::parse(address));
}

}  // namespace

TEST_CASE("named.conf: options, acls and zones are read, with all kinds of comment", "[named][conf]") {
  Parsed p = parse(R"(
    // one
    # two
    /* three
       lines */
    acl "inside" { 192.168.0/24; ! 10.0.0.1; 10/8; ::1; };
    options {
      directory "/var/named"; /* here */
      listen-on port 5353 { 127.0.0.1; };
      listen-on-v6 { none; };
      allow-query { inside; };
      pid-file none;
      recursion no;
    };
    zone "ex.test" IN { type master; file "ex.zone"; };
    zone "Two.Test." { file "two"; type primary; allow-query { any; }; };
  )");
  CHECK(p.text() == "");
  CHECK(p.conf.directory == "/var/named");
  REQUIRE(p.conf.views.size() == 1);
  const ViewConf& view = p.conf.views[0];
  REQUIRE(view.zones.size() == 2);
  CHECK(view.zones[0].name.text() == "ex.test.");
  CHECK(view.zones[0].type == ZoneType::primary);
  CHECK(view.zones[0].file == "ex.zone");
  CHECK(admitted(view.zones[1].settings->allow_query, "192.0.2.1"));
  REQUIRE(p.conf.listen.size() == 2);
  CHECK(p.conf.listen[0].port == 5353);
  CHECK(admitted(view.settings->allow_query, "192.168.0.7"));
  CHECK(admitted(view.settings->allow_query, "10.9.9.9"));
  CHECK_FALSE(admitted(view.settings->allow_query, "10.0.0.1"));
  CHECK_FALSE(admitted(view.settings->allow_query, "192.0.2.1"));
  CHECK(admitted(view.settings->allow_query, "::1"));
}

TEST_CASE("named.conf: K1 files for file is explained with the line to write", "[named][conf]") {
  Parsed p = parse("zone \".\" {\n  type hint;\n  files \"named.root\";\n};\n");
  CHECK(p.text() == "c:3:3: error: \"files\" is no statement of a zone; write: file \"named.root\";\n");
}

TEST_CASE("named.conf: mistakes are named with place and cure", "[named][conf]") {
  struct Case {
    const char* text;
    const char* expected;
  };
  Case cases[] = {
      {"options { directory \"/x\" };", "c:1:21: error: the ; is missing behind \"/x\"; write: /x;\n"},
      {"options { };\n}\n", "c:2:1: error: } without a { before it\n"},
      {"options {\n",
       "c:1:9: error: the { that begins here is never closed: put }; at its end\n"
       "c:1:9: error: the ; is missing behind \"}\"; write: };\n"},
      {"zone \"a\" { type master; };", "c:1:6: error: zone \"a\" has no file; write: file \"db.…\";\n"},
      {"zone \"a\" { type mastr; file \"x\"; };",
       "c:1:17: error: \"mastr\" is no type of zone; write: type primary;\n"},
      {"zone \"a\" { file \"x\"; };", "c:1:6: error: zone \"a\" has no type; write: type primary;\n"},
      {"zon \"a\" { };", "c:1:1: error: \"zon\" is no statement of named.conf; write: zone \"a\" { … };\n"},
      {"dyndb x { };", "c:1:1: warning: \"dyndb\" is not used by named-lite and has no effect\n"},
      {"options { fake-iquery yes; };",
       "c:1:11: warning: \"fake-iquery\" is obsolete and has no effect: take it out\n"},
      {"options { allow-query { 1.2.3; }; };",
       "c:1:25: error: \"1.2.3\" is no address, network (192.168.0.0/24) or name of an acl"},
      {"/* open", "c:1:1: error: the comment that begins here is never closed; write: */\n"},
      {"options { directory \"x\n; };",
       "c:1:21: error: the quote is not closed on this line: put a \" at the end of the text\n"},
      {"zone \"a\" { type primary; file \"f\"; };\nzone \"A.\" { type primary; file \"f\"; };",
       "c:2:6: error: zone \"A.\" is there twice: the first is in c line 1\n"},
  };
  for (const Case& each : cases) {
    INFO(each.text);
    CHECK(parse(each.text).text().substr(0, std::string(each.expected).size()) == each.expected);
  }
}

TEST_CASE("named.conf: include takes the other file's place, and ends", "[named][conf]") {
  std::map<std::string, std::string> files = {{"zones", "zone \"a\" { type primary; file \"f\"; };"},
                                              {"self", "include \"self\";"}};
  OpenFile open = [&](std::string_view path) -> umaya::Result<std::string> {
    auto at = files.find(std::string(path));
    if (at == files.end()) return umaya::permanent("no such file");
    return at->second;
  };
  Parsed p = parse("include \"zones\";", open);
  CHECK(p.text() == "");
  CHECK(p.conf.views[0].zones.size() == 1);
  CHECK(parse("include \"self\";", open).text().find("nested more than 10 deep") != std::string::npos);
  CHECK(parse("include \"gone\";", open).text() == "c:1:9: error: include: no such file\n");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "a {";
  CHECK(parse(deep).text().find("more than 20 deep") != std::string::npos);
}

TEST_CASE("named.conf: views choose by the client", "[named][conf]") {
  Parsed p = parse(
      "view in { match-clients { 10/8; }; zone \"a\" { type primary; file \"f\"; }; };\n"
      "view out { zone \"a\" { type primary; file \"g\"; }; };");
  CHECK(p.text() == "");
  REQUIRE(p.conf.views.size() == 2);
  CHECK(p.conf.views[0].name == "in");
  CHECK_FALSE(admitted(p.conf.views[0].match_clients, "192.0.2.1"));
  CHECK(admitted(p.conf.views[1].match_clients, "192.0.2.1"));
  CHECK(parse("zone \"z\" { type primary; file \"f\"; }; view v { };").problems.has_errors());
}

TEST_CASE("named.conf: lists that name lists do not grow without a limit", "[named][conf]") {
  std::string text = "acl a0 { 10/8; };\n";
  for (int i = 1; i < 12; ++i) {
    text += "acl a" + std::to_string(i) + " { ";
    for (int j = 0; j < 10; ++j) text += "a" + std::to_string(i - 1) + "; ";
    text += "};\n";
  }
  Parsed p = parse(text + "options { allow-query { a11; }; };");
  REQUIRE(p.problems.errors() == 1);
  CHECK(p.text().find("more than 500000 elements") != std::string::npos);
  p = parse(text.substr(0, text.find("acl a4 ")) + "options { allow-query { a3; ! 192.0.2.1; a3; }; };");
  CHECK(p.text() == "");
  CHECK(admitted(p.conf.views[0].settings->allow_query, "10.1.2.3"));
}

TEST_CASE("named.conf: 60,000 zones are read in a time that grows with their number", "[named][conf]") {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += "zone \"z" + std::to_string(i) + "\" { type primary; file \"f\"; };\n";
  std::clock_t start = std::clock();
  Parsed p = parse(text);
  CHECK((std::clock() - start) / CLOCKS_PER_SEC < 4);
  CHECK(p.text() == "");
  CHECK(p.conf.views[0].zones.size() == 60'000);
}

TEST_CASE("named.conf: this host's own lists can be named, and defined anew", "[named][conf]") {
  Parsed p = parse("options { allow-query { localhost; }; };");
  CHECK(p.text() == "");
  CHECK(admitted(p.conf.views[0].settings->allow_query, "127.0.0.1"));
  p = parse("acl localhost { 192.0.2.7; }; options { allow-query { LocalHost; }; };");
  CHECK(p.text() == "");
  CHECK_FALSE(admitted(p.conf.views[0].settings->allow_query, "127.0.0.1"));
  CHECK(admitted(p.conf.views[0].settings->allow_query, "192.0.2.7"));
}

TEST_CASE("named.conf: the table of statements is in order and finds what is near", "[named][conf]") {
  CHECK(statement_info("directory", context::kOptions) != nullptr);
  CHECK(statement_info("DIRECTORY", context::kOptions) != nullptr);
  CHECK(statement_info("directory", context::kZone) == nullptr);
  CHECK(statement_info("zone", context::kTop)->effect == Effect::used);
  CHECK(statement_info("zone-statistics", context::kView)->effect == Effect::used);
  CHECK(nearest_statement("forwaders", context::kOptions) == "forwarders");
}

TEST_CASE("named.conf: keys are read, and what is wrong with one is said", "[named][conf]") {
  Parsed p = parse(
      "acl peers { key Xfer.Key; }; options { allow-transfer { peers; }; };\n"
      "key \"xfer.key\" { algorithm hmac-sha512; secret \"c2VjcmV0\"; };\n");
  CHECK(p.text() == "");
  REQUIRE(p.conf.keys.size() == 1);
  CHECK(p.conf.keys[0].secret == "secret");
  CHECK(p.conf.keys[0].mac_size == 64);
  Name other = *Name::from_text("other.");
  net::IpAddress address = *net::IpAddress::parse("192.0.2.1");
  CHECK(admits(*p.conf.views[0].settings->transfer.allow_transfer, {address, &p.conf.keys[0].name}));
  CHECK_FALSE(admits(*p.conf.views[0].settings->transfer.allow_transfer, {address, &other}));
  CHECK_FALSE(admits(*p.conf.views[0].settings->transfer.allow_transfer, address));

  CHECK(parse("key k { algorithm hmac-sha3; secret \"c2VjcmV0\"; };").text().find("hmac-sha256") != std::string::npos);
  CHECK(parse("key k { algorithm hmac-sha256; secret \"not base64!\"; };").problems.has_errors());
  CHECK(parse("key k { algorithm hmac-sha256; };").problems.has_errors());
  CHECK(parse("key k { secret \"c2VjcmV0\"; };").problems.has_errors());
  CHECK(parse("key k { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n"
              "key K { algorithm hmac-sha256; secret \"c2VjcmV0\"; };")
            .problems.has_errors());
  CHECK(parse("options { allow-transfer { key nobody; }; };").text().find("there is no key") != std::string::npos);
}
