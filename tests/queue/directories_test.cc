#include "libcommon/queue/directories.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <set>

#include "libcommon/fs/file.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::queue;

TEST_CASE("queue directories: a message moves by rename and finds its hash directory", "[queue][directories]") {
  test::TempDirectory root;
  QueueDirectories spool(root.path(), {.names = {"Deferred"}, .depth = 2});
  REQUIRE(spool.make_all());
  REQUIRE(spool.create(QueueName::incoming, "A1B2C3D4"));
  CHECK(spool.create(QueueName::incoming, "A1B2C3D4").error().sys_errno == EEXIST);
  REQUIRE(spool.move("A1B2C3D4", QueueName::incoming, QueueName::active));
  REQUIRE(spool.move("A1B2C3D4", QueueName::active, QueueName::deferred));
  CHECK(spool.path(QueueName::deferred, "A1B2C3D4") == root / "deferred/A/1/A1B2C3D4");
  struct stat status;
  CHECK(::stat((root / "deferred/A/1/A1B2C3D4").c_str(), &status) == 0);
  CHECK(spool.find("A1B2C3D4") == QueueName::deferred);
  CHECK_FALSE(spool.find("../A1B2C3"));
  REQUIRE(spool.remove(QueueName::deferred, "A1B2C3D4"));
  REQUIRE(spool.remove(QueueName::deferred, "A1B2C3D4"));
  CHECK_FALSE(spool.find("A1B2C3D4"));
}

TEST_CASE("queue directories: a scan finds files at any level and leaves strange names out", "[queue][directories]") {
  test::TempDirectory root;
  QueueDirectories flat(root.path(), {.names = {}, .depth = 1});
  QueueDirectories deep(root.path(), {.names = {"deferred"}, .depth = 3});
  REQUIRE(flat.make_all());
  REQUIRE(flat.create(QueueName::deferred, "AAAAAA1"));
  REQUIRE(deep.create(QueueName::deferred, "AAAAAA2"));
  REQUIRE(deep.create(QueueName::deferred, "BCDAAA3"));
  REQUIRE(fs::make_directory(root / "deferred/LONGNAME", 0700));
  REQUIRE(fs::create_exclusive(root / "deferred/.hidden", 0600));
  REQUIRE(fs::create_exclusive(root / "deferred/short", 0600));
  auto scan = flat.scan(QueueName::deferred);
  REQUIRE(scan);
  std::set<std::string> found;
  while (auto entry = scan->next()) {
    found.insert(entry->id);
    REQUIRE(flat.move_from(entry->path, entry->id, QueueName::active));
  }
  CHECK(found == std::set<std::string>{"AAAAAA1", "AAAAAA2", "BCDAAA3"});
}

TEST_CASE("queue directories: names and values agree", "[queue][directories]") {
  for (size_t i = 0; i < kQueueNames; ++i) {
    auto name = static_cast<QueueName>(i);
    CHECK(queue_named(to_string(name)) == name);
  }
  CHECK_FALSE(queue_named("inbox"));
}
