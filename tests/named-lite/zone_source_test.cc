#include "named-lite/server/zone_source.h"

#include "tests/named-lite/zone_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;

TEST_CASE("zone source: PTRs are looked for where a reverse zone is served, and only what it says itself counts",
          "[named][checker]") {
  Problems problems;
  RecordList records = parse_zone_text(
      "$TTL 60\n@ SOA ns.x. root.x. 1 2 3 4 5\n@ NS ns.x.\n1 PTR one.x.\n2 TXT two\n3 CNAME 3.0/25\n64/26 NS ns.y.\n"
      "100 NS ns.y.\n",
      "z", {name("2.0.192.in-addr.arpa"), {}}, problems);
  REQUIRE_FALSE(problems.has_errors());
  for (uint64_t seed : {7, 8}) {  // an image of another run has a seed of its own
    Catalog catalog(7);
    catalog.add({std::string(name("2.0.192.in-addr.arpa").wire()),
                 std::make_shared<const ZoneImage>(compile_zone(records, seed))});
    HasPtr has = ptr_lookup(catalog);
    auto ask = [&](const std::string& text) { return has(name(text).wire()); };
    CHECK(ask("1.2.0.192.in-addr.arpa") == true);
    CHECK(ask("2.2.0.192.in-addr.arpa") == false);
    CHECK(ask("9.2.0.192.in-addr.arpa") == false);
    CHECK(ask("3.2.0.192.in-addr.arpa") == std::nullopt);
    CHECK(ask("100.2.0.192.in-addr.arpa") == std::nullopt);
    CHECK(ask("1.3.0.192.in-addr.arpa") == std::nullopt);
  }
}

TEST_CASE("zone source: reverse zones are loaded first", "[named][checker]") {
  std::vector<ZoneConf> zones(3);
  zones[0].name = name("example.test");
  zones[1].name = name("2.0.192.in-addr.arpa");
  zones[2].name = name("8.b.d.0.1.0.0.2.IP6.ARPA");
  auto order = in_load_order(zones);
  CHECK(order == std::vector<const ZoneConf*>{&zones[1], &zones[2], &zones[0]});
}
