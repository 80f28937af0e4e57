#include "libcommon/databases/parameters.h"

#include <catch2/catch.hpp>

#include "libcommon/databases/lookup_plan.h"

using namespace umaya;
using namespace umaya::databases;

namespace {

Parameters read(std::string_view text, std::string_view name = "pgsql:/etc/x.cf") {
  auto parameters = Parameters::parse(text, name);
  REQUIRE(parameters);
  return std::move(*parameters);
}

}  // namespace

TEST_CASE("parameters: a file has the form of main.cf, without its $names", "[databases]") {
  Parameters parameters =
      read("# comment\ndbname = mail\npassword = pa$$ word # no comment\nquery = SELECT a\n  FROM b\n");
  CHECK(parameters.text("dbname") == "mail");
  CHECK(parameters.text("password") == "pa$$ word # no comment");
  CHECK(parameters.text("query") == "SELECT a  FROM b");
  CHECK(parameters.text("user", "x") == "x");
  CHECK(parameters.remarks().empty());
}

TEST_CASE("parameters: unknown names are told with file and line, and without their value", "[databases]") {
  Parameters parameters = read("dbname = mail\n\npasword = secret\nuser = a\nuser = b\n");
  REQUIRE(parameters.remarks().size() == 2);
  CHECK(parameters.remarks()[0] == "/etc/x.cf, line 3: pgsql tables have no parameter \"pasword\"; it is ignored");
  CHECK(parameters.remarks()[1].starts_with("/etc/x.cf, line 5: "));
  CHECK(parameters.remarks()[0].find("secret") == std::string::npos);
  CHECK(read("dbpath = /x", "pgsql:/etc/x.cf").remarks().size() == 1);
  CHECK(read("dbpath = /x", "sqlite:/etc/x.cf").remarks().empty());
}

TEST_CASE("parameters: wrong values are named with file and line", "[databases]") {
  Parameters parameters =
      read("expansion_limit = many\nidle_interval = -1\nresult_format =\ntls_verify_cert = maybe\n");
  CHECK(parameters.number("expansion_limit", 0, 0).error().what ==
        "/etc/x.cf, line 1: expansion_limit must be a number from 0 to 2147483647");
  CHECK_FALSE(parameters.number("idle_interval", 60, 1));
  CHECK(parameters.number("retry_interval", 60, 1) == 60);
  CHECK(parameters.required("result_format").error().what == "/etc/x.cf, line 3: result_format must not be empty");
  CHECK(parameters.required("dbname").error().what == "pgsql:/etc/x.cf: the parameter dbname is missing");
  CHECK(parameters.flag("tls_verify_cert", false).error().what ==
        "/etc/x.cf, line 4: tls_verify_cert must be yes or no");
}

TEST_CASE("parameters: a prefix is looked for in main.cf, with its $names", "[databases]") {
  auto config = config::Config::from_text(
      "mydomain = example.test\npeople_server_host = ldap.$mydomain\npeople_bind = no\npeople_x = y\n");
  REQUIRE(config);
  auto parameters = Parameters::read(&*config, "ldap:people");
  REQUIRE(parameters);
  CHECK(parameters->text("server_host") == "ldap.example.test");
  CHECK(parameters->file().empty());
  CHECK(parameters->flag("bind", true) == false);
  CHECK_FALSE(Parameters::read(&*config, "ldap:others"));
  CHECK_FALSE(Parameters::read(nullptr, "ldap:people"));
}

TEST_CASE("parameters: databases are found in any value of main.cf, except behind proxy:", "[databases]") {
  using List = std::vector<std::string>;
  CHECK(databases_in("hash:/a, pgsql:/b.cf sqlite:/c") == List{"pgsql:/b.cf", "sqlite:/c"});
  CHECK(databases_in("permit, check_client_access { mysql:/x.cf, search_order=a }") == List{"mysql:/x.cf"});
  CHECK(databases_in("unionmap:{ldap:people,proxy:pgsql:/x}") == List{"ldap:people"});
  CHECK(databases_in("proxy:pgsql:/x pgsql: pgsqlx:/y").empty());
}

TEST_CASE("parameters: the query may be written in the old ways", "[databases]") {
  auto text = [](std::string_view file, Syntax syntax) {
    auto query = sql_query(read(file), syntax);
    if (!query) return "? " + query.error().what;
    std::string out;
    query->fill(SplitKey("k"), SplitKey("k"), nullptr, out);
    return out;
  };
  CHECK(text("query = SELECT '%s'\ntable = t\n", Syntax::pgsql) == "SELECT 'k'");
  CHECK(text("select_function = f\ntable = t\n", Syntax::pgsql) == "SELECT f('k')");
  CHECK(text("table = t\nselect_field = a\nwhere_field = b\nadditional_conditions = AND c\n", Syntax::mysql) ==
        "SELECT a FROM t WHERE b='k' AND c");
  CHECK(text("table = t\nselect_field = a\n", Syntax::mysql).find("where_field is missing") != std::string::npos);
  CHECK(text("dbname = x\n", Syntax::pgsql) == "? pgsql:/etc/x.cf: the parameter query is missing");
  CHECK(text("query = SELECT '%x'\n", Syntax::pgsql).starts_with("? /etc/x.cf, line 1: query has %"));
}

TEST_CASE("results: are joined, formatted, limited", "[databases]") {
  auto joined = [](std::string_view file, std::initializer_list<std::string_view> values) -> std::string {
    auto plan = LookupPlan::from(read(file));
    REQUIRE(plan);
    ResultList results(*plan, "user@example.com");
    for (std::string_view value : values) {
      if (!results.add(value)) break;
    }
    table::Lookup answer = results.finish();
    return answer.found() ? answer.value() : answer.missing() ? "(none)" : "(error) " + answer.error().what;
  };
  CHECK(joined("", {"a", "b"}) == "a,b");
  CHECK(joined("", {"", "b", ""}) == "b");
  CHECK(joined("", {}) == "(none)");
  CHECK(joined("", {""}) == "(none)");
  CHECK(joined("result_format = <%u> %D", {"a@b", "@b", "c"}) == "<a> example.com,<c> example.com");
  CHECK(joined("result_format = %d", {"a", "x@y"}) == "y");
  CHECK(joined("expansion_limit = 2", {"a", "", "b"}) == "a,b");
  CHECK(joined("expansion_limit = 2", {"a", "b", "c"}).starts_with("(error) more than 2 results"));
  CHECK(joined("", {std::string(kLongestAnswer + 1, 'x')}).starts_with("(error) the results are longer"));
}
