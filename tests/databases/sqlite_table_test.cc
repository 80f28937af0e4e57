#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "libcommon/databases/drivers.h"
#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"
#include "tests/support/temp_directory.h"

using namespace umaya;

namespace {

event::Task<table::Lookup> ask(table::Table* table, std::string key) {
  return table->lookup(std::move(key));
}

/// A database file and tables over it.
class Files {
 public:
  Files() {
    log::capture([](log::Level, std::string_view) {});
  }
  ~Files() { log::capture(nullptr); }
  std::string path() const { return directory_ / "mail.db"; }
  void run(const std::string& sql) { run_in(path(), sql); }
  static void run_in(const std::string& file, const std::string& sql) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
    char* error = nullptr;
    sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error);
    INFO(sql);
    REQUIRE(error == nullptr);
    sqlite3_close(database);
  }
  Result<std::unique_ptr<table::Table>> open(const std::string& parameters) {
    std::string cf = directory_ / "mail.cf";
    std::ofstream(cf) << "dbpath = " << path() << "\n" << parameters;
    table::Options options;
    options.databases = &drivers_;
    return table::open(options, "sqlite:" + cf);
  }
  static std::string find(table::Table& table, const std::string& key) {
    table::Lookup answer = event::run_until_done(ask(&table, key));
    return answer.found() ? answer.value() : answer.missing() ? "(none)" : "(error) " + answer.error().what;
  }
  std::string find(const std::string& parameters, const std::string& key) {
    auto table = open(parameters);
    return table ? find(**table, key) : "? " + table.error().what;
  }

 private:
  test::TempDirectory directory_;
  databases::Drivers drivers_{nullptr};
};

constexpr const char* kAliases =
    "CREATE TABLE a(k, v, w); INSERT INTO a VALUES('bob', 'bob@x', 'second'), ('two', 'x', ''), ('two', 'y', ''),"
    "('o''brien', 'irish', ''), ('null', NULL, ''), ('empty', '', ''), ('number', 42, ''), ('m\xc3\xbcller', 'umlaut', "
    "'');";

}  // namespace

TEST_CASE("sqlite: rows are results, of their first column", "[databases][sqlite]") {
  Files files;
  files.run(kAliases);
  const std::string query = "query = SELECT v, w FROM a WHERE k='%s'\n";
  struct Row {
    const char *key, *expected;
  };
  const Row rows[] = {{"bob", "bob@x"},     {"BOB", "bob@x"},     {"two", "x,y"},
                      {"o'brien", "irish"}, {"nobody", "(none)"}, {"null", "(none)"},
                      {"empty", "(none)"},  {"number", "42"},     {"M\xc3\x9cLLER", "umlaut"}};
  for (const Row& row : rows) {
    INFO(row.key);
    CHECK(files.find(query, row.key) == row.expected);
  }
  CHECK(files.find(query + "expansion_limit = 1\n", "two").find("expansion_limit") != std::string::npos);
  CHECK(files.find(query + "expansion_limit = 2\n", "two") == "x,y");
  CHECK(files.find(query + "result_format = [%s]:%S\n", "two") == "[x]:two,[y]:two");
}

TEST_CASE("sqlite: no key becomes a part of the query", "[databases][sqlite]") {
  Files files;
  files.run(kAliases);
  const char* const keys[] = {"' OR '1'='1",
                              "'; DROP TABLE a; --",
                              "\\' OR 1=1 --",
                              "\" OR \"\"=\"",
                              "x' UNION SELECT 'y",
                              "1 OR 1=1",
                              "k",
                              "%s",
                              "''",
                              "'"};
  for (const char* query : {"query = SELECT v FROM a WHERE k='%s'\n", "query = SELECT v FROM a WHERE k=\"%s\"\n",
                            "query = SELECT v FROM a WHERE k=%s\n", "query = SELECT v FROM a WHERE k='%u' AND 1=1\n",
                            "table = a\nselect_field = v\nwhere_field = k\n"}) {
    for (const char* key : keys) {
      INFO(query << key);
      CHECK(files.find(query, key) == "(none)");
    }
  }
  CHECK(files.find("query = SELECT v FROM a WHERE k=\"%s\"\n", "o'brien") == "irish");
  CHECK(files.find("query = SELECT count(*) FROM a WHERE 'x'='%s' OR 1=1\n", "x") == "8");
}

TEST_CASE("sqlite: the database cannot be written", "[databases][sqlite]") {
  Files files;
  files.run(kAliases);
  CHECK(files.find("query = DELETE FROM a WHERE k='%s'\n", "bob").starts_with("(error)"));
  CHECK(files.find("query = SELECT v FROM a WHERE k='%s'\n", "bob") == "bob@x");
}

TEST_CASE("sqlite: a file that is missing, damaged or replaced is an error or the new state, never not found",
          "[databases][sqlite]") {
  Files files;
  const std::string query = "query = SELECT v FROM a WHERE k='%s'\n";
  auto table = files.open(query);
  REQUIRE(table);
  CHECK(files.find(**table, "bob").find("unable to open database file") != std::string::npos);
  files.run(kAliases);
  CHECK(files.find(**table, "bob") == "bob@x");
  Files::run_in(files.path() + ".new", "CREATE TABLE a(k, v); INSERT INTO a VALUES('bob', 'new');");
  std::filesystem::rename(files.path() + ".new", files.path());
  CHECK(files.find(**table, "bob") == "new");
  std::ofstream(files.path()) << std::string(5000, 'x');
  CHECK(files.find(**table, "bob").find("not a database") != std::string::npos);
  std::filesystem::remove(files.path());
  CHECK(files.find(**table, "bob").starts_with("(error)"));
  files.run("CREATE TABLE b(k)");
  CHECK(files.find(**table, "bob").find("no such table: a") != std::string::npos);
  files.run(kAliases);
  CHECK(files.find(**table, "bob") == "bob@x");
}

TEST_CASE("sqlite: a writer that holds the lock delays the answer", "[databases][sqlite]") {
  Files files;
  files.run(kAliases);
  sqlite3* writer = nullptr;
  REQUIRE(sqlite3_open(files.path().c_str(), &writer) == SQLITE_OK);
  REQUIRE(sqlite3_exec(writer, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) == SQLITE_OK);
  auto table = files.open("query = SELECT v FROM a WHERE k='%s'\n");
  REQUIRE(table);
  event::Timer release([&] { sqlite3_exec(writer, "COMMIT", nullptr, nullptr, nullptr); });
  release.arm(std::chrono::milliseconds(200));
  CHECK(files.find(**table, "bob") == "bob@x");
  sqlite3_close(writer);
}

TEST_CASE("sqlite: parameters that are missing or wrong are named", "[databases][sqlite]") {
  Files files;
  CHECK(files.find("", "k").find("query is missing") != std::string::npos);
  CHECK(files.find("query = SELECT '%z'\n", "k").find("mail.cf, line 2: query has %") != std::string::npos);
  CHECK(files.find("query = SELECT '%s'\nresult_format =\n", "k").find("line 3: result_format must") !=
        std::string::npos);
  CHECK(files.find("query = SELECT '%s'\nexpansion_limit = x\n", "k").find("line 3: expansion_limit") !=
        std::string::npos);
}
