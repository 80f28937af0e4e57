#include "libcommon/mailbox/quota_limits.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::mailbox;

TEST_CASE("quota limits: octets, Maildir++ and Dovecot's rules are understood", "[mailbox][quota]") {
  struct Row {
    const char* text;
    QuotaLimits limits;
  };
  for (const Row& row :
       {Row{"50000000", {50'000'000, 0}}, Row{" 50M\n", {50 << 20, 0}}, Row{"50mb", {50 << 20, 0}},
        Row{"1G", {1 << 30, 0}}, Row{"2K", {2048, 0}}, Row{"7B", {7, 0}}, Row{"1T", {uint64_t{1} << 40, 0}},
        Row{"0", {0, 0}}, Row{"50000000S,1000C", {50'000'000, 1000}}, Row{"1000C", {0, 1000}}, Row{"9S", {9, 0}},
        Row{"storage=1G:messages=1000", {1 << 30, 1000}}, Row{"*:storage=100", {100 << 10, 0}},
        Row{"*:bytes=100", {100, 0}}, Row{"messages=3", {0, 3}}}) {
    CAPTURE(row.text);
    auto limits = parse_quota_value(row.text);
    REQUIRE(limits);
    CHECK(*limits == row.limits);
  }
}

TEST_CASE("quota limits: what is no limit is a temporary error that says what to write", "[mailbox][quota]") {
  for (const char* bad : {"",
                          " ",
                          "x",
                          "-1",
                          "50 M",
                          "50X",
                          "50bb",
                          "1.5G",
                          "1000C,x",
                          "S",
                          ",",
                          "storage",
                          "storage=",
                          "storage=x",
                          "space=1",
                          "Trash:storage=1G",
                          "messages=1K",
                          "99999999999999999999",
                          "9999999999999G",
                          "messages=9999999999999999999999",
                          "=",
                          ":",
                          "50M,100C"}) {
    CAPTURE(bad);
    auto limits = parse_quota_value(bad);
    REQUIRE_FALSE(limits);
    CHECK_FALSE(limits.error().is_permanent());
    CHECK(limits.error().dsn == "4.3.5");
    CHECK(limits.error().what.find("write 50000000, 50M or 1G") != std::string::npos);
  }
}

TEST_CASE("quota limits: L21 room ends exactly at the limit", "[mailbox][quota]") {
  const QuotaLimits limits{1000, 3};
  CHECK(has_room(limits, {900, 1}, 100, 1));
  CHECK_FALSE(has_room(limits, {900, 1}, 101, 1));
  CHECK(has_room(limits, {0, 2}, 1, 1));
  CHECK_FALSE(has_room(limits, {0, 3}, 1, 1));
  CHECK_FALSE(has_room(limits, {2000, 0}, 0, 1));
  CHECK_FALSE(has_room(limits, {1, 0}, UINT64_MAX, 1));
  CHECK(has_room({}, {UINT64_MAX, UINT64_MAX}, UINT64_MAX, 1));
  CHECK(over_quota(limits, {1000, 1}).what == "mailbox is full: 1000 of 1000 bytes are used");
  CHECK(over_quota(limits, {900, 1}).what == "mailbox has no room for the message: 900 of 1000 bytes are used");
  CHECK(over_quota(limits, {900, 3}).what == "mailbox is full: it has 3 messages, its limit is 3");
  CHECK(over_quota(limits, {900, 3}).dsn == "4.2.2");
  CHECK_FALSE(over_quota(limits, {900, 3}).is_permanent());
}
