#include <catch2/catch.hpp>

#include "named-lite/config/named_conf.h"
#include "named-lite/config/print.h"

using namespace umaya::named;

namespace {

struct Tree {
  std::vector<Statement> top;
  Problems problems;
};

Tree tree_of(const std::string& text, const OpenFile& open = {}) {
  Tree tree;
  tree.top = parse_config_text(text, "c", open, tree.problems);
  return tree;
}

OpenFile files(std::string text) {
  return [text = std::move(text)](std::string_view) -> umaya::Result<std::string> { return text; };
}

}  // namespace

TEST_CASE("named.conf printer: one statement a line, blocks indented, comments gone, includes in their place",
          "[named][conf]") {
  Tree tree = tree_of(
      "// c\nacl in {10/8;!\"x\" ; } ; # d\ninclude \"other\"; options{directory \"/a \\\"b\\\\\";listen-on port 53 "
      "{ };}; ;",
      files("zone . IN { type hint; };"));
  CHECK_FALSE(tree.problems.has_errors());
  CHECK(print_conf(tree.top, Secrets::shown) ==
        "acl in {\n\t10/8;\n\t! \"x\";\n};\n"
        "zone . IN {\n\ttype hint;\n};\n"
        "options {\n\tdirectory \"/a \\\"b\\\\\";\n\tlisten-on port 53 { };\n};\n");
}

TEST_CASE("named.conf printer: what it prints reads as the same tree", "[named][conf]") {
  const char* cases[] = {
      "",
      "options { directory \"/x\"; };",
      "a \"\" \"{\" \";\" \"/* */\" ! b { c { d; } e; } f { } g;",
      "{ a; }; b;",
      "key \"k\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };",
      "x a\\b \"a\\\\b\" '\x01' / * /x;",
  };
  for (const char* text : cases) {
    INFO(text);
    Tree tree = tree_of(text);
    REQUIRE_FALSE(tree.problems.has_errors());
    std::string printed = print_conf(tree.top, Secrets::shown);
    Tree again = tree_of(printed);
    CHECK_FALSE(again.problems.has_errors());
    CHECK(same_statements(tree.top, again.top));
    CHECK(print_conf(again.top, Secrets::shown) == printed);
  }
  CHECK_FALSE(same_statements(tree_of("a b;").top, tree_of("a \"b\";").top));
  CHECK_FALSE(same_statements(tree_of("a b;").top, tree_of("a b c;").top));
  CHECK_FALSE(same_statements(tree_of("a { b; };").top, tree_of("a { b; c; };").top));
}

TEST_CASE("named.conf printer: an include inside of blocks may nest as deep as what it is put into", "[named][conf]") {
  std::string deep, close;
  for (int i = 0; i < 15; ++i) {
    deep += "a { ";
    close += "}; ";
  }
  Tree fits = tree_of("b { b { include \"i\"; }; };", files(deep + "x;" + close));
  CHECK_FALSE(fits.problems.has_errors());
  CHECK_FALSE(tree_of(print_conf(fits.top, Secrets::shown)).problems.has_errors());
  CHECK(tree_of("b { b { b { b { b { b { include \"i\"; }; }; }; }; }; };", files(deep + "x;" + close))
            .problems.has_errors());
}

TEST_CASE("named.conf printer: secrets are masked for people and blank for processes that need not know them",
          "[named][conf]") {
  std::string text =
      "key k { algorithm hmac-sha256; Secret \"c2VjcmV0\"; };\n"
      "view v { key j { algorithm hmac-sha256; secret c2VjcmV0; }; zone secret { type primary; file \"secret\"; }; };\n"
      "options { cookie-secret \"00112233445566778899aabbccddeeff\"; };\n";
  std::vector<Statement> top = tree_of(text).top;
  std::string masked = print_conf(top, Secrets::masked);
  CHECK(masked.find("c2VjcmV0") == std::string::npos);
  CHECK(masked.find("00112233") == std::string::npos);
  CHECK(masked.find("\tSecret \"????????????????\";\n") != std::string::npos);
  CHECK(masked.find("\tcookie-secret \"????????????????\";\n") != std::string::npos);
  CHECK(masked.find("file \"secret\"") != std::string::npos);

  std::string blank = print_conf(top, Secrets::blank);
  CHECK(blank.find("c2VjcmV0") == std::string::npos);
  CHECK(blank.find("00112233") != std::string::npos);
  Problems problems;
  NamedConf conf = read_named_conf(tree_of(blank).top, problems);
  CHECK_FALSE(problems.has_errors());
  REQUIRE(conf.keys.size() == 2);
  CHECK(conf.keys[0].secret == std::string(16, '\0'));

  CHECK(print_conf(top, Secrets::shown).find("secret c2VjcmV0;") != std::string::npos);
}
