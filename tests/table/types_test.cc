#include <catch2/catch.hpp>

#include "libcommon/table/maps.h"
#include "libcommon/table/source.h"
#include "tests/table/scratch.h"

using namespace umaya;
using namespace umaya::table;
using umaya::testing::Scratch;

namespace {

std::string ask(const std::string& spec, std::string_view key, const Options& options = {}) {
  auto table = open(options, spec);
  if (!table) return "open: " + table.error().what;
  auto answer = (*table)->lookup_now(key);
  if (!answer) return "(waits)";
  if (answer->is_error()) return "error: " + answer->error().what;
  return answer->found() ? answer->value() : "(none)";
}

}  // namespace

TEST_CASE("table open: names without a known type are refused with the name", "[table]") {
  CHECK(ask("foo:bar", "x") == "open: unsupported dictionary type: foo");
  CHECK(ask("static:", "x") == "open: open dictionary: expecting \"type:name\" form instead of \"static:\"");
}

TEST_CASE("table inline, static, unionmap, pipemap, randmap: answer as Postfix does", "[table]") {
  CHECK(ask("inline:{a=b, {b = c d}, X=Y}", "b") == "c d");
  CHECK(ask("inline:{a=b, {b = c d}, X=Y}", "x") == "Y");
  CHECK(ask("inline:{a=b}", "q") == "(none)");
  CHECK(ask("inline:{ a }", "q").starts_with("open: missing '=' after attribute name"));
  CHECK(ask("static:{a b }", "anything") == "a b");
  CHECK(ask("unionmap:{static:a,inline:{q=x},inline:{z=y}}", "q") == "a,x");
  CHECK(ask("pipemap:{static:a,inline:{a=x}}", "q") == "x");
  CHECK(ask("pipemap:{inline:{a=x},static:a}", "q") == "(none)");
  CHECK(ask("randmap:{x}", "q") == "x");
  CHECK(ask("unionmap:x", "q") == "open: bad syntax: \"unionmap:x\"; need \"unionmap:{type:name...}\"");
  CHECK(ask("fail:x", "q").starts_with("error: "));
  CHECK(ask("unix:passwd.byname", "root").starts_with("root:"));
  CHECK(ask("unix:group.byname", "nobody-has-this-name") == "(none)");
}

TEST_CASE("table texthash: reads postmap syntax and reports bad lines by number", "[table]") {
  Scratch scratch;
  std::string path =
      scratch.file("t", "# comment\na 1\n b2\n#c\n c3\nb 2\n\n  \nc: x\nnoval\n\"k e\" v w \n\"x y z\nemp\\ ty q\n");
  CHECK(ask("texthash:" + path, "A") == "1 b2 c3");
  auto first = scratch.logged;
  CHECK(ask("texthash:" + path, "\"k e\"") == "v w");
  CHECK(ask("texthash:" + path, "emp\\ ty") == "q");
  CHECK(first ==
        std::vector<std::string>{path + ", line 9: record is in \"key: value\" format; is this an alias file?",
                                 path + ", line 10: expected format: key whitespace value -- ignoring this line",
                                 path + ", line 12: unbalanced '\"' in '\"x y z' -- ignoring this line"});
}

TEST_CASE("table texthash: a key that stands twice is an error in daemons", "[table]") {
  Scratch scratch;
  std::string path = scratch.file("t", "a 1\nA 2\n");
  CHECK(ask("texthash:" + path, "a").starts_with("open: " + path + ", line 2: duplicate entry: \"A\""));
  Options commands;
  commands.duplicates = Duplicates::warn;
  CHECK(ask("texthash:" + path, "a", commands) == "1");
}

