// What a power cut or a failing disk may do to a delivery: the calls are recorded, and each of them is made to fail.
#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <mutex>

#include "libcommon/fs/calls.h"
#include "libcommon/mailbox/maildir_delivery.h"
#include "libcommon/mailbox/mbox_delivery.h"
#include "tests/mailbox/mailbox_fixture.h"

using namespace umaya;
using namespace umaya::mailbox;
using namespace umaya::mailbox::fixture;

namespace {

// Knows which inodes have bytes that are not flushed, and which directories have names that are not.
class Journal : public fs::Calls {
 public:
  ssize_t write(int fd, const void* data, size_t size) override {
    std::lock_guard lock(mutex_);
    unsynced[inode(fd)] = true;
    return Calls::write(fd, data, size);
  }
  int fsync(int fd) override {
    std::lock_guard lock(mutex_);
    unsynced[inode(fd)] = false;
    return Calls::fsync(fd);
  }
  int linkat(int from_dir, const char* from, int to_dir, const char* to) override {
    struct stat status {};
    fstatat(from_dir, from, &status, AT_SYMLINK_NOFOLLOW);
    if (unsynced[status.st_ino]) published_unsynced = true;
    unsynced[inode(to_dir)] = true;
    return Calls::linkat(from_dir, from, to_dir, to);
  }
  int mkdirat(int dir, const char* path, mode_t mode) override {
    unsynced[inode(dir)] = true;
    return Calls::mkdirat(dir, path, mode);
  }
  bool all_synced() const {
    return std::none_of(unsynced.begin(), unsynced.end(), [](const auto& entry) { return entry.second; });
  }
  std::map<ino_t, bool> unsynced;
  bool published_unsynced = false;

 private:
  static ino_t inode(int fd) {
    struct stat status {};
    ::fstat(fd, &status);
    return status.st_ino;
  }
  std::mutex mutex_;  // files are flushed side by side
};

// The call of this number fails.
class Failing : public fs::Calls {
 public:
  Failing(int number, int error) : number_(number), error_(error) {}
  int openat(int dir, const char* path, int flags, mode_t mode) override {
    return fail() ? -1 : Calls::openat(dir, path, flags, mode);
  }
  ssize_t write(int fd, const void* data, size_t size) override {
    if (!fail()) return Calls::write(fd, data, size);
    int error = errno;
    if (size > 1) (void)Calls::write(fd, data, size / 2);  // a part of it had got there
    errno = error;
    return -1;
  }
  int ftruncate(int fd, off_t size) override { return Calls::ftruncate(fd, size); }
  int fsync(int fd) override { return fail() ? -1 : Calls::fsync(fd); }
  int linkat(int from_dir, const char* from, int to_dir, const char* to) override {
    return fail() ? -1 : Calls::linkat(from_dir, from, to_dir, to);
  }
  int unlinkat(int dir, const char* path, int flags) override {
    return fail() ? -1 : Calls::unlinkat(dir, path, flags);
  }
  int mkdirat(int dir, const char* path, mode_t mode) override { return fail() ? -1 : Calls::mkdirat(dir, path, mode); }
  int made() const { return made_; }

 private:
  bool fail() {
    if (++made_ != number_) return false;
    errno = error_;
    return true;
  }
  int number_;
  int error_;
  std::atomic<int> made_ = 0;
};

}  // namespace

TEST_CASE("durability: promise 7, L11 nothing is published or reported before it is flushed, directories included",
          "[mailbox]") {
  Directory home;
  Message message("Subject: x\r\n\r\nbody\r\n");
  Journal journal;
  fs::ScopedCalls scope(journal);
  auto box = Maildir::open(home.fd(), "deep/Maildir/");
  REQUIRE(box);
  REQUIRE(journal.all_synced());
  std::vector<MailboxMessage> mails(5, message.mail());
  for (auto& result : box->deliver(mails)) REQUIRE(result);
  REQUIRE_FALSE(journal.published_unsynced);
  REQUIRE(journal.all_synced());
  std::vector<MboxMessage> mbox{{message.mail(), "a@x"}};
  REQUIRE(deliver_mbox(home.fd(), "kim", {}, mbox)[0]);
  journal.unsynced.erase(0);
  struct stat status {};
  fstatat(home.fd(), "kim", &status, 0);
  REQUIRE_FALSE(journal.unsynced[status.st_ino]);
}

TEST_CASE("durability: L9 whichever call fails, a Maildir holds exactly what was reported", "[mailbox]") {
  int error = GENERATE(EIO, ENOSPC, EDQUOT, EROFS);
  Message one("Subject: one\r\n\r\n");
  Message two("Subject: two\r\n\r\n");
  for (int number = 1;; ++number) {
    CAPTURE(number, error);
    Directory home;
    Failing failing(number, error);
    size_t good = 0;
    {
      fs::ScopedCalls scope(failing);
      auto box = Maildir::open(home.fd(), "Maildir/");
      std::vector<MailboxMessage> mails{one.mail(), two.mail()};
      if (box) {
        for (auto& result : box->deliver(mails)) {
          good += result.has_value();
          if (!result) REQUIRE_FALSE(result.error().is_permanent());
        }
      } else {
        REQUIRE_FALSE(box.error().is_permanent());
      }
    }
    std::error_code ignored;
    bool made = std::filesystem::exists(home.path("Maildir/new"), ignored);
    auto names = made ? home.list("Maildir/new") : std::vector<std::string>();
    REQUIRE(names.size() >= good);
    REQUIRE(names.size() <= good + 1);  // one more only when removing it is what failed
    for (const std::string& name : names) {
      std::string text = home.read("Maildir/new/" + name);
      REQUIRE((text == "Subject: one\n\n" || text == "Subject: two\n\n"));
    }
    if (failing.made() < number) {
      REQUIRE(good == 2);
      break;
    }
  }
}

TEST_CASE("durability: L9 whichever call fails, an mbox holds exactly what was reported", "[mailbox]") {
  int error = GENERATE(EIO, ENOSPC, EDQUOT, EROFS);
  Message message("Subject: one\r\n\r\n");
  MboxRules rules;
  rules.lock_attempts = 1;
  for (int number = 1;; ++number) {
    CAPTURE(number, error);
    Directory spool;
    spool.write("kim", "old\n\n");
    Failing failing(number, error);
    bool good = false;
    {
      fs::ScopedCalls scope(failing);
      std::vector<MboxMessage> mails{{message.mail(), "a@x"}};
      Result<> result = deliver_mbox(spool.fd(), "kim", rules, mails)[0];
      good = result.has_value();
      if (!good) REQUIRE_FALSE(result.error().is_permanent());
    }
    std::string text = spool.read("kim");
    if (good) {
      REQUIRE(text.ends_with("Subject: one\n\n\n"));
    } else {
      REQUIRE(text == "old\n\n");
    }
    if (failing.made() < number) {
      REQUIRE(good);
      break;
    }
  }
}
