#include "libcommon/config/params.h"

#include <catch2/catch.hpp>

#include "libcommon/config/config.h"
#include "libcommon/config/values.h"

using namespace umaya;
using namespace umaya::config;

TEST_CASE("params: rows are documented, sorted and unique", "[config][params]") {
  std::string_view last;
  for (const Param& row : all_params()) {
    INFO(row.name);
    CHECK(row.name > last);
    CHECK(row.doc.size() > 5);
    CHECK(row.doc.back() != '.');
    CHECK(!row.since.empty());
    CHECK((row.tier >= 1 && row.tier <= 4));
    last = row.name;
  }
  CHECK(all_params().size() > 950);
}

TEST_CASE("params: every default parses and lies within its limits", "[config][params]") {
  auto config = Config::from_text("", "/etc/umaya", {}, HostFacts{"mx.example.com", {}});
  REQUIRE(config);
  for (const Param& row : all_params()) {
    INFO(row.name);
    if ((row.flags & kObsolete) || row.name == "virtual_mailbox_base") continue;  // that one must be set before use
    auto result = check_value(row, config->get(row.name));
    CHECK((result || row.kind == Kind::read_only));
  }
}

TEST_CASE("params: a transport's parameter finds its prototype", "[config][params]") {
  CHECK(find_param("uucp_destination_recipient_limit") == nullptr);
  REQUIRE(find_any_param("uucp_destination_recipient_limit"));
  CHECK(find_any_param("uucp_destination_recipient_limit")->name == "transport_destination_recipient_limit");
  CHECK(find_any_param("uucp_recipient_limit")->name == "transport_recipient_limit");
  CHECK(find_any_param("_recipient_limit") == nullptr);
  CHECK(find_any_param("bogus_name") == nullptr);
}

TEST_CASE("values: times carry units", "[config][values]") {
  CHECK(*parse_time("90") == std::chrono::seconds(90));
  CHECK(*parse_time("2", {.unit = 'd'}) == std::chrono::days(2));
  CHECK(*parse_time("1w") == std::chrono::weeks(1));
  CHECK(*parse_time("3H") == std::chrono::hours(3));
  for (const char* bad : {"", "s", "5x", "-1s", "1.5h", "99999999999", "99999w"}) {
    INFO(bad);
    CHECK_FALSE(parse_time(bad));
  }
  CHECK_FALSE(parse_time("0s", {.min = 1}));
}