TEST_CASE("table regexp and pcre: agree with Postfix on rules, groups and if blocks", "[table]") {
  Scratch scratch;
  std::string path = scratch.file("re", R"(/a(b)?(c)/ $1-$2
!/k/ no k
/k5(.)/ $(1)x${1}y$$$1
/k9(.)/ $1: a	b  
IF /kh/
/KH1/ kh1
if !/q/
/kh2/ kh2
endif
ENDIF
/cost/i lower only
/k/ last
)");
  for (std::string type : {"regexp:", "pcre:"}) {
    CHECK(ask(type + path, "ac") == "-c");
    CHECK(ask(type + path, "xyz") == "no k");
    CHECK(ask(type + path, "k5a") == "axay$a");
    CHECK(ask(type + path, "k9a") == "a: a\tb");
    CHECK(ask(type + path, "KH1") == "kh1");
    CHECK(ask(type + path, "kh2") == "kh2");
    CHECK(ask(type + path, "kh2q") == "last");
    CHECK(ask(type + path, "kcost") == "lower only");
    CHECK(ask(type + path, "kCost") == "last");
  }
  CHECK(ask("regexp:" + scratch.file("re2", "!/a/!/b/ neither\n"), "x") == "neither");
  CHECK(ask("pcre:{{/foo/ bar}, {/q/ z}}", "q") == "z");
}

TEST_CASE("table regexp: bad rules are left out with Postfix's warnings", "[table]") {
  Scratch scratch;
  std::string path =
      scratch.file("re", "/foo\n/x/q y\n!/y/ $1\n/z/ $3\n/z/ $abc\nendif\nblah\n/un(/ p\nif /a/\n/k/ cost $ 5\n");
  auto table = open({}, "regexp:" + path);
  REQUIRE(table);
  std::string at = "regexp map " + path + ", line ";
  std::vector<std::string> expected = {at + "1: no closing regexp delimiter \"/\": skipping this rule",
                                       at + "2: unknown regexp option \"q\": skipping this rule",
                                       at + "3: $number found in negative match replacement text: skipping this rule",
                                       at + "4: out of range replacement index \"3\": skipping this rule",
                                       at + "5: non-numeric replacement index \"abc\"",
                                       at + "5: bad replacement syntax: skipping this rule",
                                       at + "6: ignoring ENDIF without matching IF",
                                       at + "7: ignoring unrecognized request",
                                       at + "8: Unmatched ( or \\(",
                                       "empty macro name: \"cost $ 5\"",
                                       at + "10: bad replacement syntax: skipping this rule",
                                       at + "9: IF has no matching ENDIF"};
  CHECK(scratch.logged == expected);
}

TEST_CASE("table regexp: a pattern of nothing but repetitions is left out, not compiled by powers of two", "[table]") {
  auto of = [](const std::string& pattern) { return open({}, "regexp:{{/" + pattern + "/ found}}"); };
  for (const std::string& pattern :
       {"a" + std::string(74, '+'), "a" + std::string(20, '*'), std::string("a)+") + "+)+++)++++"}) {
    CAPTURE(pattern);
    auto opened = of(pattern);
    if (opened) CHECK((*opened)->lookup_now("a")->missing());
  }
  auto usual = of("^(a+)+b*?c");
  REQUIRE(usual);
  CHECK((*usual)->lookup_now("aac")->found());
}

TEST_CASE("table regexp: results with $1 are refused where a sender could choose what happens", "[table]") {
  Scratch scratch;
  std::string path = scratch.file("re", "/(.)/ |$1\n/./ plain\n");
  Options careful;
  careful.substitution = Substitution::refused;
  CHECK(ask("regexp:" + path, "x", careful) == "plain");
}

