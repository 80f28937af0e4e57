#include "tlsmgr/ticket_keys.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace std::chrono_literals;

static tls::TicketQuery query(std::string service, uint32_t lifetime = 3600) {
  return {std::move(service), lifetime};
}

TEST_CASE("ticket keys: the same for one service, and no other service has them (S7)", "[tlsmgr]") {
  tlsmgr::TicketKeys keys;
  TimePoint now{};
  auto first = keys.keys_for(query("smtp"), now);
  REQUIRE(first.keys.size() == 1);
  CHECK(first.keys[0].name.size() == 16);
  CHECK(first.keys[0].cipher.size() == 32);
  CHECK(first.keys[0].mac.size() == 32);
  CHECK(first.fresh_for == 3601);
  auto again = keys.keys_for(query("smtp"), now + 100s);
  CHECK(again.keys[0].cipher == first.keys[0].cipher);
  CHECK(again.fresh_for == 3501);
  auto other = keys.keys_for(query("pop3s"), now);
  CHECK(other.keys[0].cipher != first.keys[0].cipher);
  CHECK(other.keys[0].mac != first.keys[0].mac);
  CHECK(other.keys[0].name != first.keys[0].name);
}

TEST_CASE("ticket keys: a new one after each lifetime, the last one is kept as long again", "[tlsmgr]") {
  tlsmgr::TicketKeys keys;
  TimePoint now{};
  auto first = keys.keys_for(query("smtp", 100), now);
  auto second = keys.keys_for(query("smtp", 100), now + 100s);
  REQUIRE(second.keys.size() == 2);
  CHECK(second.keys[0].cipher != first.keys[0].cipher);
  CHECK(second.keys[1].cipher == first.keys[0].cipher);
  auto third = keys.keys_for(query("smtp", 100), now + 210s);
  REQUIRE(third.keys.size() == 2);
  CHECK(third.keys[1].cipher == second.keys[0].cipher);
  auto much_later = keys.keys_for(query("smtp", 100), now + 1000s);
  CHECK(much_later.keys.size() == 1);
  CHECK(much_later.keys[0].cipher != third.keys[0].cipher);
  CHECK(keys.keys_for(query("other", 0), now).fresh_for == 61);
  CHECK(keys.keys_for(query("more", 0xFFFFFFFF), now).fresh_for == 24 * 3600 + 1);
}

TEST_CASE("ticket keys: services are bounded", "[tlsmgr]") {
  tlsmgr::TicketKeys keys;
  TimePoint now{};
  auto first = keys.keys_for(query("first"), now);
  for (size_t i = 0; i < tlsmgr::TicketKeys::kServices; ++i) {
    (void)keys.keys_for(query("service" + std::to_string(i)), now + std::chrono::seconds(i + 1));
  }
  CHECK(keys.keys_for(query("first"), now + 100s).keys[0].cipher != first.keys[0].cipher);
}
