#include "libcommon/mailbox/mbox/mbox_box.h"

#include <fcntl.h>

#include "libcommon/fs/lock.h"
#include "libcommon/mailbox/mbox_delivery.h"
#include "libcommon/mailbox/wire_size.h"
#include "tests/mailbox/box_fixture.h"
#include "tests/mailbox/mailbox_fixture.h"
#include "tests/support/failing_calls.h"
#include "tests/support/power_cut.h"

using namespace umaya;
using namespace umaya::mailbox;
using namespace umaya::mailbox::fixture;
using namespace std::chrono_literals;

namespace {

const std::string kFrom = "From a@x.test Sun Nov 22 04:18:03 2026\n";

std::string mail(const std::string& subject, const std::string& more = "") {
  return kFrom + "Subject: " + subject + "\nMessage-ID: <" + subject + "@x>\n" + more + "\nbody of " + subject + "\n\n";
}

std::vector<MboxMail> parsed(const std::string& text, size_t piece = SIZE_MAX) {
  MboxParser parser;
  for (size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at))
    parser.feed(std::string_view(text).substr(at, piece));
  parser.finish();
  REQUIRE(parser.is_mbox());
  return parser.mails();
}

void deliver(const Directory& spool, const std::string& text) {
  Message message(text);
  std::vector<MboxMessage> mails{{message.mail(), "a@x.test"}};
  REQUIRE(deliver_mbox(spool.fd(), "kim", {}, mails)[0]);
}

}  // namespace

