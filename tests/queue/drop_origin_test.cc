#include "libcommon/queue/drop_origin.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"
#include "libcommon/queue/message_file.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::queue;

namespace {

const std::string kId = "0123456789A";
const DropOrigin kOrigin{kId, 4711};

struct Spool {
  test::TempDirectory root;
  QueueDirectories directories{root.path(), Hashing{}};
  Spool() { REQUIRE(directories.make_all()); }

  /// A whole queue file of kId, as cleanup leaves it before the mark.
  Fd write(QueueName queue, const std::string& origin) const {
    auto created = directories.create(queue, kId);
    REQUIRE(created);
    Envelope envelope;
    envelope.sender = "a@example.test";
    if (!origin.empty()) envelope.extra[kDropOrigin] = origin;
    MessageWriter writer(std::move(*created), envelope);
    REQUIRE(writer.add_recipient({"b@example.test", {}, {}, 0}));
    REQUIRE(writer.append("Subject: x\r\n\r\nx\r\n"));
    auto written = writer.finish();
    REQUIRE(written);
    return std::move(*written);
  }
  Posting look() const {
    auto posting = posting_of(directories, kId, kOrigin);
    REQUIRE(posting);
    return *posting;
  }
};

}  // namespace

TEST_CASE("drop origin: its text leads to that file and to nothing else", "[queue][drop_origin]") {
  CHECK(DropOrigin::parse(kOrigin.text()) == kOrigin);
  for (const char* text : {"", ":", "0123456789A", "0123456789A:", "0123456789A:x", "0123456789A:-1", ":4711",
                           "../active/01234:1", "0123456789A:99999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(DropOrigin::parse(text));
  }
}

TEST_CASE("drop origin: a drop file counts as posted when a whole queue file names it, in any queue",
          "[queue][drop_origin]") {
  for (QueueName queue : {QueueName::incoming, QueueName::active, QueueName::deferred, QueueName::hold}) {
    Spool spool;
    CHECK(spool.look() == Posting::not_begun);
    Fd file = spool.write(queue, kOrigin.text());
    REQUIRE(mark_complete(file.get()));
    CHECK(spool.look() == Posting::done);
  }
}

TEST_CASE("drop origin: what has no mark counts when it is whole and has no writer", "[queue][drop_origin]") {
  Spool spool;
  Fd file = spool.write(QueueName::incoming, kOrigin.text());
  REQUIRE(fs::try_lock(file.get(), fs::LockKind::flock));
  CHECK(spool.look() == Posting::under_way);
  file.reset();
  CHECK(spool.look() == Posting::done);
  struct stat status;
  const std::string path = spool.directories.path(QueueName::incoming, kId);
  REQUIRE(::stat(path.c_str(), &status) == 0);
  REQUIRE(::truncate(path.c_str(), status.st_size - 1) == 0);
  CHECK(spool.look() == Posting::other_file);
}

TEST_CASE("drop origin: a message of the same id that came another way is no reason to give a drop file up",
          "[queue][drop_origin]") {
  for (const std::string& other :
       {std::string(), DropOrigin{kId, 4712}.text(), DropOrigin{"BBBBBBBBBBB", 4711}.text(), std::string("nonsense")}) {
    Spool spool;
    Fd file = spool.write(QueueName::active, other);
    REQUIRE(mark_complete(file.get()));
    CHECK(spool.look() == Posting::other_file);
  }
  Spool spool;
  REQUIRE(::symlink("/etc/passwd", spool.directories.path(QueueName::hold, kId).c_str()) == 0);
  CHECK(spool.look() == Posting::other_file);
}

TEST_CASE("drop origin: what is left of a drop file is removed, a later one of its name is not",
          "[queue][drop_origin]") {
  Spool spool;
  Fd drop = spool.write(QueueName::maildrop, {});
  struct stat status;
  REQUIRE(::fstat(drop.get(), &status) == 0);
  const std::string path = spool.directories.path(QueueName::maildrop, kId);
  REQUIRE(remove_drop_file(spool.directories, {kId, status.st_ino + 1}));
  CHECK(::access(path.c_str(), F_OK) == 0);
  REQUIRE(remove_drop_file(spool.directories, {kId, status.st_ino}));
  CHECK(::access(path.c_str(), F_OK) != 0);
  REQUIRE(remove_drop_file(spool.directories, {kId, status.st_ino}));  // twice is no error
}
