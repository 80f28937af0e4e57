#include "libcommon/mailbox/mbox_delivery.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <utime.h>

#include <catch2/catch.hpp>

#include "libcommon/mailbox/delivery_file.h"
#include "tests/mailbox/mailbox_fixture.h"

using namespace umaya;
using namespace umaya::mailbox;
using namespace umaya::mailbox::fixture;
using namespace std::chrono_literals;

namespace {

MboxRules quick() {
  MboxRules rules;
  rules.owner = getuid();
  rules.lock_attempts = 2;
  rules.lock_delay = 10ms;
  return rules;
}

Result<> deliver_one(const Directory& spool, const Message& message, const MboxRules& rules, uint64_t limit = 0) {
  std::vector<MboxMessage> mails{{message.mail("Return-Path: <a@x>\n", limit), "a@x"}};
  return deliver_mbox(spool.fd(), "kim", rules, mails)[0];
}

bool refused(const Result<>& result) {
  return !result && !result.error().is_permanent();
}

}  // namespace

TEST_CASE("mbox: L15 messages are separated and quoted whatever the file ended in", "[mailbox][mbox]") {
  auto [before, glue] =
      GENERATE(table<const char*, const char*>({{"", ""}, {"x", "\n\n"}, {"x\n", "\n"}, {"x\n\n", ""}, {"\n", ""}}));
  Directory spool;
  if (*before) spool.write("kim", before);
  Message message("Subject: hi\r\n\r\nFrom here\r\n>From there");
  REQUIRE(deliver_one(spool, message, quick()));
  std::string text = spool.read("kim");
  std::string start = std::string(before) + glue + "From a@x ";
  REQUIRE(text.starts_with(start));
  text.erase(0, text.find('\n', start.size()) + 1);
  REQUIRE(text == "Return-Path: <a@x>\nSubject: hi\n\n>From here\n>>From there\n\n");
  REQUIRE(spool.list("") == std::vector<std::string>{"kim"});
}

TEST_CASE("mbox: where each message begins is told", "[mailbox][mbox]") {
  Directory spool;
  spool.write("kim", "old");
  Message message("Subject: hi\r\n\r\nx\r\n");
  std::vector<MboxMessage> mails{{message.mail(), "a@x"}, {message.mail(), "b@x"}};
  std::vector<uint64_t> begins;
  auto results = deliver_mbox(spool.fd(), "kim", quick(), mails, &begins);
  REQUIRE(results[0]);
  REQUIRE(results[1]);
  std::string text = spool.read("kim");
  REQUIRE(begins.size() == 2);
  CHECK(text.substr(begins[0]).starts_with("From a@x "));
  CHECK(text.substr(begins[1]).starts_with("From b@x "));
}

TEST_CASE("mbox: a From line has one line and one word for the sender", "[mailbox][mbox]") {
  setenv("TZ", "UTC", 1);
  tzset();
  REQUIRE(from_line("", 1795321083) == "From MAILER-DAEMON Sun Nov 22 04:18:03 2026\n");
  REQUIRE(from_line("a b\nc@x", 0) == "From a_b?c@x Thu Jan  1 00:00:00 1970\n");
}

TEST_CASE("mbox: L1 links, directories, FIFOs, devices and other people's files are refused", "[mailbox][mbox]") {
  Directory spool;
  Message message("a: b\r\n\r\n");
  spool.write("target", "secret");
  std::string box = spool.path("kim");
  SECTION("symbolic link") {
    REQUIRE(symlink("target", box.c_str()) == 0);
  }
  SECTION("dangling symbolic link") {
    REQUIRE(symlink("nothing", box.c_str()) == 0);
  }
  SECTION("hard link") {
    REQUIRE(link(spool.path("target").c_str(), box.c_str()) == 0);
  }
  SECTION("FIFO") {
    REQUIRE(mkfifo(box.c_str(), 0600) == 0);
  }
  SECTION("directory") {
    REQUIRE(mkdir(box.c_str(), 0700) == 0);
  }
  REQUIRE(refused(deliver_one(spool, message, quick())));
  REQUIRE(spool.read("target") == "secret");
}

TEST_CASE("mbox: L1 strict ownership refuses a file of another user", "[mailbox][mbox]") {
  Directory spool;
  Message message("a: b\r\n\r\n");
  spool.write("kim", "");
  MboxRules rules = quick();
  rules.owner = getuid() + 1;
  REQUIRE(refused(deliver_one(spool, message, rules)));
  REQUIRE(spool.read("kim").empty());
}

