#include "bounce/notice.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "libcommon/base/strings.h"

using namespace umaya;
using namespace umaya::bounce;

namespace {

constexpr std::string_view kContent =
    "Received: from client.example\r\n\tby mail.example.org; Sun, 22 Nov 2026 04:18:03 +0000 (UTC)\r\n"
    "From: alice@example.org\r\nMessage-Id: <one@example.org>\r\nSubject: hello\r\n\r\nbody\r\nFrom: not a header\r\n";

NoticeSettings settings() {
  NoticeSettings s;
  s.hostname = "mail.example.org";
  s.origin = "example.org";
  s.mail_name = "Umaya";
  s.templates = message::default_bounce_templates();
  s.lookup = [](std::string_view name) -> std::optional<std::string> {
    if (name == "myhostname") return "mail.example.org";
    if (name == "delay_warning_time") return "4h";
    if (name == "maximal_queue_lifetime") return "5d";
    return std::nullopt;
  };
  return s;
}

queue::BounceRecord remote_failure() {
  queue::BounceRecord r;
  r.recipient = {"carol@remote.example", "list@example.org", "rfc822;list@example.org", 0};
  r.status = "5.1.1";
  r.action = "failed";
  r.diag_type = "smtp";
  r.diag_text = "550 5.1.1 <carol@remote.example>: Recipient address rejected: User unknown in virtual mailbox table";
  r.mta_type = "dns";
  r.mta_name = "mx.remote.example";
  r.reason =
      "host mx.remote.example[192.0.2.7] said: 550 5.1.1 <carol@remote.example>: Recipient address rejected: User "
      "unknown in virtual mailbox table (in reply to RCPT TO command)";
  return r;
}

queue::BounceRecord local_failure() {
  queue::BounceRecord r;
  r.recipient = {"no one@example.org", "", "", 0};
  r.status = "5.1.1";
  r.action = "failed";
  r.reason = "unknown user: \"no one\"";
  return r;
}

NoticeRequest request(NoticeKind kind) {
  NoticeRequest r;
  r.kind = kind;
  r.to = "alice@example.org";
  r.queue_id = "4F0A1BC23DE";
  r.sender = "alice@example.org";
  r.arrival_seconds = 1795321083;
  r.now_seconds = 1795321143;
  r.content_head = kContent;
  r.content_size = kContent.size();
  return r;
}

/// The notice as it is sent, with LF line ends for the golden file; every line must have had CRLF.
std::string text_of(const Notice& notice) {
  std::string all = notice.head + std::string(kContent.substr(0, notice.returned)) + notice.tail, out;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i] == '\n') {
      REQUIRE(i > 0);
      REQUIRE(all[i - 1] == '\r');
      out.back() = '\n';
    } else {
      out.push_back(all[i]);
    }
  }
  return out;
}

void check_golden(const std::string& name, const Notice& notice) {
  const std::string path = UMAYA_SOURCE_DIR "/tests/golden/bounce/" + name + ".txt";
  const std::string text = text_of(notice);
  if (std::getenv("UPDATE_GOLDEN")) {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream in(path);
  REQUIRE(in);
  std::stringstream expected;
  expected << in.rdbuf();
  CHECK(text == expected.str());
}

struct UtcZone {
  UtcZone() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
} const utc_zone;

}  // namespace

TEST_CASE("notice: a failure names each recipient for people and for programs", "[bounce][golden]") {
  NoticeRequest r = request(NoticeKind::failure);
  r.envid = "QQ314159";
  r.records = {remote_failure(), local_failure()};
  check_golden("failure", compose_notice(r, settings()));
}

TEST_CASE("notice: a delay warning says until when it is tried", "[bounce][golden]") {
  NoticeRequest r = request(NoticeKind::delay);
  queue::BounceRecord late = remote_failure();
  late.status = "4.4.1";
  late.action = "delayed";
  late.diag_type.clear();
  late.reason = "connect to mx.remote.example[192.0.2.7]:25: Connection refused";
  r.records = {late};
  r.retry_until_seconds = r.arrival_seconds + 5 * 86400;
  r.returned = Returned::headers;
  check_golden("delay", compose_notice(r, settings()));
}

TEST_CASE("notice: a success report tells delivered, relayed and expanded apart", "[bounce][golden]") {
  NoticeRequest r = request(NoticeKind::success);
  for (const char* action : {"delivered", "relayed", "expanded"}) {
    queue::BounceRecord one = local_failure();
    one.recipient.address = action;
    one.recipient.address += "@example.org";
    one.action = action;
    one.status = "2.0.0";
    one.reason = "delivered to maildir";
    r.records.push_back(one);
  }
  r.returned = Returned::headers;
  check_golden("success", compose_notice(r, settings()));
}

