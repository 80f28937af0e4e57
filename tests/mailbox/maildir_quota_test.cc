// L21: the quota of a Maildir, at the limit, side by side, and where writing fails.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "libcommon/fs/calls.h"
#include "libcommon/mailbox/maildirsize.h"
#include "libcommon/mailbox/quota_reservation.h"
#include "tests/mailbox/mailbox_fixture.h"

using namespace umaya;
using namespace umaya::mailbox;
using namespace umaya::mailbox::fixture;

namespace {

constexpr uint64_t kOctets = 100;  // of each message's file

Message hundred() {
  return Message("Subject: x\r\n\r\n" + std::string(kOctets - 13, 'x') + "\r\n");
}

MailboxMessage with_key(const Message& message, std::string key) {
  MailboxMessage mail = message.mail();
  mail.key = std::move(key);
  return mail;
}

Maildir open_maildir(const Directory& home, const std::string& path = "Maildir") {
  auto box = Maildir::open(home.fd(), path);
  REQUIRE(box);
  // A count that runs while a directory is fresh is used, but not written: let there be a past.
  for (const char* name : {"/new", "/cur"}) {
    timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 100, 0}};
    ::utimensat(AT_FDCWD, (home.path(path) + name).c_str(), times, 0);
  }
  return std::move(*box);
}

std::vector<Result<>> deliver(Maildir& box, const std::vector<MailboxMessage>& mails, const QuotaLimits& limits) {
  return box.deliver(mails, limits);
}

size_t taken(const std::vector<Result<>>& results) {
  return static_cast<size_t>(std::count_if(results.begin(), results.end(), [](auto& r) { return r.has_value(); }));
}

uint64_t octets_in(const Directory& home, const std::string& folder) {
  uint64_t sum = 0;
  for (const std::string& name : home.list(folder)) sum += std::filesystem::file_size(home.path(folder + "/" + name));
  return sum;
}

MaildirSizeFile sums(const Directory& home, const std::string& path = "Maildir") {
  auto file = parse_maildirsize(home.read(path + "/maildirsize"));
  REQUIRE(file);
  return *file;
}

/// A disk that takes messages and no lines of maildirsize; every other part of a line is written.
class NoLines : public fs::Calls {
 public:
  explicit NoLines(int error) : error_(error) {}
  int openat(int dir, const char* path, int flags, mode_t mode) override {
    int fd = Calls::openat(dir, path, flags, mode);
    bool is_size_file = std::string_view(path).find("maildirsize") != std::string_view::npos;
    if (is_size_file) size_file_ = fd;
    if (!is_size_file && fd == size_file_) size_file_ = -1;
    return fd;
  }
  ssize_t write(int fd, const void* data, size_t size) override {
    if (fd != size_file_) return Calls::write(fd, data, size);
    if (size > 2) return Calls::write(fd, data, size / 2);
    return errno = error_, -1;
  }

 private:
  int error_;
  int size_file_ = -1;
};

/// The n-th link ends the process, before or after it was made.
class DieAtLink : public fs::Calls {
 public:
  enum class When { before, after };
  explicit DieAtLink(When when) : when_(when) {}
  int linkat(int from_dir, const char* from, int to_dir, const char* to) override {
    if (when_ == When::before) _exit(9);
    Calls::linkat(from_dir, from, to_dir, to);
    _exit(9);
  }

 private:
  When when_;
};

}  // namespace

TEST_CASE("maildir quota: L21 a message that fits to the octet is taken, one octet more is not", "[mailbox][quota]") {
  Message message = hundred();
  Directory home;
  Maildir box = open_maildir(home);
  REQUIRE(taken(deliver(box, {message.mail()}, {kOctets, 0})) == 1);
  CHECK(sums(home).bytes == kOctets);
  CHECK(home.read("Maildir/maildirsize").starts_with("100S\n"));
  auto refused = deliver(box, {message.mail()}, {2 * kOctets - 1, 0})[0];
  REQUIRE_FALSE(refused);
  CHECK_FALSE(refused.error().is_permanent());
  CHECK(refused.error().dsn == "4.2.2");
  CHECK(refused.error().what == "mailbox has no room for the message: 100 of 199 bytes are used");
  CHECK(home.list("Maildir/tmp").empty());
  CHECK(taken(deliver(box, {message.mail()}, {2 * kOctets, 0})) == 1);
  CHECK(home.list("Maildir/new").size() == 2);
  CHECK(octets_in(home, "Maildir/new") == 2 * kOctets);
}