TEST_CASE("mbox: L9 a write that fails is cut off again, others in the batch stay", "[mailbox][mbox]") {
  Directory spool;
  spool.write("kim", "old\n\n");
  Message big(std::string(500'000, 'x'));
  Message small("a: b\r\n\r\n");
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit limit{300'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  std::vector<MboxMessage> mails{{small.mail(), "a@x"}, {big.mail(), "b@x"}, {small.mail(), "c@x"}};
  auto results = deliver_mbox(spool.fd(), "kim", quick(), mails);
  setrlimit(RLIMIT_FSIZE, &before);
  REQUIRE(results[0]);
  REQUIRE(refused(results[1]));
  REQUIRE(results[1].error().dsn == "4.2.2");
  REQUIRE(results[2]);
  std::string text = spool.read("kim");
  REQUIRE(text.find("b@x") == text.npos);
  REQUIRE(text.find("From c@x") != text.npos);
}

TEST_CASE("mbox: L9 L10 a flush that fails cuts the file back to its old length", "[mailbox][mbox]") {
  Directory spool;
  spool.write("kim", "old\n\n");
  Message message("a: b\r\n\r\n");
  fail_fsync(1);
  REQUIRE(refused(deliver_one(spool, message, quick())));
  REQUIRE(spool.read("kim") == "old\n\n");
}

TEST_CASE("mbox: the size limit is the end of it", "[mailbox][mbox]") {
  Directory spool;
  spool.write("kim", "old\n\n");
  Message message(std::string(100, 'x'));
  auto result = deliver_one(spool, message, quick(), 100);
  REQUIRE_FALSE(result);
  REQUIRE(result.error().is_permanent());
  REQUIRE(result.error().dsn == "5.2.2");
  REQUIRE(spool.read("kim") == "old\n\n");
  REQUIRE(deliver_one(spool, message, quick(), 300));
}

TEST_CASE("mbox: L14 a lock that stays defers after a bounded wait, a stale one is broken", "[mailbox][mbox]") {
  Directory spool;
  Message message("a: b\r\n\r\n");
  spool.write("kim.lock", std::to_string(getpid()));
  REQUIRE(refused(deliver_one(spool, message, quick())));
  utimbuf old{0, 0};
  utime(spool.path("kim.lock").c_str(), &old);
  REQUIRE(refused(deliver_one(spool, message, quick())));  // old, but its owner lives
  spool.write("kim.lock", "2147483000\n");
  REQUIRE(refused(deliver_one(spool, message, quick())));  // its owner is dead, but it is young
  utime(spool.path("kim.lock").c_str(), &old);
  REQUIRE(deliver_one(spool, message, quick()));
  REQUIRE(spool.list("") == std::vector<std::string>{"kim"});
}

TEST_CASE("mbox: L14 an fcntl lock of another process defers", "[mailbox][mbox]") {
  Directory spool;
  Message message("a: b\r\n\r\n");
  spool.write("kim", "");
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t child = fork();
  if (child == 0) {
    int fd = open(spool.path("kim").c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    fcntl(fd, F_SETLK, &lock);
    if (write(ready[1], "x", 1) < 0) _exit(1);
    pause();
    _exit(0);
  }
  char byte;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  REQUIRE(refused(deliver_one(spool, message, quick())));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  REQUIRE(deliver_one(spool, message, quick()));
}

TEST_CASE("mbox: L14 writers side by side never interleave", "[mailbox][mbox]") {
  Directory spool;
  constexpr int kWriters = 4;
  constexpr int kEach = 25;
  for (int writer = 0; writer < kWriters; ++writer) {
    if (fork() != 0) continue;
    Message message("N: " + std::to_string(writer) + "\r\n\r\n" + std::string(5000, static_cast<char>('a' + writer)));
    MboxRules rules = quick();
    rules.lock_attempts = 10'000;
    rules.lock_delay = 1ms;
    int failed = 0;
    for (int i = 0; i < kEach; ++i) failed += deliver_one(spool, message, rules) ? 0 : 1;
    _exit(failed);
  }
  for (int writer = 0; writer < kWriters; ++writer) {
    int status = 0;
    wait(&status);
    REQUIRE(status == 0);
  }
  std::string text = spool.read("kim");
  size_t found = 0;
  for (char c = 'a'; c < 'a' + kWriters; ++c) {
    std::string body = "\n\n" + std::string(5000, c) + "\n\n";
    for (size_t at = text.find(body); at != text.npos; at = text.find(body, at + 1)) ++found;
  }
  REQUIRE(found == kWriters * kEach);
  REQUIRE(spool.list("") == std::vector<std::string>{"kim"});
}

TEST_CASE("mbox: L14 a directory in which no dotlock can be made defers only where it must", "[mailbox][mbox]") {
  if (getuid() != 0) return;  // needs another user's rights
  Directory spool;
  spool.write("kim", "");
  REQUIRE(chown(spool.path("kim").c_str(), 65534, 65534) == 0);
  REQUIRE(chmod(spool.path().c_str(), 0755) == 0);
  pid_t child = fork();
  if (child == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(9);
    Message message("a: b\r\n\r\n");
    MboxRules rules = quick();
    bool required = refused(deliver_one(spool, message, rules));
    rules.dotlock = DotlockNeed::if_possible;
    bool possible = deliver_one(spool, message, rules).has_value();
    _exit((required ? 0 : 1) + (possible ? 0 : 2));
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WEXITSTATUS(status) == 0);
}

TEST_CASE("mbox: L2 a name that is swapped all the time never leads to another user's file", "[mailbox][mbox]") {
  Directory spool;
  spool.write("victim", "secret");
  bool root = chown(spool.path("victim").c_str(), getuid() + 1, getgid()) == 0;
  Message message("a: b\r\n\r\n");
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 100'000; ++i) {
      unlink(spool.path("kim").c_str());
      if (symlink("victim", spool.path("kim").c_str()) < 0) continue;
      unlink(spool.path("kim").c_str());
      if (root && link(spool.path("victim").c_str(), spool.path("kim").c_str()) < 0) continue;
    }
    _exit(0);
  }
  MboxRules rules = quick();
  rules.lock_attempts = 1;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) (void)deliver_one(spool, message, rules);
  bool untouched = spool.read("victim") == "secret";
  REQUIRE(untouched);
}
