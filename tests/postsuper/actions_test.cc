#include "commands/postsuper/actions.h"

#include <sys/stat.h>
#include <utime.h>

#include <catch2/catch.hpp>

#include "libcommon/base/clock.h"
#include "libcommon/fs/file.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::postsuper;
using queue::QueueName;

namespace {

struct Fixture {
  test::TempDirectory root;
  queue::QueueDirectories spool{root.path(), {}};
  std::vector<std::string> said, warned;
  Fixture() { REQUIRE(spool.make_all()); }
  void put(QueueName where, const std::string& id, mode_t mode = 0700) {
    auto fd = spool.create(where, id);
    REQUIRE(fd);
    REQUIRE(fs::set_mode(fd->get(), mode));
  }
  mode_t mode_of(QueueName where, const std::string& id) {
    struct stat status {};
    return ::stat(spool.path(where, id).c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
  }
  Surgeon surgeon(std::vector<QueueName> queues = {}) {
    return Surgeon(
        spool, std::move(queues), [this](std::string_view line) { said.emplace_back(line); },
        [this](std::string_view line) { warned.emplace_back(line); });
  }
};

}  // namespace

TEST_CASE("postsuper: a message is removed with its logs", "[postsuper]") {
  Fixture f;
  f.put(QueueName::deferred, "AAAAA1");
  f.put(QueueName::defer, "AAAAA1");
  f.put(QueueName::bounce, "AAAAA1");
  auto surgeon = f.surgeon();
  surgeon.run({Verb::remove, "AAAAA1"});
  surgeon.run({Verb::remove, "BBBBB1"});
  CHECK(f.said == std::vector<std::string>{"AAAAA1: removed"});
  CHECK(surgeon.summary() == std::vector<std::string>{"Deleted: 1 message"});
  CHECK(f.mode_of(QueueName::deferred, "AAAAA1") == 0);
  CHECK(f.mode_of(QueueName::defer, "AAAAA1") == 0);
  CHECK(f.mode_of(QueueName::bounce, "AAAAA1") == 0);
}

TEST_CASE("postsuper: ALL takes every message of the queues that are named", "[postsuper]") {
  Fixture f;
  for (int i = 0; i < 10; ++i) f.put(QueueName::deferred, "AAAAA" + std::to_string(i));
  f.put(QueueName::hold, "BBBBBB");
  auto surgeon = f.surgeon({QueueName::deferred});
  surgeon.run({Verb::remove, "ALL"});
  CHECK(surgeon.summary() == std::vector<std::string>{"Deleted: 10 messages"});
  CHECK(f.mode_of(QueueName::hold, "BBBBBB") == 0700);
}

TEST_CASE("postsuper: messages go on hold and come back due", "[postsuper]") {
  Fixture f;
  f.put(QueueName::deferred, "AAAAA1");
  {
    auto fd = fs::open_safe(f.spool.path(QueueName::deferred, "AAAAA1"));
    REQUIRE(fs::set_modified(fd->get(), wall_seconds() + 10'000));
  }
  auto surgeon = f.surgeon();
  surgeon.run({Verb::hold, "AAAAA1"});
  CHECK(f.mode_of(QueueName::hold, "AAAAA1") == 0700);
  surgeon.run({Verb::release, "AAAAA1"});
  struct stat status;
  REQUIRE(::stat(f.spool.path(QueueName::deferred, "AAAAA1").c_str(), &status) == 0);
  CHECK(status.st_mtime <= wall_seconds());
  CHECK(surgeon.summary() == std::vector<std::string>{"Placed on hold: 1 message", "Released from hold: 1 message"});
}

TEST_CASE("postsuper: expiry is a bit in the mode, -f takes the message off hold", "[postsuper]") {
  Fixture f;
  f.put(QueueName::hold, "AAAAA1");
  f.put(QueueName::hold, "AAAAA2");
  auto surgeon = f.surgeon();
  surgeon.run({Verb::expire, "AAAAA1"});
  surgeon.run({Verb::expire_and_release, "AAAAA2"});
  CHECK(f.mode_of(QueueName::hold, "AAAAA1") == 0710);
  CHECK(f.mode_of(QueueName::deferred, "AAAAA2") == 0710);
  CHECK(surgeon.summary() == std::vector<std::string>{"Force-expired: 2 messages"});
}

TEST_CASE("postsuper: requeue goes to maildrop without the logs", "[postsuper]") {
  Fixture f;
  f.put(QueueName::deferred, "AAAAA1");
  f.put(QueueName::defer, "AAAAA1");
  f.surgeon().run({Verb::requeue, "AAAAA1"});
  CHECK(f.mode_of(QueueName::maildrop, "AAAAA1") == 0700);
  CHECK(f.mode_of(QueueName::defer, "AAAAA1") == 0);
}

TEST_CASE("postsuper: the structure is mended and only old unfinished files go", "[postsuper]") {
  Fixture f;
  f.put(QueueName::incoming, "AAAAA1", 0600);
  f.put(QueueName::incoming, "AAAAA2", 0600);
  f.put(QueueName::incoming, "AAAAA3", 0700);
  for (const char* id : {"AAAAA1", "AAAAA3"}) {
    auto fd = fs::open_safe(f.spool.path(QueueName::incoming, id));
    REQUIRE(fs::set_modified(fd->get(), wall_seconds() - 8 * 86400));
  }
  f.put(QueueName::deferred, "ABCDEF");
  queue::QueueDirectories deeper(f.root.path(), {.names = {"deferred"}, .depth = 3});
  Surgeon surgeon(
      deeper, {}, [](std::string_view) {}, [](std::string_view) {});
  surgeon.mend();
  surgeon.purge();
  CHECK(::access(deeper.path(QueueName::deferred, "ABCDEF").c_str(), F_OK) == 0);
  CHECK(f.mode_of(QueueName::incoming, "AAAAA1") == 0);
  CHECK(f.mode_of(QueueName::incoming, "AAAAA2") == 0600);
  CHECK(f.mode_of(QueueName::incoming, "AAAAA3") == 0700);
}
