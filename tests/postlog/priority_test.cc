#include "commands/postlog/priority.h"

#include <catch2/catch.hpp>

using namespace umaya;

TEST_CASE("priority: the words of postlog are known, any other is refused", "[postlog]") {
  REQUIRE(postlog::parse_priority("info") == log::Level::info);
  REQUIRE(postlog::parse_priority("warn") == log::Level::warning);
  REQUIRE(postlog::parse_priority("warning") == log::Level::warning);
  REQUIRE(postlog::parse_priority("error") == log::Level::error);
  REQUIRE(postlog::parse_priority("fatal") == log::Level::fatal);
  REQUIRE(postlog::parse_priority("panic") == log::Level::panic);
  for (auto bad : {"", "INFO", "debug", "warnings"}) REQUIRE_FALSE(postlog::parse_priority(bad));
}
