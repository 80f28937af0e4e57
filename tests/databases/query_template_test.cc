#include "libcommon/databases/query_template.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::databases;

namespace {

/// Marks what was quoted and where: 'q(value)'.
bool mark(std::string_view value, Place place, std::string& out) {
  if ((place == Place::bare || place == Place::escaped) && !is_safe_in(value, place)) return false;
  constexpr const char* kNames[] = {"p", "q", "d", "e", "b"};
  out += std::string(kNames[static_cast<size_t>(place)]) + "(" + std::string(value) + ")";
  return true;
}

/// The filled query, "-" when the key lacks something, "!" when it cannot be quoted, "? …" for a template that is
/// wrong.
std::string filled(std::string_view text, std::string_view key, Syntax syntax = Syntax::pgsql) {
  auto parsed = Template::parse(text, syntax);
  if (!parsed) return "? " + parsed.error().what;
  SplitKey split(key);
  Needs needs = parsed->needs();
  needs.add(parsed->key_needs());
  if (!needs.met_by(split)) return "-";
  std::string out;
  return parsed->fill(split, split, mark, out) ? out : "!";
}

/// A result, by the rules of result templates.
std::string result(std::string_view text, std::string_view value, std::string_view key) {
  auto parsed = Template::parse(text, Syntax::plain);
  REQUIRE(parsed);
  std::string out;
  if (!parsed->key_needs().met_by(SplitKey(key)) || !parsed->needs().met_by(SplitKey(value))) return "-";
  parsed->fill(SplitKey(value), SplitKey(key), nullptr, out);
  return out;
}

}  // namespace

TEST_CASE("query template: every form stands for its part of the key", "[databases]") {
  struct Row {
    const char *text, *key, *expected;
  };
  const Row row =
      GENERATE(Row{"x='%s'", "user@mail.example.com", "x='q(user@mail.example.com)'"},
               Row{"'%u' '%d'", "a@b@example.com", "'q(a@b)' 'q(example.com)'"},
               Row{"'%S' '%U' '%D'", "u@d.e", "'q(u@d.e)' 'q(u)' 'q(d.e)'"},
               Row{"'%1' '%2' '%3'", "user@mail.example.com", "'q(com)' 'q(example)' 'q(mail)'"},
               Row{"100%% of '%s'", "k", "100% of 'q(k)'"},
               // Keys that lack a part are not asked.
               Row{"'%d'", "user", "-"}, Row{"'%d'", "user@", "-"}, Row{"'%u'", "user", "'q(user)'"},
               Row{"'%u'", "@d.e", "-"}, Row{"'%u'", "user@", "'q(user)'"}, Row{"'%s'", "@d.e", "'q(@d.e)'"},
               Row{"'%3'", "u@example.com", "-"}, Row{"'%2'", "u@com", "-"}, Row{"'%1'", "user", "-"},
               Row{"'%2'", "u@.com", "-"}, Row{"'%1'", "u@example.", "'q(example)'"}, Row{"'%2'", "u@a..b", "'q(a)'"},
               Row{"'%D'", "user", "-"}, Row{"'%U'", "@example.com", "-"}, Row{"'%s'", "", "'q()'"});
  INFO(row.text << " with " << row.key);
  CHECK(filled(row.text, row.key) == row.expected);
}

TEST_CASE("query template: % with anything else behind it is refused", "[databases]") {
  for (const char* text : {"%", "'%'", "%x", "%0", "a % b", "%%%"}) {
    INFO(text);
    CHECK(filled(text, "k").starts_with("? has %"));
  }
}

TEST_CASE("query template: a place knows the quotes around it", "[databases]") {
  struct Row {
    Syntax syntax;
    const char *text, *key, *expected;
  };
  const Row row =
      GENERATE(Row{Syntax::pgsql, "a='%s' AND b='%s'", "k", "a='q(k)' AND b='q(k)'"},
               Row{Syntax::pgsql, "a='it''s %s'", "k", "a='it''s q(k)'"},
               Row{Syntax::pgsql, "a='\\' OR b='%s'", "k", "a='\\' OR b='q(k)'"},
               Row{Syntax::mysql, "a='\\' %s'", "k", "a='\\' q(k)'"},
               Row{Syntax::mysql, "a=\"%s\" AND b='\"%s'", "k", "a=\"d(k)\" AND b='\"q(k)'"},
               // Without quotes only digits can stand, so that a key never adds words to the query.
               Row{Syntax::pgsql, "id=%s", "1234", "id=b(1234)"}, Row{Syntax::pgsql, "id=%s", "1 OR 1=1", "!"},
               Row{Syntax::pgsql, "id=%s", "id", "!"}, Row{Syntax::sqlite, "id=%s", "1;x", "!"},
               Row{Syntax::mysql, "`%s`", "k", "!"}, Row{Syntax::pgsql, "$$%s$$", "k", "!"},
               Row{Syntax::pgsql, "-- ' \n a='%s'", "k", "!"}, Row{Syntax::pgsql, "/* ' */ a='%s'", "k", "!"},
               Row{Syntax::pgsql, "a=E'%s'", "user@example.com", "a=E'e(user@example.com)'"},
               Row{Syntax::pgsql, "a=E'%s'", "x\\' OR 1=1", "!"},
               // sqlite takes "…" for a name if there is a column of that name: it becomes a text.
               Row{Syntax::sqlite, "\"a\"=\"%s\"", "k", "\"a\"='q(k)'"},
               Row{Syntax::sqlite, "a=\"it's %s\"", "k", "a='it''s q(k)'"});
  INFO(row.text << " with " << row.key);
  CHECK(filled(row.text, row.key, row.syntax) == row.expected);
}

TEST_CASE("query template: a name of PostgreSQL cannot be made from a key", "[databases]") {
  CHECK(filled("a=\"%s\"", "k", Syntax::pgsql).find("write '%s'") != std::string::npos);
}

TEST_CASE("query template: results take their own parts and those of the key", "[databases]") {
  struct Row {
    const char *text, *value, *key, *expected;
  };
  const Row row = GENERATE(Row{"%s", "x", "k", "x"}, Row{"smtp:[%s]", "host", "k", "smtp:[host]"},
                           Row{"%u at %d", "a@b.c", "k", "a at b.c"}, Row{"%d", "plain", "k", "-"},
                           Row{"%u", "plain", "k", "plain"}, Row{"%u", "@b.c", "k", "-"},
                           Row{"%S>%s", "v", "u@d.e", "u@d.e>v"}, Row{"%U+%D", "v", "u@d.e", "u+d.e"},
                           Row{"%s-%2", "v@x.y", "u@d.e", "v@x.y-d"}, Row{"%D", "v", "plain", "-"});
  INFO(row.text << " of " << row.value);
  CHECK(result(row.text, row.value, row.key) == row.expected);
}

TEST_CASE("query template: values for LDAP are escaped (RFC 4515, RFC 4514)", "[databases]") {
  CHECK(filter_value("a*b(c)d\\e") == "a\\2ab\\28c\\29d\\5ce");
  CHECK(filter_value(std::string_view("\0", 1)) == "\\00");
  CHECK(filter_value("müller@x") == "müller@x");
  CHECK(name_value("a,b+c\"d\\e<f>g;h=i#j k") == "a\\2cb\\2bc\\22d\\5ce\\3cf\\3eg\\3bh\\3di\\23j\\20k");
  CHECK(name_value("user@example.com") == "user@example.com");
}
