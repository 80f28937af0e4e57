#include "libcommon/base/strings.h"

#include <catch2/catch.hpp>

using namespace umaya;

TEST_CASE("strings: split_list keeps a braced group whole", "[base][strings]") {
  auto parts = split_list("hash:/a, inline:{ a=b, c=d } ,regexp:/r");
  REQUIRE(parts == std::vector<std::string_view>{"hash:/a", "inline:{ a=b, c=d }", "regexp:/r"});
}

TEST_CASE("strings: base64 goes both ways and refuses what is not canonical", "[base][strings]") {
  for (std::string s : {"", "a", "ab", "abc", "abcd"}) REQUIRE(base64_decode(base64_encode(s)) == s);
  for (auto bad : {"a", "a===", "YR==", "Y*==", "YQ==YQ=="}) REQUIRE_FALSE(base64_decode(bad));
}

TEST_CASE("strings: valid_utf8 refuses overlong forms, surrogates and truncation", "[base][strings]") {
  REQUIRE(valid_utf8("h\xc3\xa4user"));
  for (auto bad : {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3"})
    REQUIRE_FALSE(valid_utf8(bad));
}

TEST_CASE("strings: printable leaves one line of visible bytes", "[base][strings]") {
  REQUIRE(printable("a\r\nb\x1b[0m\xe2\x80\xa8") == "a??b?[0m???");
}

TEST_CASE("strings: parse_uint takes whole numbers only", "[base][strings]") {
  REQUIRE(parse_uint("42") == 42u);
  for (auto bad : {"", "-1", "1x", " 1", "18446744073709551616"}) REQUIRE_FALSE(parse_uint(bad));
}
