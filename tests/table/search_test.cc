#include "libcommon/table/search.h"

#include <catch2/catch.hpp>

#include "libcommon/table/match_list.h"
#include "tests/table/scratch.h"

using namespace umaya;
using namespace umaya::table;
using umaya::testing::Scratch;

TEST_CASE("table search: address keys come in Postfix's order", "[table][search]") {
  AddressRules rules;
  rules.delimiters = "+";
  rules.is_local_domain = [](std::string_view d) { return d == "local.test"; };
  auto key_of = [&](const std::string& entries, std::string_view address) {
    auto maps = Maps::open({}, "m", "inline:{" + entries + "}");
    auto found = find_address(maps, address, rules);
    return found ? found.lookup.value() + "|" + found.extension : "none";
  };
  std::string all = "u+x@local.test=1,u@local.test=2,u+x=3,u=4,@local.test=5";
  CHECK(key_of(all, "u+x@local.test") == "1|");
  CHECK(key_of("u@local.test=2,u+x=3,u=4,@local.test=5", "u+X@local.test") == "2|+X");
  CHECK(key_of("u+x=3,u=4,@local.test=5", "u+x@local.test") == "3|");
  CHECK(key_of("u=4,@local.test=5", "u+x@local.test") == "4|+x");
  CHECK(key_of("@local.test=5", "u+x@local.test") == "5|");
  CHECK(key_of("u=4", "u@other.test") == "none");
  CHECK(key_of("+x@other.test=1", "+x@other.test") == "1|");
  CHECK(key_of("{\"a b\"@x.y = q}", "a b@x.y") == "q|");
  CHECK(key_of("{a b@x.y = i}", "a b@x.y") == "i|");
}

TEST_CASE("table search: extensions of owner- and -request names stay", "[table][search]") {
  AddressRules rules;
  rules.delimiters = "+-";
  CHECK(extension_start("owner-list", rules) == std::string_view::npos);
  CHECK(extension_start("list-request", rules) == std::string_view::npos);
  CHECK(extension_start("user-a+b", rules) == 4);
  CHECK(extension_start("MAILER-DAEMON", rules) == std::string_view::npos);
  CHECK(extension_start("double-bounce", rules) == std::string_view::npos);
  rules.owner_request_special = false;
  CHECK(extension_start("owner-list", rules) == 5);
}

TEST_CASE("table search: access keys walk up domains and networks", "[table][search]") {
  auto found = [](const std::string& entries, auto search) {
    auto maps = Maps::open({}, "m", "inline:{" + entries + "}");
    return search(maps).lookup.found();
  };
  auto host = [](ParentStyle style) {
    return [style](Maps& m) { return find_client_access(m, "a.b.example", "192.0.2.1", style); };
  };
  CHECK(found("b.example=x", host(ParentStyle::bare)));
  CHECK_FALSE(found("b.example=x", host(ParentStyle::dotted)));
  CHECK(found(".b.example=x", host(ParentStyle::dotted)));
  CHECK(found("192.0=x", host(ParentStyle::dotted)));
  CHECK(found("2001:db8=x", [](Maps& m) { return find_network(m, "2001:db8::1"); }));
  AddressRules rules;
  rules.delimiters = "+";
  auto mail = [&](Maps& m) { return find_mail_access(m, "u+e@sub.example", ParentStyle::bare, rules); };
  for (std::string key : {"u+e@sub.example", "u@sub.example", "sub.example", "example", "u+e@", "u@"}) {
    CHECK(found(key + "=x", mail));
  }
}

TEST_CASE("table match list: names, networks, exclusions, files and tables", "[table][match]") {
  Scratch scratch;
  auto nets = MatchList::parse({}, "mynetworks", "!192.168.0.5, 192.168.0.0/24 127.0.0.0/8 [::1]/128, .trusted.test",
                               MatchKind::client, ParentStyle::dotted);
  CHECK(nets.matches_client("unknown", "192.168.0.9") == Match::yes);
  CHECK(nets.matches_client("unknown", "192.168.0.5") == Match::no);
  CHECK(nets.matches_client("unknown", "::1") == Match::yes);
  CHECK(nets.matches_client("a.trusted.test", "9.9.9.9") == Match::yes);
  CHECK(nets.matches_client("trusted.test", "9.9.9.9") == Match::no);
  auto bad = MatchList::parse({}, "mynetworks", "10.0.0.0/8 192.168.0.1/24", MatchKind::client);
  CHECK(bad.matches_client("unknown", "10.1.1.1") == Match::yes);
  CHECK(bad.matches_client("unknown", "11.1.1.1") == Match::error);

  std::string path = scratch.file("dest", "# ours\none.test two.test\nthree.test # third\n");
  auto dest = MatchList::parse({}, "mydestination", path + ", !four.test, inline:{five.test=x}", MatchKind::exact);
  CHECK(dest.matches("Three.test") == Match::yes);
  CHECK(dest.matches("sub.three.test") == Match::no);
  CHECK(dest.matches("five.test") == Match::yes);
  CHECK(dest.matches("third") == Match::no);

  auto relay =
      MatchList::parse({}, "relay_domains", "example.com inline:{m.test=x}", MatchKind::domain, ParentStyle::bare);
  CHECK(relay.matches("a.b.example.com") == Match::yes);
  CHECK(relay.matches("notexample.com") == Match::no);
  CHECK(relay.matches("x.m.test") == Match::yes);
  CHECK(MatchList::parse({}, "l", "/does/not/exist", MatchKind::exact).matches("x") == Match::error);
}
