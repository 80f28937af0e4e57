#include "libcommon/table/writer.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "libcommon/table/open.h"
#include "tests/table/scratch.h"

using namespace umaya;
using namespace umaya::table;
using umaya::testing::Scratch;

namespace {

std::string value_of(const std::string& spec, std::string_view key) {
  auto table = open({}, spec);
  if (!table) return "open: " + table.error().what;
  auto answer = (*table)->lookup_now(key);
  return answer->found() ? answer->value() : answer->is_error() ? answer->error().what : "(none)";
}

}  // namespace

TEST_CASE("table writer: lmdb and cdb give back what was put in, by folded keys", "[table][writer]") {
  Scratch scratch;
  for (std::string type : {"lmdb:", "cdb:", "hash:"}) {
    for (Termination termination : {Termination::with_null, Termination::without_null}) {
      std::string spec = type + scratch.path("t");
      WriterOptions options;
      options.termination = termination;
      auto writer = TableWriter::open(spec, options);
      REQUIRE(writer);
      CHECK(*(*writer)->put("User@Example.com", "value one"));
      CHECK_FALSE(*(*writer)->put("user@example.com", "value two"));
      CHECK((*writer)->replace("other", "x"));
      CHECK((*writer)->replace_as_is("YP_NAME", "yes"));
      REQUIRE((*writer)->commit());
      CHECK(value_of(spec, "USER@example.com") == "value one");
      CHECK(value_of(spec, "other") == "x");
      CHECK(value_of(spec, "missing") == "(none)");
      auto table = open({}, spec);
      std::string all;
      REQUIRE((*table)->for_each([&](auto k, auto v) { all += std::string(k) + "=" + std::string(v) + " "; }));
      CHECK(all.find("YP_NAME=yes ") != std::string::npos);
    }
  }
}

TEST_CASE("table writer: lmdb is changed in place, open readers see it at once", "[table][writer]") {
  Scratch scratch;
  std::string spec = "lmdb:" + scratch.path("t");
  REQUIRE((*TableWriter::open(spec, {}))->commit());
  auto reader = open({}, spec);
  REQUIRE(reader);
  WriterOptions change;
  change.mode = WriteMode::change;
  auto writer = TableWriter::open(spec, change);
  REQUIRE(writer);
  CHECK(*(*writer)->put("a", "1"));
  CHECK((*reader)->lookup_now("a")->missing());
  REQUIRE((*writer)->commit());
  CHECK((*reader)->lookup_now("a")->value() == "1");
  CHECK_FALSE((*reader)->changed());
  writer = TableWriter::open(spec, change);
  CHECK_FALSE(*(*writer)->put("a", "2"));
  CHECK(*(*writer)->remove("a"));
  CHECK_FALSE(*(*writer)->remove("a"));
  CHECK(*(*writer)->put("b", "3"));
  REQUIRE((*writer)->commit());
  CHECK((*reader)->lookup_now("a")->missing());
  CHECK((*reader)->lookup_now("b")->value() == "3");
}

TEST_CASE("table writer: an lmdb file grows beyond lmdb_map_size, old readers follow", "[table][writer]") {
  Scratch scratch;
  std::string spec = "lmdb:" + scratch.path("t");
  WriterOptions options;
  options.map_size = 64 * 1024;
  REQUIRE((*TableWriter::open(spec, options))->commit());
  auto reader = open({}, spec);
  CHECK((*reader)->lookup_now("k1")->missing());
  auto writer = TableWriter::open(spec, options);
  for (int i = 0; i < 5000; ++i) CHECK((*writer)->replace("k" + std::to_string(i), std::string(100, 'v')));
  REQUIRE((*writer)->commit());
  CHECK((*reader)->lookup_now("k4999")->found());
}

TEST_CASE("table writer: readers in other processes see whole states only while lmdb is rebuilt", "[table][writer]") {
  Scratch scratch;
  std::string spec = "lmdb:" + scratch.path("t");
  auto rebuild = [&](int round) {
    auto writer = TableWriter::open(spec, {});
    for (int i = 0; i < 200; ++i) {
      if (!(*writer)->replace("k" + std::to_string(i), std::to_string(round))) return false;
    }
    return (*writer)->commit().has_value();
  };
  REQUIRE(rebuild(0));
  pid_t child = fork();
  if (child == 0) {
    bool ok = true;
    for (int round = 1; round <= 60; ++round) ok = ok && rebuild(round);
    _exit(ok ? 0 : 1);
  }
  auto reader = open({}, spec);
  int status = 0, last = 0, bad = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    for (int i = 0; i < 200; i += 7) {
      auto answer = (*reader)->lookup_now("k" + std::to_string(i));
      if (!answer->found() || std::stoi(answer->value()) < last) ++bad;
      if (answer->found()) last = std::stoi(answer->value());
    }
  }
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(bad == 0);
}

TEST_CASE("table writer: types that cannot be made say so, long keys too", "[table][writer]") {
  Scratch scratch;
  CHECK(TableWriter::open("regexp:/x", {}).error().what ==
        "unsupported dictionary type: regexp does not support bulk-mode creation.");
  CHECK(TableWriter::open("foo:/x", {}).error().what == "unsupported dictionary type: foo");
  WriterOptions change;
  change.mode = WriteMode::change;
  CHECK_FALSE(TableWriter::open("cdb:" + scratch.path("t"), change));
  auto writer = TableWriter::open("lmdb:" + scratch.path("t"), {});
  CHECK_FALSE((*writer)->replace(std::string(600, 'k'), "v"));
}

TEST_CASE("table lmdb: a file that is none is an error, not an empty table", "[table]") {
  Scratch scratch;
  scratch.file("t.lmdb", std::string(8192, 'x'));
  CHECK(value_of("lmdb:" + scratch.path("t"), "k").find("MDB_INVALID") != std::string::npos);
  scratch.file("t.cdb", "short");
  CHECK_FALSE(value_of("cdb:" + scratch.path("t"), "k") == "(none)");
}

TEST_CASE("table cdb: an entry that lies outside of the file is an error when all are listed", "[table]") {
  Scratch scratch;
  // 256 hash tables that begin at the end of the data; one entry whose key and value have 0x78787878 octets.
  std::string head, end("\x10\x08\0\0\0\0\0\0", 8);
  for (int i = 0; i < 256; ++i) head += end;
  scratch.file("t.cdb", head + "xxxxxxxx" + "12345678");
  auto opened = open(Options(), "cdb:" + scratch.path("t"));
  REQUIRE(opened);
  auto all = (*opened)->for_each([](std::string_view, std::string_view) {});
  REQUIRE_FALSE(all);
  CHECK(all.error().what.find("broken CDB file") != std::string::npos);
}
