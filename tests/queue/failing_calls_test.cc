// Q2: every call that writes the queue is made to fail in turn, with every error that a disk or the kernel may give.
#include "tests/support/failing_calls.h"

#include <catch2/catch.hpp>

#include "libcommon/fs/file.h"
#include "libcommon/queue/bounce_log.h"
#include "libcommon/queue/directories.h"
#include "libcommon/queue/message_file.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::queue;
using test::FailingCalls;

namespace {

/// All that cleanup does with a message of this size.
Result<> write_message(const QueueDirectories& spool, const std::string& id, size_t text) {
  UMAYA_TRY(Fd fd, spool.create(QueueName::incoming, id));
  Envelope envelope;
  envelope.sender = "a@example.org";
  MessageWriter writer(std::move(fd), envelope);
  UMAYA_CHECK(writer.add_recipient({"x@example.net", "", "", 0}));
  UMAYA_CHECK(writer.append(std::string(text, 'x')));
  UMAYA_CHECK(writer.add_recipient({"y@example.net", "", "", 0}));
  UMAYA_TRY(Fd done, writer.finish());
  UMAYA_CHECK(fs::sync(done.get()));
  UMAYA_CHECK(spool.sync_name(QueueName::incoming, id));
  return mark_complete(done.get());
}

bool is_whole(const std::string& path) {
  auto fd = fs::open_safe(path);
  auto reader = fd ? MessageReader::open(fd->get()) : std::unexpected(fd.error());
  return reader && reader->info().recipient_count == 2;
}

bool is_marked(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && (status.st_mode & mode::kReadyBit) != 0;
}

}  // namespace

TEST_CASE("failing calls: Q2 a message is whole or its writer knows, and no error of the disk is permanent",
          "[queue][faults]") {
  for (int error : test::kDiskErrors) {
    for (size_t text : {size_t{10}, size_t{200'000}}) {
      for (int number = 1;; ++number) {
        CAPTURE(error, text, number);
        test::TempDirectory root;
        QueueDirectories spool(root.path(), {.names = {"incoming"}, .depth = 2});
        REQUIRE(spool.make_all());
        size_t descriptors = test::open_descriptors();
        FailingCalls failing(number, error);
        Result<> written;
        {
          fs::ScopedCalls scope(failing);
          written = write_message(spool, "ABCDEF1", text);
        }
        std::string path = spool.path(QueueName::incoming, "ABCDEF1");
        bool was_last = failing.made() < number;
        if (error == test::kShortWrite || was_last) REQUIRE(written);
        if (written) {
          REQUIRE(is_whole(path));
        } else {
          REQUIRE_FALSE(written.error().is_permanent());
        }
        REQUIRE(is_marked(path) == written.has_value());
        REQUIRE(test::open_descriptors() == descriptors);
        if (was_last) break;
      }
    }
  }
}

TEST_CASE("failing calls: Q2 a record of the bounce log is there or the queue manager is told", "[queue][faults]") {
  BounceRecord record;
  record.recipient.address = "x@example.net";
  record.reason = "no such user";
  for (int error : test::kDiskErrors) {
    for (int number = 1;; ++number) {
      CAPTURE(error, number);
      test::TempDirectory root;
      const std::string path = root / "ABCDEF1";
      REQUIRE(append_bounce_records(path, std::vector{record}));
      FailingCalls failing(number, error);
      Result<> written;
      {
        fs::ScopedCalls scope(failing);
        written = append_bounce_records(path, std::vector{record, record});
      }
      if (!written) REQUIRE_FALSE(written.error().is_permanent());
      REQUIRE(append_bounce_records(path, std::vector{record}));  // the try after it
      std::string log = *fs::read_file(path, 1 << 20);
      BounceLogReader reader(log);
      size_t records = 0;
      while (auto found = reader.next()) {
        REQUIRE(found->reason == "no such user");
        ++records;
      }
      if (written) REQUIRE(records == 4);
      REQUIRE(records >= 2);
      if (failing.made() < number) {
        REQUIRE(written);
        break;
      }
    }
  }
}

TEST_CASE("failing calls: Q2 a message that moves is in one place, a file that is replaced is the old or the new one",
          "[queue][faults]") {
  for (int error : test::kDiskErrors) {
    for (int number = 1;; ++number) {
      CAPTURE(error, number);
      test::TempDirectory root;
      QueueDirectories spool(root.path(), {});
      REQUIRE(spool.make_all());
      REQUIRE(write_message(spool, "ABCDEF1", 10));
      REQUIRE(fs::replace_file(root / "table", "old", 0644));
      FailingCalls failing(number, error);
      Result<> replaced;
      {
        fs::ScopedCalls scope(failing);
        (void)spool.move("ABCDEF1", QueueName::incoming, QueueName::active);
        (void)spool.move("ABCDEF1", QueueName::active, QueueName::deferred);
        replaced = fs::replace_file(root / "table", "new", 0644);
      }
      auto where = spool.find("ABCDEF1");
      REQUIRE(where);
      REQUIRE(is_whole(spool.path(*where, "ABCDEF1")));
      std::string table = *fs::read_file(root / "table", 100);
      REQUIRE((table == "new" || (!replaced && table == "old")));
      size_t names = 0;
      for (const auto& entry : std::filesystem::directory_iterator(root.path())) names += entry.is_regular_file();
      REQUIRE(names <= 2);  // the temporary one stays only when removing it is what failed
      if (failing.made() < number) {
        REQUIRE(names == 1);
        break;
      }
    }
  }
}