TEST_CASE("maildir quota: L21 the messages of one batch count one by one", "[mailbox][quota]") {
  Message message = hundred();
  Message large("Subject: y\r\n\r\n" + std::string(5000, 'y') + "\r\n");
  Directory home;
  Maildir box = open_maildir(home);
  std::vector<MailboxMessage> batch{message.mail(), large.mail(), message.mail(), message.mail(), message.mail()};
  auto results = deliver(box, batch, {3 * kOctets + 50, 0});
  CHECK(results[0]);
  CHECK_FALSE(results[1]);
  CHECK(results[2]);
  CHECK(results[3]);
  CHECK_FALSE(results[4]);
  CHECK(sums(home).bytes == 300);
  CHECK(sums(home).messages == 3);
  auto by_number = deliver(box, {message.mail(), message.mail()}, {0, 4});
  CHECK(by_number[0]);
  REQUIRE_FALSE(by_number[1]);
  CHECK(by_number[1].error().what == "mailbox is full: it has 4 messages, its limit is 4");
  CHECK(home.list("Maildir/new").size() == 4);
}

TEST_CASE("maildir quota: L21 two deliverers at the limit, 500 messages each: no update is lost", "[mailbox][quota]") {
  constexpr uint64_t kFit = 700;
  Message message = hundred();
  Directory home;
  (void)open_maildir(home);
  for (int writer = 0; writer < 2; ++writer) {
    if (fork() != 0) continue;
    auto box = Maildir::open(home.fd(), "Maildir");
    size_t done = 0;
    for (int i = 0; i < 100; ++i) {
      std::vector<MailboxMessage> mails(5, message.mail());
      done += taken(box->deliver(mails, {kFit * kOctets + 99, 0}));
    }
    std::ofstream(home.path("taken" + std::to_string(writer))) << done;
    _exit(0);
  }
  for (int writer = 0; writer < 2; ++writer) wait(nullptr);
  size_t both = std::stoul(home.read("taken0")) + std::stoul(home.read("taken1"));
  CHECK(both == kFit);
  CHECK(home.list("Maildir/new").size() == kFit);
  CHECK(octets_in(home, "Maildir/new") == kFit * kOctets);
  CHECK(static_cast<uint64_t>(sums(home).bytes) == kFit * kOctets);
  CHECK(static_cast<uint64_t>(sums(home).messages) == kFit);
  CHECK(home.list("Maildir/tmp").empty());
}

