#include "libcommon/mailbox/maildir_delivery.h"

#include <sys/syscall.h>
#include <utime.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <set>

#include "libcommon/base/clock.h"
#include "libcommon/mailbox/delivery_file.h"
#include "tests/mailbox/mailbox_fixture.h"

using namespace umaya;
using namespace umaya::mailbox;
using namespace umaya::mailbox::fixture;

namespace {
std::atomic<int> fsyncs_to_pass = 0;
std::atomic<int> fsyncs_to_fail = 0;
}  // namespace

// Stands before libc's in this program.
extern "C" int fsync(int fd) {
  if (fsyncs_to_fail > 0 && fsyncs_to_pass-- <= 0) {
    --fsyncs_to_fail;
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

void umaya::mailbox::fixture::fail_fsync(int calls, int after) {
  fsyncs_to_fail = calls;
  fsyncs_to_pass = after;
}

TEST_CASE("maildir: a message arrives in new/ with its head and LF lines, and tmp/ is empty", "[mailbox][maildir]") {
  Directory home;
  Message message("Subject: hi\r\n\r\nFrom here\r\n");
  auto box = Maildir::open(home.fd(), "Maildir/");
  REQUIRE(box);
  std::vector<MailboxMessage> mails{message.mail(delivery_head({"a@x", "list@y", "kim@y"}))};
  auto results = box->deliver(mails);
  REQUIRE(results.size() == 1);
  REQUIRE(results[0]);
  REQUIRE(home.list("Maildir/tmp").empty());
  auto names = home.list("Maildir/new");
  REQUIRE(names.size() == 1);
  std::string text = home.read("Maildir/new/" + names[0]);
  REQUIRE(text == "Return-Path: <a@x>\nX-Original-To: list@y\nDelivered-To: kim@y\nSubject: hi\n\nFrom here\n");
  auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  REQUIRE(names[0].ends_with(",S=" + std::to_string(text.size()) + ",W=" + std::to_string(text.size() + lines)));
  struct stat status {};
  REQUIRE(stat(home.path("Maildir/new/" + names[0]).c_str(), &status) == 0);
  REQUIRE((status.st_mode & 07777) == 0600);
}

TEST_CASE("maildir: L13 names are unique in a batch, in one second, with the clock set back", "[mailbox][maildir]") {
  Directory home;
  Message message("a: b\r\n\r\n");
  auto box = Maildir::open(home.fd(), "Maildir");
  REQUIRE(box);
  std::vector<MailboxMessage> mails(100, message.mail());
  for (int round = 0; round < 3; ++round) {
    for (auto& result : box->deliver(mails)) REQUIRE(result);
    shift_wall_clock(-1'000'000);
  }
  shift_wall_clock(3'000'000);
  REQUIRE(home.list("Maildir/new").size() == 300);
}

TEST_CASE("maildir: a delivery that is tried again under its key makes no second file", "[mailbox][maildir]") {
  Directory home;
  Message message("Subject: once\r\n\r\nbody\r\n");
  auto box = Maildir::open(home.fd(), "Maildir/");
  REQUIRE(box);
  MailboxMessage mail = message.mail("Return-Path: <>\n");
  mail.key = "1795321083.M083120Q4F0A1BC23DEK0123456789abcdef";
  for (int attempt = 0; attempt < 3; ++attempt) REQUIRE(box->deliver({&mail, 1})[0]);
  CHECK(home.list("Maildir/new").size() == 1);
  CHECK(home.list("Maildir/tmp").empty());
  MailboxMessage other = message.mail("Return-Path: <>\n");
  other.key = mail.key + "0";
  REQUIRE(box->deliver({&other, 1})[0]);
  CHECK(home.list("Maildir/new").size() == 2);
}

TEST_CASE("maildir: L13 a host name cannot leave the directory or end the unique part", "[mailbox][maildir]") {
  REQUIRE(maildir_host_name("a/b:c,d") == "a\\057b\\072c\\054d");
  REQUIRE(maildir_host_name("") == "localhost");
}

TEST_CASE("maildir: L8 a home that is not there is a temporary error and is never made", "[mailbox][maildir]") {
  Directory home;
  auto base = open_base(home.path("gone"));
  REQUIRE_FALSE(base);
  REQUIRE_FALSE(base.error().is_permanent());
  REQUIRE(home.list("").empty());
}

TEST_CASE("maildir: L3 symbolic links do not lead out of the base", "[mailbox][maildir]") {
  Directory home;
  Directory elsewhere;
  std::filesystem::create_directory_symlink(elsewhere.path(), home.path("Maildir"));
  REQUIRE_FALSE(Maildir::open(home.fd(), "Maildir"));
  std::filesystem::remove(home.path("Maildir"));
  std::filesystem::create_directory(home.path("Maildir"));
  std::filesystem::create_directory_symlink(elsewhere.path(), home.path("Maildir/new"));
  REQUIRE_FALSE(Maildir::open(home.fd(), "Maildir"));
  REQUIRE_FALSE(Maildir::open(home.fd(), "../x"));
  REQUIRE_FALSE(Maildir::open(home.fd(), "a/../../x"));
  REQUIRE(elsewhere.list("").empty());
}

TEST_CASE("maildir: L9 L10 a flush that fails once leaves nothing behind and is temporary", "[mailbox][maildir]") {
  Directory home;
  Message message("a: b\r\n\r\n");
  auto box = Maildir::open(home.fd(), "Maildir");
  REQUIRE(box);
  std::vector<MailboxMessage> mails(3, message.mail());
  fail_fsync(1, 1);
  auto results = box->deliver(mails);
  auto failed = [](const Result<>& result) { return !result && !result.error().is_permanent(); };
  REQUIRE(std::count_if(results.begin(), results.end(), failed) == 1);
  REQUIRE(std::count_if(results.begin(), results.end(), [](auto& result) { return result.has_value(); }) == 2);
  REQUIRE(home.list("Maildir/new").size() == 2);
  REQUIRE(home.list("Maildir/tmp").empty());
  fail_fsync(1, 3);  // the directory's flush
  for (auto& result : box->deliver(mails)) REQUIRE_FALSE(result);
  REQUIRE(home.list("Maildir/new").size() == 2);
}

TEST_CASE("maildir: a message over the limit is refused for good and leaves nothing", "[mailbox][maildir]") {
  Directory home;
  Message message(std::string(1000, 'x'));
  auto box = Maildir::open(home.fd(), "Maildir");
  std::vector<MailboxMessage> mails{message.mail("", 1000), message.mail("", 1001)};
  auto results = box->deliver(mails);
  REQUIRE_FALSE(results[0]);
  REQUIRE(results[0].error().is_permanent());
  REQUIRE(results[0].error().dsn == "5.2.2");
  REQUIRE(results[1]);
  REQUIRE(home.list("Maildir/new").size() == 1);
  REQUIRE(home.list("Maildir/tmp").empty());
}

TEST_CASE("maildir: L12 old files in tmp/ go, young ones stay", "[mailbox][maildir]") {
  Directory home;
  REQUIRE(Maildir::open(home.fd(), "Maildir"));
  home.write("Maildir/tmp/young", "x");
  home.write("Maildir/tmp/old", "x");
  shift_wall_clock(int64_t{37} * 3600 * 1'000'000);
  home.write("Maildir/tmp/fresh", "x");
  utimbuf now{wall_seconds(), wall_seconds()};
  utime(home.path("Maildir/tmp/fresh").c_str(), &now);
  REQUIRE(Maildir::open(home.fd(), "Maildir"));
  shift_wall_clock(-int64_t{37} * 3600 * 1'000'000);
  REQUIRE(home.list("Maildir/tmp") == std::vector<std::string>{"fresh"});
}

TEST_CASE("maildir: L22 addresses add no header lines", "[mailbox][maildir]") {
  REQUIRE(delivery_head({"a\nX: y@x", "", "k\r\n\r\nim@y"}) == "Return-Path: <a?X: y@x>\nDelivered-To: k????im@y\n");
  REQUIRE(delivery_head({"", "", ""}) == "Return-Path: <>\n");
}
