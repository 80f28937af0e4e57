#include "named-lite/recursion/sieve_map.h"

#include <catch2/catch.hpp>
#include <string>

using namespace umaya::named;

namespace {

std::string text(std::span<char> value) {
  return {value.data(), value.size()};
}

}  // namespace

TEST_CASE("sieve map: what was put is found, replaced and erased", "[recursion]") {
  SieveMap map(1 << 16);
  CHECK(map.find("a").data() == nullptr);
  map.put("a", "one");
  map.put("b", "");
  CHECK(text(map.find("a")) == "one");
  CHECK(map.find("b").data() != nullptr);
  CHECK(map.find("b").empty());
  map.put("a", std::string(100, 'x'));
  CHECK(text(map.find("a")) == std::string(100, 'x'));
  CHECK(map.size() == 2);
  CHECK(map.erase("a"));
  CHECK_FALSE(map.erase("a"));
  CHECK(map.find("a").data() == nullptr);
  map.clear();
  CHECK(map.size() == 0);
  CHECK(map.find("b").data() == nullptr);
}

TEST_CASE("sieve map: an entry that is used stays when unused ones must go", "[recursion]") {
  SieveMap map(1 << 16);
  map.put("kept", std::string(50, 'k'));
  for (int i = 0; i < 10'000; ++i) {
    map.put("k" + std::to_string(i), std::string(50, 'v'));
    if (i % 100 == 0) REQUIRE(map.find("kept").data() != nullptr);
    REQUIRE(map.bytes() <= 1 << 16);
  }
  CHECK(map.evicted() > 5000);
  CHECK(map.find("k9999").data() != nullptr);
  CHECK(map.find("k1").data() == nullptr);
}

TEST_CASE("sieve map: a value that is too large is not kept and throws nothing out", "[recursion]") {
  SieveMap map(1 << 16);
  map.put("a", "one");
  CHECK(map.put("b", std::string(1 << 13, 'x')).data() == nullptr);
  CHECK(text(map.find("a")) == "one");
  CHECK(map.put("a", std::string(1 << 13, 'x')).data() == nullptr);
  CHECK(map.find("a").data() == nullptr);  // the old value is not what was put last
}

TEST_CASE("sieve map: a filter erases what it does not keep", "[recursion]") {
  SieveMap map(1 << 20);
  for (int i = 0; i < 1000; ++i) map.put(std::to_string(i), i % 2 == 0 ? "even" : "odd");
  map.filter([](std::string_view, std::span<char> value) { return value.size() == 3; });
  CHECK(map.size() == 500);
  CHECK(map.find("12").data() == nullptr);
  CHECK(text(map.find("13")) == "odd");
}

TEST_CASE("sieve map: D49 memory stays within its bound under a million different entries", "[recursion]") {
  SieveMap map(8 << 20);
  size_t most = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    map.put("random" + std::to_string(i) + ".example.test", std::string(40 + static_cast<size_t>(i) % 200, 'x'));
    most = std::max(most, map.bytes());
  }
  CHECK(most <= size_t{8} << 20);
  CHECK(most >= size_t{7} << 20);
}
