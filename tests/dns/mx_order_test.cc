#include "libcommon/dns/mx_order.h"

#include <catch2/catch.hpp>
#include <map>

#include "libcommon/base/random.h"

using namespace umaya;
using namespace umaya::dns;

namespace {

Record mx(uint16_t preference, std::string target) {
  return {.name = "example.org", .type = Type::mx, .preference = preference, .target = std::move(target)};
}

MailHost host(std::string name, uint16_t preference, const char* address) {
  return {std::move(name), preference, *net::IpAddress::parse(address)};
}

uint64_t no_chance(uint64_t bound) {
  return bound - 1;
}  // keeps the order

std::string names(const std::vector<MailHost>& hosts) {
  std::string out;
  for (const auto& h : hosts) out += h.name + ' ';
  return out;
}

}  // namespace

TEST_CASE("mx order: ascending preference, equal ones in random order", "[dns]") {
  std::map<std::string, int> first;
  for (int i = 0; i < 400; ++i) {
    auto list = sort_mx({mx(20, "c"), mx(10, "a"), mx(10, "b.")}, random_below);
    REQUIRE(list.size() == 3);
    CHECK(list[2].name == "c");
    ++first[list[0].name];
  }
  CHECK(first["a"] > 100);
  CHECK(first["b"] > 100);
}

TEST_CASE("mx order: Q20 names that cannot be hosts and repeated names are left out", "[dns]") {
  auto list = sort_mx({mx(10, "a b"), mx(10, "192.0.2.1"), mx(20, "a"), mx(5, "A"), mx(0, ".")}, no_chance);
  REQUIRE(list.size() == 1);
  CHECK(list[0].name == "a");
  CHECK(list[0].preference == 5);
}

TEST_CASE("mx order: Q20 null MX is one record with the root", "[dns]") {
  CHECK(is_null_mx({mx(0, ".")}));
  CHECK_FALSE(is_null_mx({mx(0, "."), mx(10, "a")}));
  CHECK_FALSE(is_null_mx({}));
}

TEST_CASE("mx order: B2 hosts that are not better than ourselves are dropped", "[dns]") {
  OwnHost own{.names = {"me.example"}, .addresses = {*net::IpAddress::parse("192.0.2.9")}};
  auto all = [] {
    return std::vector<MailHost>{host("a", 10, "192.0.2.1"), host("b", 20, "192.0.2.2"), host("c", 30, "192.0.2.3")};
  };
  auto by_name = all();
  by_name.push_back(host("ME.example", 20, "192.0.2.4"));
  CHECK(drop_own(by_name, own));
  CHECK(names(by_name) == "a ");
  auto by_address = all();
  by_address[1].address = *net::IpAddress::parse("::ffff:192.0.2.9");
  CHECK(drop_own(by_address, own));
  CHECK(names(by_address) == "a ");
  auto best = all();
  best[0].address = *net::IpAddress::parse("0.0.0.0");
  CHECK(drop_own(best, own));
  CHECK(best.empty());
  auto other = all();
  CHECK_FALSE(drop_own(other, own));
  CHECK(other.size() == 3);
}

TEST_CASE("mx order: families are sorted inside one preference only", "[dns]") {
  std::vector<MailHost> hosts = {host("a", 10, "192.0.2.1"), host("b", 10, "2001:db8::1"), host("c", 5, "192.0.2.2")};
  auto v6 = hosts;
  arrange(v6, {.family = FamilyOrder::ipv6_first}, no_chance);
  CHECK(names(v6) == "c b a ");
  auto v4 = hosts;
  arrange(v4, {.family = FamilyOrder::ipv4_first}, no_chance);
  CHECK(names(v4) == "c a b ");
}

TEST_CASE("mx order: the address limit leaves room for both families", "[dns]") {
  std::vector<MailHost> hosts;
  for (int i = 1; i <= 6; ++i) hosts.push_back(host("six", 10, ("2001:db8::" + std::to_string(i)).c_str()));
  hosts.push_back(host("four", 10, "192.0.2.1"));
  auto balanced = hosts;
  arrange(balanced, {.shuffle = Shuffle::no, .limit = 5}, no_chance);
  CHECK(balanced.size() == 5);
  CHECK(names(balanced) == "six six six six four ");
  auto plain = hosts;
  arrange(plain, {.shuffle = Shuffle::no, .limit = 5, .balance = false}, no_chance);
  CHECK(names(plain) == "six six six six six ");
}
