#include "libcommon/config/expand.h"

#include <catch2/catch.hpp>
#include <map>

#include "libcommon/config/config.h"

using namespace umaya;
using namespace umaya::config;

namespace {

std::optional<std::string> look_up(std::string_view name) {
  static const std::map<std::string, std::string, std::less<>> names = {
      {"a", "$e"}, {"b", "1"}, {"e", ""}, {"loop1", "$loop2"}, {"loop2", "${loop1}"}, {"level", "3.7"}};
  auto at = names.find(name);
  return at == names.end() ? std::nullopt : std::optional(at->second);
}

struct Case {
  const char* text;
  const char* result;
};

}  // namespace

TEST_CASE("expand: gives what Postfix's postconf -x gives", "[config][expand]") {
  const Case cases[] = {
      {"", ""},
      {"plain text", "plain text"},
      {"$b ${b} $(b)", "1 1 1"},
      {"[${a?x}] [${a:x}]", "[x] []"},  // a is set, though it expands to nothing
      {"[${b?{ x }:{z}}] [${b ? {x} : {z}}] [${b? x }]", "[ x ] [x] [ x ]"},
      {"[${{1} == {1}}] [${{1} == {2}}]", "[true] []"},
      {"[${{01} == {1}?{y}:{n}}] [${{ab} == { ab }?{y}:{n}}]", "[y] [n]"},
      {"[${{10} < {9}?{y}:{n}}] [${{a10} < {a9}?{y}:{n}}]", "[n] [y]"},
      {"[${{3.10} <level {3.9}?{y}:{n}}] [${{3.10} >=level {3.9}?{y}:{n}}]", "[n] [y]"},
      {"[$(b?x)] [$b.x] [$b-x] [$1]", "[x] [1.x] [1-x] []"},
      {"[${b:q}] [${b?{x}}] [${e?{x}}] [${e:{x}}]", "[] [x] [] [x]"},
      {"[${e?{x}:{y}}] [${b?{${e:{q}}}}] [$$b] [$$$b]", "[y] [q] [$b] [$1]"},
      {"[${{$b}=={1}?{y}:{n}}] [${{$b} != {1}?y:n}]", "[y] []"},
      {"[${{1} == {1}?yes}] [${{1} == {2}:no}]", "[yes] [no]"},
      {"[{$b}] [${b}x] [$b{x}] [$(b?{x}:{y})]", "[{1}] [1x] [1{x}] [x]"},
      {"[${b?{x}:y}] [${b?x:y}] [${b?{x}:  y  }]", "[x] [x:y] [x]"},
      {"${{$level} <level {3.6} ? {old} : {new}}", "new"},
      {"${{$level} <=level {3.7}?{y}:{n}} ${{3} ==level {3.0}?{y}:{n}} ${{3} !=level {3.0}?{y}:{n}}", "y y n"},
      {"${domain_to_ascii{x$b}} .${domain_to_utf8 {y}}", "x1 .y"},
      {"${{2} >= {2}?{y}:{n}} ${{2} > {2}?{y}:{n}} ${{2} <= {1}?{y}:{n}}", "y n n"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    auto result = expand(c.text, look_up);
    REQUIRE(result);
    CHECK(*result == c.result);
  }
}

TEST_CASE("expand: refuses what Postfix refuses", "[config][expand]") {
  for (const char* bad :
       {"$", "${", "${}", "${b", "$.", "${b!x}", "${{1} = {1}}", "${{1} == 1}", "${b?{x} y}", "${{a}}", "$(b", "${b)",
        "$ b", "${{x} <level {3}?{y}:{n}}", "$loop1", "${domain_to_ascii{x} y}", "${other{x}}"}) {
    INFO(bad);
    auto result = expand(bad, look_up);
    REQUIRE_FALSE(result);
    CHECK(result.error().is_permanent());
  }
}

TEST_CASE("expand: names that double themselves end in an error, not in a full memory", "[config][expand]") {
  auto doubling = [](std::string_view name) -> std::optional<std::string> {
    int n = std::stoi(std::string(name.substr(1)));
    if (n == 90) return std::string();
    std::string next = "$n" + std::to_string(n + 1);
    return next + next;
  };
  CHECK_FALSE(expand("$n1", doubling));
  auto growing = [](std::string_view) -> std::optional<std::string> { return std::string(100'000, 'x'); };
  CHECK_FALSE(expand("$a$a$a$a$a$a$a$a$a$a$a$a", growing));
}

TEST_CASE("expand: names_in finds the names of both branches", "[config][expand]") {
  CHECK(names_in("$a ${b?{$c}:{$d}} ${{$e} == {$f} ? {$g} : {$h}} $$i") ==
        std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h"});
}

TEST_CASE("expand: levels compare part by part", "[config][expand]") {
  CHECK(*compare_levels("3.10", "3.9") > 0);
  CHECK(*compare_levels("3", "3.0.0") == 0);
  CHECK(*compare_levels("2.11", "3") < 0);
  CHECK_FALSE(compare_levels("three", "3"));
}

TEST_CASE("expand: every default of a parameter can be expanded", "[config][expand]") {
  auto config = Config::from_text("myhostname = host.example.test\n");
  REQUIRE(config);
  for (const Param& row : all_params()) {
    if (row.name.ends_with("_expansion_filter")) continue;  // characters, taken as written
    auto value = config->expand(row.default_value);
    INFO(row.name << ": " << (value ? "" : value.error().what));
    CHECK(value.has_value());
  }
}