TEST_CASE("maildir quota: L21 a delivery and removals side by side lose no line", "[mailbox][quota]") {
  constexpr int kMessages = 300;
  Message message = hundred();
  Directory home;
  Maildir box = open_maildir(home);
  REQUIRE(taken(deliver(box, {message.mail()}, {1'000'000, 0})) == 1);
  Fd root(::open(home.path("Maildir").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fork() == 0) {  // as pop3d does it
    int removed = 0;
    while (removed < kMessages) {
      for (const std::string& name : home.list("Maildir/new")) {
        auto lock = MaildirSizeLock::take(root.get());
        if (!lock || ::unlink(home.path("Maildir/new/" + name).c_str()) != 0) continue;
        (void)add_to_maildirsize(root.get(), -static_cast<int64_t>(kOctets), -1);
        if (++removed == kMessages) break;
      }
    }
    _exit(0);
  }
  for (int i = 0; i < kMessages; ++i) {
    REQUIRE(taken(deliver(box, {message.mail()}, {1'000'000, 0})) == 1);
    // Whoever counts while others deliver and remove.
    if (i % 10 == 0) {
      auto lock = MaildirSizeLock::take(root.get());
      auto size = MaildirSize::open(home.path("Maildir"), {1'000'000, 0});
      REQUIRE(size);
      if (i % 20 == 0) ::unlink(home.path("Maildir/maildirsize").c_str());
    }
  }
  wait(nullptr);
  auto size = MaildirSize::open(home.path("Maildir"), {1'000'000, 0});
  REQUIRE(size);
  CHECK(size->bytes() == octets_in(home, "Maildir/new"));
  CHECK(size->messages() == home.list("Maildir/new").size());
}

TEST_CASE("maildir quota: L21 a delivery that is tried again counts once, and needs no room", "[mailbox][quota]") {
  Message message = hundred();
  Directory home;
  Maildir box = open_maildir(home);
  const QuotaLimits limits{kOctets, 0};
  auto mail = with_key(message, "1.M1QABCK1");
  REQUIRE(taken(deliver(box, {mail}, limits)) == 1);
  CHECK(taken(deliver(box, {mail}, limits)) == 1);  // full, and there
  CHECK(taken(deliver(box, {mail}, {10 * kOctets, 0})) == 1);
  CHECK(taken(deliver(box, {mail}, {kOctets / 4, 0})) == 1);
  CHECK(taken(deliver(box, {with_key(message, "1.M1QABCK2")}, limits)) == 0);
  CHECK(taken(deliver(box, {with_key(message, "1.M1QABCK")}, limits)) == 0);
  CHECK(home.list("Maildir/new").size() == 1);
  CHECK(sums(home).bytes == static_cast<int64_t>(kOctets));
  CHECK(sums(home).messages == 1);
}

TEST_CASE("maildir quota: L21 a kill at the file's name never leaves a sum that is too low", "[mailbox][quota]") {
  auto when = GENERATE(DieAtLink::When::before, DieAtLink::When::after);
  CAPTURE(static_cast<int>(when));
  Message message = hundred();
  Directory home;
  Maildir box = open_maildir(home);
  const QuotaLimits limits{2 * kOctets, 0};
  auto mail = with_key(message, "1.M1QABCK1");
  REQUIRE(taken(deliver(box, {with_key(message, "1.M1QABCK0")}, limits)) == 1);
  if (fork() == 0) {
    DieAtLink dying(when);
    fs::ScopedCalls scope(dying);
    (void)box.deliver(std::vector{mail}, limits);
    _exit(0);
  }
  int status = 0;
  wait(&status);
  REQUIRE(WEXITSTATUS(status) == 9);
  CHECK(sums(home).bytes >= static_cast<int64_t>(octets_in(home, "Maildir/new")));
  REQUIRE(taken(deliver(box, {mail}, limits)) == 1);
  CHECK(octets_in(home, "Maildir/new") == 2 * kOctets);
  CHECK(home.list("Maildir/new").size() == 2);
  CHECK(taken(deliver(box, {message.mail()}, limits)) == 0);
}

TEST_CASE("maildir quota: L21 a line that cannot be written loses and doubles no mail", "[mailbox][quota]") {
  int error = GENERATE(ENOSPC, EDQUOT, EIO);
  Message message = hundred();
  Directory home;
  Maildir box = open_maildir(home);
  const QuotaLimits limits{3 * kOctets, 0};
  REQUIRE(taken(deliver(box, {message.mail()}, limits)) == 1);
  {
    NoLines no_lines(error);
    fs::ScopedCalls scope(no_lines);
    CHECK(taken(deliver(box, {message.mail()}, limits)) == 1);
  }
  CHECK_FALSE(std::filesystem::exists(home.path("Maildir/maildirsize")));  // half a line is no basis
  CHECK(home.list("Maildir/new").size() == 2);
  CHECK(taken(deliver(box, {message.mail(), message.mail()}, limits)) == 1);
  CHECK(octets_in(home, "Maildir/new") == 3 * kOctets);
}

TEST_CASE("maildir quota: L21 files that go again give their room back", "[mailbox][quota]") {
  Message message = hundred();
  Directory home;
  Maildir box = open_maildir(home);
  const QuotaLimits limits{kOctets, 0};
  fail_fsync(1, 1);  // the file is flushed, its directory is not
  auto failed = deliver(box, {message.mail()}, limits)[0];
  fail_fsync(0);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().dsn == "4.2.0");
  CHECK(home.list("Maildir/new").empty());
  CHECK(taken(deliver(box, {message.mail()}, limits)) == 1);
}

TEST_CASE("maildir quota: a folder counts with the Maildir that it lies in", "[mailbox][quota]") {
  Message message = hundred();
  Directory home;
  Maildir box = open_maildir(home);
  Maildir folder = open_maildir(home, "Maildir/.Lists");
  home.write("Maildir/.Lists/maildirfolder", "");
  const QuotaLimits limits{2 * kOctets, 0};
  CHECK(taken(deliver(box, {message.mail()}, limits)) == 1);
  CHECK(taken(deliver(folder, {message.mail()}, limits)) == 1);
  CHECK(taken(deliver(folder, {message.mail()}, limits)) == 0);
  CHECK(taken(deliver(box, {message.mail()}, limits)) == 0);
  CHECK_FALSE(std::filesystem::exists(home.path("Maildir/.Lists/maildirsize")));
  CHECK(sums(home).bytes == static_cast<int64_t>(2 * kOctets));
}

TEST_CASE("maildir quota: without limits a maildirsize of others gets its lines, and none is made",
          "[mailbox][quota]") {
  Message message = hundred();
  Directory home;
  Maildir box = open_maildir(home);
  REQUIRE(taken(deliver(box, {message.mail()}, {})) == 1);
  CHECK_FALSE(std::filesystem::exists(home.path("Maildir/maildirsize")));
  home.write("Maildir/maildirsize", "150S\n100 1\n");
  CHECK(taken(deliver(box, {message.mail(), message.mail()}, {})) == 2);
  CHECK(home.read("Maildir/maildirsize") == "150S\n100 1\n200 2\n");
}