TEST_CASE("table cidr: the first network wins, bad lines are named", "[table]") {
  Scratch scratch;
  std::string path = scratch.file("ci",
                                  "1.2.3.4/24 x\n1.2.3.0/33 y\nfoo c\n1.2.3.4\nif 10.0.0.0/8\n10.1.0.0/16 in\n"
                                  "! 10.2.0.0/16 not2\nendif\nendif\n[2001:db8::]/32 six\n!9.9.9.9 rest\n");
  CHECK(ask("cidr:" + path, "10.1.2.3") == "in");
  auto first = scratch.logged;
  CHECK(ask("cidr:" + path, "10.3.2.3") == "not2");
  CHECK(ask("cidr:" + path, "2001:DB8::5") == "six");
  CHECK(ask("cidr:" + path, "9.9.9.9") == "(none)");
  CHECK(ask("cidr:" + path, "host.example") == "(none)");
  std::string at = "cidr map " + path + ", line ";
  CHECK(first == std::vector<std::string>{at + "1: non-null host address bits in \"1.2.3.4/24\", perhaps you should "
                                               "use \"1.2.3.0/24\" instead: skipping this rule",
                                          at + "2: bad mask length in \"1.2.3.0/33\": skipping this rule",
                                          at + "3: bad address pattern: \"foo\": skipping this rule",
                                          at + "4: no lookup result: skipping this rule",
                                          at + "9: ENDIF without IF: skipping this rule"});
}

TEST_CASE("table keys: are folded, also outside ASCII", "[table]") {
  CHECK(fold_case("ÄÖÜ@Example.ORG") == "äöü@example.org");
  CHECK(fold_case("\xff"
                  "A") ==
        "\xff"
        "a");
  CHECK(ask("inline:{bücher=x}", "BÜCHER") == "x");
  Options exact;
  exact.fold = CaseRule::keep;
  CHECK(ask("inline:{A=x}", "a", exact) == "(none)");
}

TEST_CASE("table maps: partial keys skip pattern tables, empty results are errors", "[table]") {
  Scratch scratch;
  auto maps = Maps::open({}, "test_maps", "pcre:{{/./ any}}, inline:{k=v, {e=}}");
  CHECK(maps.find("k").value() == "any");
  CHECK(maps.find("k", KeyForm::partial).value() == "v");
  CHECK(maps.find("e", KeyForm::partial).is_error());
  CHECK(maps.find("z", KeyForm::partial).missing());
  CHECK(maps.find("").missing());
  CHECK(Maps::open({}, "x", "foo:bar, static:x").find("k").is_error());
}

TEST_CASE("table maps: refresh notices a changed file", "[table]") {
  Scratch scratch;
  std::string path = scratch.file("t", "a 1\n");
  auto maps = Maps::open({}, "m", "texthash:" + path);
  CHECK(maps.find("a").value() == "1");
  CHECK_FALSE(maps.changed());
  scratch.file("t", "a 22\n");
  CHECK(maps.refresh());
  CHECK(maps.find("a").value() == "22");
}

TEST_CASE("alias source: keys lose their quotes, values keep them", "[table][source]") {
  std::vector<std::string> got, problems;
  read_alias_source(
      R"(# comment
list: k.mizo, s.shio,k.kikk ,  k.fuku
 more, "|cmd a b"
"quoted name": :include:/x, /file
a@b: x
no colon
two,x: z
empty: ""
CAP: \user, "\user"
foo(comment): bar (comment) baz
long: a@b.c,"john doe"@x.y, <u@v>, group:a,b;
|x: y
)",
      {.on_entry = [&](SourceEntry e) { got.push_back(e.key + " => " + e.value); },
       .on_problem = [&](int line,
                         const std::string& what) { problems.push_back(std::to_string(line) + ": " + what); }});
  CHECK(got == std::vector<std::string>{"list => k.mizo, s.shio, k.kikk, k.fuku more, \"|cmd a b\"",
                                        "quoted name => :include:/x, /file", "empty => \"\"", "CAP => user, \"user\"",
                                        "foo (comment) => bar (comment) baz",
                                        "long => a@b.c, \"john doe\"@x.y, <u@v>, group:a, b;", "|x => y"});
  CHECK(problems ==
        std::vector<std::string>{"5: name must be local", "6: need name:value pair", "7: need name:value pair"});
}
