// L21: limits of ours and of the file system, at the limit and side by side.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "libcommon/fs/calls.h"
#include "libcommon/mailbox/maildir_delivery.h"
#include "libcommon/mailbox/mbox_delivery.h"
#include "tests/mailbox/mailbox_fixture.h"

using namespace umaya;
using namespace umaya::mailbox;
using namespace umaya::mailbox::fixture;
using namespace std::chrono_literals;

namespace {

Result<> to_mbox(const Directory& spool, const Message& message, uint64_t limit) {
  MboxRules rules;
  rules.lock_attempts = 10'000;
  rules.lock_delay = 1ms;
  std::vector<MboxMessage> mails{{message.mail("Return-Path: <a@x>\n", limit), "a@x"}};
  return deliver_mbox(spool.fd(), "kim", rules, mails)[0];
}

// A file system without room: writes fail, or the flush of what was taken does (as with delayed allocation).
class NoRoom : public fs::Calls {
 public:
  enum class At { write, flush };
  NoRoom(At at, int error) : at_(at), error_(error) {}
  ssize_t write(int fd, const void* data, size_t size) override {
    return at_ == At::write ? (errno = error_, -1) : Calls::write(fd, data, size);
  }
  int fsync(int fd) override { return at_ == At::flush ? (errno = error_, -1) : Calls::fsync(fd); }

 private:
  At at_;
  int error_;
};

}  // namespace

TEST_CASE("quota: L21 a message that fills an mbox to its limit is taken, one byte more is not", "[mailbox][mbox]") {
  Message message("Subject: hi\r\n\r\n" + std::string(500, 'x'));
  Directory measure;
  REQUIRE(to_mbox(measure, message, 0));
  const uint64_t size = measure.read("kim").size();
  Directory spool;
  spool.write("kim", "old\n\n");
  auto refused = to_mbox(spool, message, 5 + size - 1);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().is_permanent());
  CHECK(refused.error().dsn == "5.2.2");
  CHECK(spool.read("kim") == "old\n\n");
  REQUIRE(to_mbox(spool, message, 5 + size));
  CHECK(spool.read("kim").size() == 5 + size);
}

TEST_CASE("quota: L21 the quota of an mbox is the size of its file, and the mail waits", "[mailbox][mbox]") {
  Message message("Subject: hi\r\n\r\n" + std::string(500, 'x'));
  Directory measure;
  REQUIRE(to_mbox(measure, message, 0));
  const uint64_t size = measure.read("kim").size();
  Directory spool;
  auto deliver = [&](uint64_t quota) {
    std::vector<MboxMessage> mails{{message.mail("Return-Path: <a@x>\n"), "a@x"}};
    mails[0].message.quota.bytes = quota;
    return deliver_mbox(spool.fd(), "kim", MboxRules(), mails)[0];
  };
  REQUIRE(deliver(2 * size));
  auto refused = deliver(2 * size - 1);
  REQUIRE_FALSE(refused);
  CHECK_FALSE(refused.error().is_permanent());
  CHECK(refused.error().dsn == "4.2.2");
  CHECK(spool.read("kim").size() == size);
  REQUIRE(deliver(2 * size));
  CHECK(spool.read("kim").size() == 2 * size);
}

TEST_CASE("quota: L21 deliveries side by side fill an mbox to its limit and never beyond", "[mailbox][mbox]") {
  constexpr int kWriters = 6;
  constexpr uint64_t kFit = 9;
  Message message("Subject: hi\r\n\r\n" + std::string(5000, 'x'));
  Directory measure;
  REQUIRE(to_mbox(measure, message, 0));
  const uint64_t size = measure.read("kim").size();
  Directory spool;
  for (int writer = 0; writer < kWriters; ++writer) {
    if (fork() != 0) continue;
    int taken = 0;
    for (int i = 0; i < 4; ++i) taken += to_mbox(spool, message, kFit * size + size / 2) ? 1 : 0;
    _exit(taken);
  }
  uint64_t taken = 0;
  for (int writer = 0; writer < kWriters; ++writer) {
    int status = 0;
    wait(&status);
    REQUIRE(WIFEXITED(status));
    taken += static_cast<uint64_t>(WEXITSTATUS(status));
  }
  CHECK(taken == kFit);
  CHECK(spool.read("kim").size() == kFit * size);
}

TEST_CASE("quota: L21 a Maildir file may be as large as the limit", "[mailbox][maildir]") {
  Directory home;
  const std::string head = "Return-Path: <a@x>\n";
  Message message(std::string(1000, 'x'));  // its last line gets an end
  auto box = Maildir::open(home.fd(), "Maildir");
  REQUIRE(box);
  const uint64_t size = head.size() + 1001;
  std::vector<MailboxMessage> mails{message.mail(head, size), message.mail(head, size - 1)};
  auto results = box->deliver(mails);
  CHECK(results[0]);
  REQUIRE_FALSE(results[1]);
  CHECK(results[1].error().is_permanent());
  CHECK(results[1].error().dsn == "5.2.2");
  CHECK(home.list("Maildir/new").size() == 1);
}

TEST_CASE("quota: L21 a full disk is 4.3.1 and a used up quota 4.2.2, and the mail waits", "[mailbox]") {
  auto [error, dsn] = GENERATE(table<int, const char*>({{ENOSPC, "4.3.1"}, {EDQUOT, "4.2.2"}}));
  auto at = GENERATE(NoRoom::At::write, NoRoom::At::flush);
  CAPTURE(error, static_cast<int>(at));
  Message message("Subject: one\r\n\r\n");
  Directory home;
  home.write("kim", "old\n\n");
  auto box = Maildir::open(home.fd(), "Maildir");
  REQUIRE(box);
  NoRoom no_room(at, error);
  std::vector<MailboxMessage> mails{message.mail()};
  std::vector<Result<>> results;
  {
    fs::ScopedCalls scope(no_room);
    results.push_back(to_mbox(home, message, 0));
    results.push_back(box->deliver(mails)[0]);
  }
  for (const Result<>& result : results) {
    REQUIRE_FALSE(result);
    CHECK_FALSE(result.error().is_permanent());
    CHECK(result.error().dsn == dsn);
  }
  CHECK(home.read("kim") == "old\n\n");
  CHECK(home.list("Maildir/new").empty());
  CHECK(home.list("Maildir/tmp").empty());
}
