#include "tests/support/power_cut.h"

#include <catch2/catch.hpp>

#include "libcommon/fs/file.h"
#include "libcommon/mailbox/maildir_delivery.h"
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

enum class Found : unsigned char { nothing, whole, damaged };

/// What recovery finds: a file with the mark has to be whole, one without it counts if it is.
Found look(const std::string& path) {
  struct stat status;
  auto fd = fs::open_safe(path, O_RDONLY, status);
  if (!fd) return Found::nothing;
  auto reader = MessageReader::open(fd->get());
  if (reader && reader->info().recipient_count == 2) return Found::whole;
  return (status.st_mode & mode::kReadyBit) == 0 ? Found::nothing : Found::damaged;
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
  REQUIRE(mark_complete(done->get()));
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

namespace {

/// Knows nothing of the directory new/: what a mailer without a sync of it would leave.
class ForgetfulOfNew : public PowerCut {
 public:
  using PowerCut::PowerCut;
  int fsync(int fd) override {
    std::string path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
    return path.ends_with("/new") ? 0 : PowerCut::fsync(fd);
  }
};

/// From the queue into a Maildir and out of the queue, as become and the queue manager do it. Gives the steps of the
/// acknowledgement.
size_t take_the_whole_way(PowerCut& model, const std::string& root) {
  QueueDirectories spool(root, {});
  fs::ScopedCalls scope(model);
  write_message(spool, "ABCDEF1", 10, Skip::nothing);
  size_t acknowledged = model.steps();
  REQUIRE(spool.move("ABCDEF1", QueueName::incoming, QueueName::active));
  for (QueueName queue : {QueueName::active, QueueName::incoming}) REQUIRE(spool.sync_name(queue, "ABCDEF1"));
  const std::string path = spool.path(QueueName::active, "ABCDEF1");
  auto file = fs::open_safe(path, O_RDWR);
  REQUIRE(file);
  auto reader = MessageReader::open(file->get());
  REQUIRE(reader);
  Fd home(::open((root + "/home").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto box = mailbox::Maildir::open(home.get(), "Maildir/");
  REQUIRE(box);
  std::vector<mailbox::MailboxMessage> mails{
      {{file->get(), reader->info().content_offset, reader->info().content_size}, "", 0, "KEY"}};
  REQUIRE(box->deliver(mails)[0]);
  REQUIRE(fs::remove(path));
  REQUIRE(fs::sync_directory(fs::parent_directory(path)));
  return acknowledged;
}

/// The states in which the message is neither in the queue nor in the mailbox; stops at one that is torn.
size_t states_without_the_message(PowerCut& model, size_t acknowledged, const std::string& other) {
  size_t lost = 0;
  for (size_t k = acknowledged; k <= model.steps(); ++k) {
    for (Survivors survivors : kAll) {
      model.rebuild(k, survivors, other);
      CAPTURE(k, static_cast<int>(survivors));
      QueueDirectories left(other, {});
      auto where = left.find("ABCDEF1");
      bool is_queued = where && look(left.path(*where, "ABCDEF1")) == Found::whole;
      size_t delivered = 0;
      std::error_code none;
      for (const auto& entry : std::filesystem::directory_iterator(other + "/home/Maildir/new", none)) {
        REQUIRE(fs::read_file(entry.path(), 1000).value_or("") == std::string(10, 'x') + "\n");
        ++delivered;
      }
      REQUIRE(delivered <= 1);
      lost += !is_queued && delivered == 0;
    }
  }
  return lost;
}

}  // namespace

TEST_CASE("power cut: Q6 all that was not synced is lost, and an accepted message is in the queue or in the mailbox",
          "[queue][power_cut]") {
  for (bool forgets : {false, true}) {
    test::TempDirectory root, other;
    std::filesystem::create_directory(root / "home");
    REQUIRE(QueueDirectories(root.path(), {}).make_all());
    auto model = forgets ? std::make_unique<ForgetfulOfNew>(root.path()) : std::make_unique<PowerCut>(root.path());
    size_t acknowledged = take_the_whole_way(*model, root.path());
    size_t lost = states_without_the_message(*model, acknowledged, other.path());
    if (forgets) {
      CHECK(lost > 0);  // or the test sees nothing
    } else {
      CHECK(lost == 0);
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
