#include "libcommon/mailbox/alias_value.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::mailbox;

namespace {

std::string show(std::string_view value) {
  auto parsed = parse_alias_value(value, {});
  if (!parsed) return "error: " + parsed.error().what;
  std::string out;
  for (const AliasTarget& target : *parsed) {
    static constexpr char kLetters[] = "amcfi";
    out += (out.empty() ? "" : " ; ") + std::string(1, kLetters[static_cast<int>(target.kind)]) + "=" + target.text;
  }
  return out;
}

}  // namespace

TEST_CASE("alias value: each form of target is told apart", "[mailbox][alias]") {
  auto [value, expected] = GENERATE(table<const char*, const char*>({
      {"", ""},
      {" , ,", ""},
      {"kim", "a=kim"},
      {"k.mizo, s.shio,k.kikk ,\n k.fuku", "a=k.mizo ; a=s.shio ; a=k.kikk ; a=k.fuku"},
      {"\\kim", "m=kim"},
      {"\"\\\\kim\", \"|/usr/bin/vacation kim\"", "m=kim ; c=/usr/bin/vacation kim"},
      {"|/bin/cat", "c=/bin/cat"},
      {"| cmd -a (b) \"c,d\" , e", "c=cmd -a (b) \"c,d\" ; a=e"},
      {"\"|a \\\"b\\\" , \\\\c\"", "c=a \"b\" , \\c"},
      {"/var/mail/x, \"/a b/\"", "f=/var/mail/x ; f=/a b/"},
      {":include:/etc/list, :INCLUDE: \"/a b\", \":include: /c\"", "i=/etc/list ; i=/a b ; i=/c"},
      {"Kim <kim@x> (hi), (only, a comment), \"A, B\" <b@y>", "a=kim@x ; a=b@y"},
      {"\"|x\"@example.com, \"/f\"@x", "a=|x@example.com ; a=/f@x"},
      {"\"a b\"@c, a\\ b@c, \"joe\"", "a=a b@c ; a=a b@c ; a=joe"},
      {"kim @ example . com", "a=kim@example.com"},
      {"Full Name Here <kim>", "a=kim"},
      {"user(comment (nested))@host", "a=user@host"},
  }));
  REQUIRE(show(value) == expected);
}

TEST_CASE("alias value: a mistake is a temporary error that says what is wrong", "[mailbox][alias]") {
  auto [value, expected] = GENERATE(table<const char*, const char*>({
      {"kim, \"open", "quote not closed"},
      {"kim (open", "comment not closed"},
      {"kim lee", "a comma is missing"},
      {"<kim", "'<' without '>'"},
      {"kim>", "'>' without '<'"},
      {":include:relative", "not an absolute path"},
      {"|", "command is empty"},
      {"\"\"", "empty address"},
  }));
  auto parsed = parse_alias_value(value, {});
  CAPTURE(value);
  REQUIRE_FALSE(parsed);
  REQUIRE_FALSE(parsed.error().is_permanent());
  REQUIRE(parsed.error().what.find(expected) != std::string::npos);
}

TEST_CASE("alias value: L4 zero bytes, long lines and many targets are refused", "[mailbox][alias]") {
  REQUIRE_FALSE(parse_alias_value(std::string_view("a\0b", 3), {}));
  REQUIRE_FALSE(parse_alias_value(std::string(10'000, 'x'), {}));
  std::string many;
  for (int i = 0; i < 20; ++i) many += "a,";
  REQUIRE_FALSE(parse_alias_value(many, {.targets = 10}));
  REQUIRE(parse_alias_value(std::string(1'000'000, ','), {}));
  REQUIRE_FALSE(parse_alias_value(std::string(1'000'000, '('), {}));
}

TEST_CASE("alias value: lines of a file are values of their own, with comments", "[mailbox][alias]") {
  auto parsed = parse_alias_lines("# list\nkim@x, lee\n\n  \"|cmd a\"\r\n", {});
  REQUIRE(parsed);
  REQUIRE(parsed->size() == 3);
  REQUIRE((*parsed)[2] == AliasTarget{TargetKind::command, "cmd a"});
  auto bad = parse_alias_lines("kim\n\"x\n", {});
  REQUIRE_FALSE(bad);
  REQUIRE(bad.error().what.starts_with("line 2: "));
}