TEST_CASE("notice: a verification report is not called undelivered", "[bounce][golden]") {
  NoticeRequest r = request(NoticeKind::verification);
  queue::BounceRecord one = local_failure();
  one.action = "undeliverable";
  r.records = {one};
  r.returned = Returned::headers;
  check_golden("verification", compose_notice(r, settings()));
}

TEST_CASE("notice: the postmaster's copy has the facts without the words", "[bounce][golden]") {
  NoticeRequest r = request(NoticeKind::failure);
  r.audience = Audience::postmaster;
  r.to = "postmaster";
  r.sender = "";
  r.records = {local_failure()};
  r.returned = Returned::headers;
  check_golden("postmaster", compose_notice(r, settings()));
}

TEST_CASE("notice: mail that needs SMTPUTF8 is reported by RFC 6533", "[bounce][golden]") {
  NoticeRequest r = request(NoticeKind::failure);
  r.smtputf8 = true;
  queue::BounceRecord one = local_failure();
  one.recipient.address = "ありす@例え.jp";
  r.records = {one};
  check_golden("utf8", compose_notice(r, settings()));
}

TEST_CASE("notice: eight bit text of the message makes the report eight bit", "[bounce]") {
  NoticeRequest r = request(NoticeKind::failure);
  r.records = {local_failure()};
  CHECK_FALSE(compose_notice(r, settings()).eight_bit);
  r.eight_bit = true;
  Notice notice = compose_notice(r, settings());
  CHECK(notice.eight_bit);
  CHECK(notice.head.find("Content-Transfer-Encoding: 8bit\r\n") != std::string::npos);
}

TEST_CASE("notice: a threaded notice refers to the message", "[bounce]") {
  NoticeRequest r = request(NoticeKind::failure);
  r.records = {local_failure()};
  NoticeSettings s = settings();
  s.threaded = true;
  Notice notice = compose_notice(r, s);
  CHECK(notice.head.find("References: <one@example.org>\r\nIn-Reply-To: <one@example.org>\r\n") != std::string::npos);
}

TEST_CASE("notice: what a remote host says cannot add lines", "[bounce]") {
  NoticeRequest r = request(NoticeKind::failure);
  queue::BounceRecord one = remote_failure();
  one.diag_text = "550 no\r\n\r\n--4F0A1BC23DE.1795321143/mail.example.org\r\nX-Forged: yes";
  one.reason = "host said: 550\nX-Forged: yes";
  r.records = {one};
  const std::string head = compose_notice(r, settings()).head;
  CHECK(head.find("\nX-Forged") == std::string::npos);
}

TEST_CASE("notice: addresses with line ends and 8-bit octets do not get into its headers as they are", "[bounce]") {
  NoticeRequest r = request(NoticeKind::failure);
  r.sender = r.to = "al\r\nX-Forged: 1\r\n@example.org";
  r.records = {local_failure()};
  r.records[0].recipient.address = std::string("no\0one\r@example.org", 18);
  r.records[0].recipient.original = "l\xc3\xa4st@example.org";
  r.content_head = "Message-Id: <a\rX-Forged: 2@example.org>\r\n\r\n";
  NoticeSettings threaded = settings();
  threaded.threaded = true;
  std::string head = compose_notice(r, threaded).head;
  CHECK(head.find("\nX-Forged") == std::string::npos);
  CHECK(head.find('\0') == std::string::npos);
  for (size_t cr = head.find('\r'); cr != std::string::npos; cr = head.find('\r', cr + 1))
    REQUIRE(head[cr + 1] == '\n');
  CHECK(is_ascii(head));
}

TEST_CASE("notice: headers end at the empty line or where no header begins", "[bounce]") {
  CHECK(header_section_size("A: b\r\n c\r\n\r\nbody") == 10);
  CHECK(header_section_size("A: b\r\nbody text\r\n") == 6);
  CHECK(header_section_size("A: b\r\n") == 6);
  CHECK(header_section_size("") == 0);
}

TEST_CASE("notice: long text is folded at blanks and never cut inside a word", "[bounce]") {
  const std::string word(100, 'x');
  CHECK(fold_text("short") == "short");
  CHECK(fold_text(word) == word);
  CHECK(fold_text("a " + word + " b") == "a\r\n    " + word + "\r\n    b");
  std::string text;
  for (int i = 0; i < 40; ++i) text += "word ";
  std::istringstream lines(fold_text(text));
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 79);
}

TEST_CASE("notice: NOTIFY decides who hears of what", "[bounce]") {
  std::vector<queue::BounceRecord> all(4, local_failure());
  all[1].recipient.notify = queue::notify::kNever;
  all[2].recipient.notify = queue::notify::kSuccess;
  all[3].recipient.notify = queue::notify::kDelay | queue::notify::kFailure;
  CHECK(wanted_records(all, queue::notify::kFailure).size() == 2);
  CHECK(wanted_records(all, queue::notify::kDelay).size() == 2);
  CHECK(wanted_records(all, queue::notify::kSuccess).size() == 1);
}