TEST_CASE("mbox parser: a message begins with a From_ line that has a date", "[mailbox][mbox]") {
  CHECK(is_from_line("From a@x Sun Nov 22 04:18:03 2026"));
  CHECK(is_from_line("From a@x  Sun Nov  2 04:18 CET 2026 remote from b\r"));
  CHECK_FALSE(is_from_line("From the beginning it was Sun"));
  CHECK_FALSE(is_from_line("From a@x Sun Nov 22 04:18:03 26"));
  CHECK_FALSE(is_from_line(">From a@x Sun Nov 22 04:18:03 2026"));
  std::string text = mail("one", "") + "From here on it is text\n\n" + mail("two") + kFrom + "Subject: no end";
  for (size_t piece : {size_t{1}, size_t{7}, size_t{64}, SIZE_MAX}) {
    auto mails = parsed(text, piece);
    REQUIRE(mails.size() == 3);
    auto shown = [&](size_t i) { return text.substr(mails[i].head, mails[i].end - mails[i].head); };
    CHECK(shown(0).ends_with("\nFrom here on it is text\n"));
    CHECK(shown(1).ends_with("body of two\n"));
    CHECK(shown(2) == "Subject: no end");
    for (size_t i = 0; i < 3; ++i) {
      WireCounter counter;
      counter.feed(shown(i));
      CHECK(mails[i].wire_size == counter.finish());
      CHECK(mails[i].digest == parsed(text)[i].digest);
    }
    CHECK(mails[0].received > 1'790'000'000);
  }
  MboxParser not_mbox;
  not_mbox.feed("Subject: a message alone\n\nx\n");
  not_mbox.finish();
  CHECK_FALSE(not_mbox.is_mbox());
}

TEST_CASE("mbox box: A15 sizes and texts are those of RETR, whatever the line ends", "[mailbox][mbox]") {
  Directory spool;
  spool.write("kim", kFrom + "Subject: crlf\r\n\r\nline\r\n.dot\r\n\r\n" + kFrom + "H: x\n\n" + kFrom +
                         "\n\nno head\n\n" +
                         mail("state", "Status: O\nX-UID: 7\nX-Keywords: a\n  b\nStatus-Of-It: kept\n") + kFrom +
                         "Subject: open end\n\nlast");
  auto box = open_box("mbox:" + spool.path("kim"));
  REQUIRE(box->count() == 5);
  uint64_t total = 0;
  for (size_t i = 0; i < box->count(); ++i) {
    WireCounter counter;
    counter.feed(text_of(*box, i));
    uint64_t octets = counter.finish();
    CHECK(box->size(i).value() == octets);
    total += octets;
  }
  CHECK(box->total_size().value() == total);
  CHECK(text_of(*box, 0) == "Subject: crlf\r\n\r\nline\r\n.dot\r\n");
  CHECK(text_of(*box, 3) == "Subject: state\nMessage-ID: <state@x>\nStatus-Of-It: kept\n\nbody of state\n");
  CHECK(text_of(*box, 4) == "Subject: open end\n\nlast");
}

TEST_CASE("mbox box: a file that is none is left alone, one that is not there is empty", "[mailbox][mbox]") {
  Directory spool;
  spool.write("text", "Dear reader\n\nFrom a@x Sun Nov 22 04:18:03 2026\n");
  CHECK_FALSE(PopBox::open("mbox:" + spool.path("text"), {}));
  CHECK(open_box("mbox:" + spool.path("missing"))->count() == 0);
  CHECK(open_box("mbox:" + spool.path("no/folder"))->count() == 0);
  spool.write("empty", "");
  CHECK(open_box("mbox:" + spool.path("empty"))->count() == 0);
  REQUIRE(symlink("text", spool.path("link").c_str()) == 0);
  CHECK_FALSE(PopBox::open("mbox:" + spool.path("link"), {}));
}

TEST_CASE("mbox box: A15 unique ids stay over flags, removals and deliveries, and are told apart", "[mailbox][mbox]") {
  Directory spool;
  std::string location = "mbox:" + spool.path("kim");
  spool.write("kim", mail("one") + mail("two") + mail("two") + mail("three", "X-UIDL: 4.from-qpopper\n"));
  auto before = ids(location);
  CHECK(before[3] == "4.from-qpopper");
  CHECK(before[1] != before[2]);
  {
    auto box = open_box(location);
    std::vector<size_t> read = {1, 2, 3}, gone = {0};
    CHECK(box->mark_seen(read));
    CHECK(box->remove(gone).value() == 1);
  }
  deliver(spool, "Subject: four\r\n\r\n");
  auto after = ids(location);
  REQUIRE(after.size() == 4);
  CHECK(std::vector<std::string>(after.begin(), after.end() - 1) ==
        std::vector<std::string>(before.begin() + 1, before.end()));
  CHECK(spool.read("kim").starts_with(kFrom + "Subject: two\nMessage-ID: <two@x>\nStatus: RO\n\nbody of two\n\n"));
}

TEST_CASE("mbox box: what Dovecot has numbered keeps its ids when the first message goes", "[mailbox][mbox]") {
  Directory spool;
  std::string location = "mbox:" + spool.path("kim");
  spool.write("kim", mail("one", "X-IMAPbase: 1795320291 0000000026 kw\nX-UID: 25\nStatus: RO\nX-Status: F\n") +
                         mail("two", "X-UID: 26\nStatus: O\n") + mail("new"));
  auto box = open_box(location);
  auto all = ids(*box);
  CHECK(all[0] == "000000196b0269e3");
  CHECK(all[1] == "0000001a6b0269e3");
  CHECK(text_of(*box, 0) == "Subject: one\nMessage-ID: <one@x>\n\nbody of one\n");
  std::vector<size_t> gone = {0}, read = {1};
  CHECK(box->mark_seen(read));
  CHECK(box->remove(gone).value() == 1);
  box.reset();
  CHECK(ids(location) == std::vector<std::string>(all.begin() + 1, all.end()));
  CHECK(spool.read("kim").starts_with(kFrom +
                                      "X-IMAPbase: 1795320291 0000000026 kw\nSubject: two\nMessage-ID: <two@x>\n"
                                      "X-UID: 26\nStatus: RO\n\nbody"));
}

TEST_CASE("mbox box: mail that arrives during the session stays", "[mailbox][mbox]") {
  Directory spool;
  std::string location = "mbox:" + spool.path("kim");
  for (auto which : {std::vector<size_t>{0}, std::vector<size_t>{1}, std::vector<size_t>{0, 1}}) {
    spool.write("kim", mail("one") + mail("two"));
    auto box = open_box(location);
    deliver(spool, "Subject: arrived\r\n\r\nhello\r\n");
    CHECK(box->count() == 2);
    CHECK(box->remove(which).value() == which.size());
    box.reset();
    std::string text = spool.read("kim");
    auto mails = parsed(text);
    REQUIRE(mails.size() == 3 - which.size());
    CHECK(text.ends_with("Subject: arrived\n\nhello\n\n"));
    CHECK(text.starts_with("From "));
    if (which == std::vector<size_t>{0}) CHECK(text.starts_with(mail("two")));
    if (which == std::vector<size_t>{1}) CHECK(text.starts_with(mail("one") + "From "));
  }
}

TEST_CASE("mbox box: what another program rewrote is neither sent wrongly nor removed", "[mailbox][mbox]") {
  Directory spool;
  spool.write("kim", mail("one") + mail("two"));
  auto box = open_box("mbox:" + spool.path("kim"));
  std::string other = mail("two") + mail("else");
  int fd = ::open(spool.path("kim").c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  REQUIRE(write(fd, other.data(), other.size()) == static_cast<ssize_t>(other.size()));
  close(fd);
  auto body = box->open_message(0);
  REQUIRE_FALSE(body);
  CHECK(body.error().sys_errno == ENOENT);
  std::vector<size_t> which = {0, 1};
  CHECK_FALSE(box->remove(which));
  CHECK(spool.read("kim") == other);
}

TEST_CASE("mbox box: A15 a second session is refused, a locked file too; deliveries are not held up",
          "[mailbox][mbox]") {
  Directory spool;
  spool.write("kim", mail("one"));
  auto box = open_box("mbox:" + spool.path("kim"));
  CHECK(PopBox::open("mbox:" + spool.path("kim"), {}).error().sys_errno == EBUSY);
  deliver(spool, "Subject: two\r\n\r\n");
  CHECK_FALSE(stdfs::exists(spool.path("kim.lock")));
}

TEST_CASE("mbox box: expired messages go at QUIT", "[mailbox][mbox]") {
  Directory spool;
  spool.write("kim", "From a@x.test Sun Nov 22 04:18:03 2020\nSubject: old\n\n\n" + mail("broken date"));
  PopBox::Options options;
  options.expire = 24h * 1000;
  auto box = open_box("mbox:" + spool.path("kim"), options);
  CHECK(box->remove({}).value() == 1);
  CHECK(spool.read("kim") == mail("broken date"));
}

TEST_CASE("mbox box: whichever call fails while messages are removed, no other is lost", "[mailbox][mbox]") {
  for (int error : {EIO, ENOSPC, EDQUOT}) {
    for (int number = 1;; ++number) {
      CAPTURE(number, error);
      Directory spool;
      spool.write("kim", mail("one") + mail("two") + mail("three") + mail("four"));
      auto box = open_box("mbox:" + spool.path("kim"));
      std::vector<size_t> which = {0, 2}, read = {3};
      CHECK(box->mark_seen(read));
      test::FailingCalls failing(number, error);
      bool good = false;
      {
        fs::ScopedCalls scope(failing);
        good = box->remove(which).has_value();
      }
      std::string text = spool.read("kim");
      CHECK(text.find("body of two\n") != text.npos);
      CHECK(text.find("body of four\n") != text.npos);
      if (good) CHECK(parsed(text).size() == 2);
      if (failing.made() < number) {
        REQUIRE(good);
        break;
      }
    }
  }
}

TEST_CASE("mbox box: a power cut while messages are removed loses no other", "[mailbox][mbox][power]") {
  for (size_t large : {size_t{10}, size_t{600'000}}) {
    test::TempDirectory root, after;
    stdfs::create_directory(root / "spool");
    test::PowerCut model(root / "spool");
    std::string body(large, 'x');
    std::string original = mail("one", "X-Pad: " + body + "\n") + mail("two") + mail("three") + mail("four");
    size_t setup = 0;
    {
      fs::ScopedCalls scope(model);
      std::string path = root / "spool/kim";
      Fd fd(fs::calls().openat(AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT, 0600));
      REQUIRE(fs::calls().write(fd.get(), original.data(), original.size()) > 0);
      fs::calls().fsync(fd.get());
      Fd directory(::open((root / "spool").c_str(), O_RDONLY | O_DIRECTORY));
      fs::calls().fsync(directory.get());
      setup = model.steps();
      auto box = open_box("mbox:" + path);
      std::vector<size_t> which = {0, 2}, read = {1, 3};
      CHECK(box->mark_seen(read));
      CHECK(box->remove(which).value() == 2);
    }
    for (size_t k = setup; k <= model.steps(); ++k) {
      for (auto survivors : {test::Survivors::synced, test::Survivors::names_and_synced, test::Survivors::everything}) {
        CAPTURE(k, large, static_cast<int>(survivors));
        model.rebuild(k, survivors, after / "spool");
        std::ifstream in(after / "spool/kim", std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(in), {}};
        CHECK(text.find("body of two\n") != text.npos);
        CHECK(text.find("body of four\n") != text.npos);
        if (k == model.steps()) CHECK(parsed(text).size() == 2);
      }
    }
  }
}
