#include "tests/support/power_cut.h"

#include <catch2/catch.hpp>

#include "libcommon/fs/file.h"
#include "libcommon/queue/bounce_log.h"
#include "libcommon/queue/directories.h"
#include "libcommon/queue/message_file.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::queue;
using test::PowerCut;
using test::Survivors;

namespace {

constexpr Survivors kAll[] = {Survivors::synced, Survivors::names_and_synced, Survivors::everything};

/// How many of the pending recipients and complete messages are found after recovery.
enum class Found : unsigned char { nothing, whole, damaged };

Found look(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) < 0 || (status.st_mode & mode::kReadyBit) == 0) return Found::nothing;
  auto fd = fs::open_safe(path);
  if (!fd) return Found::damaged;
  auto reader = MessageReader::open(fd->get());
  return reader && reader->info().recipient_count == 2 ? Found::whole : Found::damaged;
}

/// Writes a message as cleanup does. skip: leaves one of the two syncs out, to see that the test sees it.
enum class Skip : unsigned char { nothing, file, directory };
void write_message(const QueueDirectories& spool, const std::string& id, size_t text, Skip skip) {
  auto fd = spool.create(QueueName::incoming, id);
  REQUIRE(fd);
  Envelope envelope;
  envelope.sender = "a@example.org";
  MessageWriter writer(std::move(*fd), envelope);
  REQUIRE(writer.add_recipient({"x@example.net", "", "", 0}));
  REQUIRE(writer.append(std::string(text, 'x')));
  REQUIRE(writer.add_recipient({"y@example.net", "", "", 0}));
  auto done = writer.finish();
  REQUIRE(done);
  if (skip != Skip::file) REQUIRE(fs::sync(done->get()));
  if (skip != Skip::directory) REQUIRE(spool.sync_name(QueueName::incoming, id));
}

bool is_lost_after_acknowledgement(size_t text, Skip skip) {
  test::TempDirectory root, other;
  QueueDirectories spool(root.path(), {.names = {"incoming"}, .depth = 2});
  REQUIRE(spool.make_all());
  PowerCut model(root.path());
  fs::ScopedCalls scope(model);
  write_message(spool, "ABCDEF1", text, skip);
  for (Survivors survivors : kAll) {
    model.rebuild(model.steps(), survivors, other.path());
    QueueDirectories left(other.path(), {.names = {"incoming"}, .depth = 2});
    if (look(left.path(QueueName::incoming, "ABCDEF1")) != Found::whole) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("power cut: Q4, Q5 a message is whole or not there after any step, and whole once it was acknowledged",
          "[queue][power_cut]") {
  for (size_t text : {size_t{10}, size_t{200'000}}) {
    test::TempDirectory root, other;
    QueueDirectories spool(root.path(), {.names = {"incoming"}, .depth = 2});
    REQUIRE(spool.make_all());
    PowerCut model(root.path());
    fs::ScopedCalls scope(model);
    write_message(spool, "ABCDEF1", text, Skip::nothing);
    QueueDirectories left(other.path(), {.names = {"incoming"}, .depth = 2});
    for (size_t k = 0; k <= model.steps(); ++k) {
      for (Survivors survivors : kAll) {
        model.rebuild(k, survivors, other.path());
        Found found = look(left.path(QueueName::incoming, "ABCDEF1"));
        CAPTURE(k, static_cast<int>(survivors));
        REQUIRE(found != Found::damaged);
        if (k == model.steps()) REQUIRE(found == Found::whole);
      }
    }
  }
}

TEST_CASE("power cut: the test sees a missing sync of the file or of its directory", "[queue][power_cut]") {
  CHECK_FALSE(is_lost_after_acknowledgement(10, Skip::nothing));
  CHECK(is_lost_after_acknowledgement(10, Skip::file));
  CHECK(is_lost_after_acknowledgement(10, Skip::directory));
}

TEST_CASE("power cut: promise 3 a message that moves is in one of the two places", "[queue][power_cut]") {
  test::TempDirectory root, other;
  QueueDirectories spool(root.path(), {});
  REQUIRE(spool.make_all());
  PowerCut model(root.path());
  fs::ScopedCalls scope(model);
  write_message(spool, "ABCDEF1", 10, Skip::nothing);
  size_t acknowledged = model.steps();
  REQUIRE(spool.move("ABCDEF1", QueueName::incoming, QueueName::active));
  REQUIRE(spool.move("ABCDEF1", QueueName::active, QueueName::deferred));
  QueueDirectories left(other.path(), {});
  for (size_t k = acknowledged; k <= model.steps(); ++k) {
    for (Survivors survivors : kAll) {
      model.rebuild(k, survivors, other.path());
      REQUIRE(left.find("ABCDEF1"));
      REQUIRE(look(left.path(*left.find("ABCDEF1"), "ABCDEF1")) == Found::whole);
    }
  }
}

TEST_CASE("power cut: promise 2 a recipient that is marked as bounced stands in the bounce log", "[queue][power_cut]") {
  test::TempDirectory root, other;
  QueueDirectories spool(root.path(), {});
  REQUIRE(spool.make_all());
  PowerCut model(root.path());
  fs::ScopedCalls scope(model);
  write_message(spool, "ABCDEF1", 10, Skip::nothing);
  std::string path = spool.path(QueueName::incoming, "ABCDEF1");
  auto fd = fs::open_safe(path, O_RDWR);
  REQUIRE(fd);
  auto reader = MessageReader::open(fd->get());
  REQUIRE(reader);
  RecipientCursor cursor;
  auto recipients = reader->read_recipients(cursor, 2);
  REQUIRE(recipients);
  for (const auto& recipient : *recipients) {
    BounceRecord record;
    record.recipient = recipient;
    record.reason = "no such user";
    REQUIRE(append_bounce_records(spool.path(QueueName::bounce, "ABCDEF1"), std::vector{record}));
    REQUIRE(mark_recipient(fd->get(), recipient.offset, RecipientState::bounced));
    REQUIRE(fs::sync_data(fd->get()));
  }
  for (size_t k = 0; k <= model.steps(); ++k) {
    for (Survivors survivors : kAll) {
      model.rebuild(k, survivors, other.path());
      auto file = fs::open_safe(other / "incoming/ABCDEF1");
      auto left = file ? MessageReader::open(file->get()) : std::unexpected(file.error());
      if (!left) continue;  // not acknowledged yet
      std::string log = fs::read_file(other / "bounce/ABCDEF1", 1 << 20).value_or("");
      BounceLogReader logged(log);
      size_t records = 0, marked = 0;
      while (logged.next()) ++records;
      RecipientCursor again;
      auto stored = left->read_recipients(again, 2);
      REQUIRE(stored);
      for (const auto& recipient : *stored) marked += recipient.state == RecipientState::bounced;
      CAPTURE(k, static_cast<int>(survivors), log);
      REQUIRE(records >= marked);
    }
  }
}
