#include "authd/names.h"

#include <catch2/catch.hpp>

using namespace umaya::authd;

TEST_CASE("names: A9 one name for all ways to write it", "[authd][names]") {
  NameRules rules{"example.com", true};
  CHECK(canonical_name("Alice", rules) == "alice@example.com");
  CHECK(canonical_name("ALICE@Example.COM", rules) == "alice@example.com");
  CHECK(canonical_name("alice+box@example.org", rules) == "alice+box@example.org");
  CHECK(canonical_name("Alice", {"", false}) == "Alice");
  CHECK(canonical_name("Alice@Example.COM", {"", false}) == "Alice@example.com");
  for (const char* bad : {"", "@", "a@", "@b", "a@b@c", "../x", "a/b", "a b", "a%u", "a*b", ".a", "-a", "a@.b", "a@-b",
                          "a\nb", "a:b", "ä", "a\xff"}) {
    INFO(bad);
    CHECK(!canonical_name(bad, {"", true}));
  }
  CHECK(!canonical_name(std::string(300, 'a'), rules));
  CHECK(!canonical_name(std::string("a\0b", 3), rules));
}

TEST_CASE("names: A9 templates take a name as it is", "[authd][names]") {
  CHECK(fill_template("/mail/%d/%n", "alice@example.com") == "/mail/example.com/alice");
  CHECK(fill_template("%u %% %x %", "alice") == "alice % %x %");
  // What a name looks like is never expanded again.
  CHECK(fill_template("%n", "%d@example.com") == "%d");
  CHECK(fill_template("/mail/%d/x", "alice") == "/mail//x");
}
