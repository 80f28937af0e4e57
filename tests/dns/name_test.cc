#include "libcommon/dns/name.h"

#include <catch2/catch.hpp>
#include <string>

using namespace umaya::dns;
using namespace std::string_literals;

TEST_CASE("dns name: goes to wire form and back", "[dns]") {
  for (const char* text : {".", "example.org", "a.b.c", "_25._tcp.mx.example", "\\009x.odd\\.label", "\\000.z"}) {
    std::string wire;
    REQUIRE(append_name(wire, text));
    size_t position = 0;
    CHECK(read_name(wire, position) == text);
    CHECK(position == wire.size());
  }
  std::string wire;
  CHECK(append_name(wire, "example.org."));
  CHECK(wire == "\7example\3org\0"s);
}

TEST_CASE("dns name: limits of RFC 1035 hold", "[dns]") {
  std::string wire;
  CHECK(append_name(wire, std::string(63, 'a') + ".org"));
  CHECK_FALSE(append_name(wire, std::string(64, 'a') + ".org"));
  CHECK_FALSE(append_name(wire, "a..b"));
  CHECK_FALSE(append_name(wire, ".a"));
  CHECK_FALSE(append_name(wire, "a\\"));
  CHECK_FALSE(append_name(wire, "a\\256"));
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "a.";
  wire.clear();
  CHECK(append_name(wire, longest));
  CHECK(wire.size() == 255);
  wire.clear();
  CHECK_FALSE(append_name(wire, longest + "b"));
}

TEST_CASE("dns name: compression cannot loop and cannot leave the message", "[dns]") {
  std::string message = "\3org\0\7example\xc0\0\xc0\x0c"s;  // 0 org, 5 example→0, 15 → 12?
  size_t position = 5;
  CHECK(read_name(message, position) == "example.org");
  CHECK(position == 15);
  for (const std::string& bad : {"\xc0\x00"s, "\xc0\x02\x00"s, "\xc0"s,
                                 "\x05"
                                 "abc"s,
                                 "\3abc"s, "\x80\0"s, "\1a\xc0\x00"s, "\xc0\x02\xc0\x00"s}) {
    position = 0;
    CHECK_FALSE(read_name(bad, position));
  }
  // A chain of pointers, each to the one before, ends.
  std::string chain = "\1a\0"s;
  for (unsigned i = 0; i < 5000; ++i) {
    unsigned target = i == 0 ? 0 : 3 + 2 * (i - 1);
    chain += {static_cast<char>(0xc0 | target >> 8), static_cast<char>(target)};
  }
  position = chain.size() - 2;
  CHECK(read_name(chain, position) == "a");
}

TEST_CASE("dns name: host names are letters, digits, hyphens", "[dns]") {
  for (const char* good : {"mx.example.org", "a", "3com.example", "mail_1.example", "xn--bcher-kva.example"}) {
    CHECK(valid_hostname(good));
  }
  for (const char* bad : {"", ".", "a..b", "-a.b", "a-.b", "a b", "192.0.2.1", "a.", "a\\.b", "ab/c", "b\xc3\xbc"}) {
    CHECK_FALSE(valid_hostname(bad));
  }
}
