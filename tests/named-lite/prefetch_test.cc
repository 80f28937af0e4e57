#include "named-lite/answer/prefetch.h"

#include <algorithm>

#include "tests/named-lite/zone_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;

TEST_CASE("prefetch: any packets do no harm, and large zones are known", "[named][answer]") {
  std::string text = "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS n.x.\n";
  for (int i = 0; i < 60000; ++i) text += "h" + std::to_string(i) + " A 10.0.0.1\n";
  Checked big = check("big.test", text);
  Catalog catalog(7);
  catalog.add({std::string(name("small.test").wire()),
               ImagePtr(std::move(check("small.test", "@ 1 SOA a b 1 2 3 4 5\n").image))});
  CHECK_FALSE(catalog.has_large_zones());
  catalog.add({std::string(name("big.test").wire()), nullptr});
  CHECK_FALSE(catalog.has_large_zones());
  catalog.replace(name("big.test").wire(), ImagePtr(std::move(big.image)));
  CHECK(catalog.has_large_zones());
  std::vector<std::string> packets;
  for (int i = 0; i < 100; ++i) packets.push_back(question("H" + std::to_string(i) + ".big.test", type::kA));
  packets.push_back(question("none.big.test", type::kA));
  packets.push_back(question("small.test", type::kA));
  packets.push_back(question("elsewhere.test", type::kA));
  const std::string whole = question("a-long-label-that-is-cut-at-each-place.and-another-one.big.test", type::kA);
  for (size_t size = 0; size < whole.size(); ++size) packets.emplace_back(std::string_view(whole).substr(0, size));
  for (char octet : {'\1', '\x3F', '\x40', '\xC0', '\xFF'}) {
    std::string packet(312, octet);
    std::fill_n(packet.begin(), 12, '\0');
    packets.push_back(std::move(packet));
  }
  std::vector<std::string_view> views(packets.begin(), packets.end());
  prefetch_answers(catalog, views);
  for (std::string_view& each : views) prefetch_answers(catalog, {&each, 1});
}
