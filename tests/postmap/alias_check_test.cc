#include "commands/postmap/alias_check.h"

#include <catch2/catch.hpp>
#include <set>

using namespace umaya;
using namespace umaya::postmap;

TEST_CASE("K1 newaliases: names that exist nowhere are reported with line and cure", "[postmap][alias]") {
  std::set<std::string, std::less<>> known = {"k.mizo", "s.shio", "k.kikk", "k.fuku", "root", "list"};
  std::vector<std::string> users(known.begin(), known.end());
  std::vector<table::SourceEntry> entries = {
      {"list", "k.mizo, s.shio, k,kikk, k.fuku", 3},
      {"postmaster", "root", 4},
      {"typo", "s.shioo, \"|cmd nobody\", /var/mail/x, :include:/x, far@away.test, zz", 5},
  };
  auto missing = find_missing_names(
      entries, [&](std::string_view name) { return known.contains(name); }, users);
  REQUIRE(missing.size() == 3);
  CHECK(missing[0].line == 3);
  CHECK(missing[0].name == "k,kikk");
  CHECK(missing[0].cure == "write \"k.kikk\" instead of \"k,kikk\"");
  CHECK(missing[1].name == "s.shioo");
  CHECK(missing[1].cure == "is \"s.shio\" meant?");
  CHECK(missing[2].name == "zz");
  CHECK(missing[2].cure.empty());
}
