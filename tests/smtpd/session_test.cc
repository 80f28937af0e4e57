#include <catch2/catch.hpp>

#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

static int code_of(std::string_view reply) {
  return reply.size() < 3 ? 0 : std::atoi(std::string(reply.substr(0, 3)).c_str());
}

static std::string deliver(Bench& b, std::string_view text) {
  b.say("RCPT TO:<alice@example.test>\r\n");
  std::string go = b.say("DATA\r\n");
  REQUIRE(code_of(go) == 354);
  return b.say(text);
}

TEST_CASE("session: the classic dialogue by hand works", "[smtpd][session]") {
  Bench b;
  b.connect();
  CHECK(b.take() == "220 mx.example.test ESMTP Umaya\r\n");
  CHECK(b.say("helo client.example.org\r\n") == "250 mx.example.test\r\n");
  CHECK(b.say("mail from: <s@sender.example.org>\r\n") == "250 2.1.0 Ok\r\n");
  CHECK(b.say("rcpt to:<alice@example.test>\r\n") == "250 2.1.5 Ok\r\n");
  CHECK(b.say("data\r\n") == "354 End data with <CR><LF>.<CR><LF>\r\n");
  std::string queued = b.say("Subject: x\r\n\r\n..dot\r\n.\r\n");
  CHECK(queued.starts_with("250 2.0.0 Ok: queued as "));
  CHECK(b.say("quit\r\n") == "221 2.0.0 Bye\r\n");
  CHECK(b.ended);
  REQUIRE(b.cleanup.messages.size() == 1);
  const Received& m = b.cleanup.messages[0];
  CHECK(m.envelope.sender == "s@sender.example.org");
  CHECK(m.recipients.size() == 1);
  CHECK(m.packets == 1);
  CHECK(m.content.starts_with(
      "Received: from client.example.org (unknown [198.51.100.7])\r\n\tby mx.example.test (Umaya) with SMTP id "));
  CHECK(m.content.ends_with("\r\nSubject: x\r\n\r\n.dot\r\n"));
  CHECK(queued.find(m.envelope.queue_id) != std::string::npos);
  CHECK(b.logged("connect from unknown[198.51.100.7]"));
  CHECK(b.logged(m.envelope.queue_id + ": client=unknown[198.51.100.7]"));
  CHECK(b.logged("disconnect from unknown[198.51.100.7] helo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"));
}

TEST_CASE("session: EHLO names the extensions", "[smtpd][session]") {
  Bench b({"message_size_limit = 1000"});
  b.connect();
  b.take();
  std::string r = b.say("EHLO x\r\n");
  CHECK(r ==
        "250-mx.example.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-VRFY\r\n250-ETRN\r\n250-ENHANCEDSTATUSCODES\r\n"
        "250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n");
  Bench c({"smtpd_discard_ehlo_keywords = chunking dsn"});
  c.connect();
  c.take();
  r = c.say("EHLO x\r\n");
  CHECK(r.find("CHUNKING") == std::string::npos);
  CHECK(r.find("DSN") == std::string::npos);
}

TEST_CASE("session: a pipelined group is answered in order and in one write", "[smtpd][session]") {
  Bench b;
  b.open();
  std::string r = b.say(
      "MAIL FROM:<s@x.org>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<nosuch@example.test>\r\n"
      "RCPT TO:<bob@example.test>\r\nDATA\r\n");
  CHECK(r ==
        "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
        "550 5.1.1 <nosuch@example.test>: Recipient address rejected: User unknown in local recipient table\r\n"
        "250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n");
  r = b.say("x\r\n.\r\nQUIT\r\n");
  CHECK(r.find("\r\n221 2.0.0 Bye\r\n") != std::string::npos);
  REQUIRE(b.cleanup.messages.size() == 1);
  CHECK(b.cleanup.messages[0].recipients.size() == 2);
  CHECK(b.logged(
      "reject: RCPT from unknown[198.51.100.7]: 550 5.1.1 <nosuch@example.test>: Recipient address rejected: User "
      "unknown in local recipient table; from=<s@x.org> to=<nosuch@example.test> proto=ESMTP "
      "helo=<client.example.org>"));
}

TEST_CASE("session: order of commands", "[smtpd][session]") {
  Bench b;
  b.open();
  CHECK(b.say("RCPT TO:<alice@example.test>\r\n") == "503 5.5.1 Error: need MAIL command\r\n");
  CHECK(b.say("DATA\r\n") == "503 5.5.1 Error: need MAIL command\r\n");
  b.say("MAIL FROM:<s@x.org>\r\n");
  CHECK(b.say("MAIL FROM:<s@x.org>\r\n") == "503 5.5.1 Error: nested MAIL command\r\n");
  CHECK(b.say("DATA\r\n") == "503 5.5.1 Error: need RCPT command\r\n");
  b.say("RCPT TO:<nosuch@example.test>\r\n");
  CHECK(b.say("DATA\r\n") == "554 5.5.1 Error: no valid recipients\r\n");
  CHECK(b.say("RSET\r\n") == "250 2.0.0 Ok\r\n");
  CHECK(b.say("RCPT TO:<alice@example.test>\r\n") == "503 5.5.1 Error: need MAIL command\r\n");
  b.say("MAIL FROM:<s@x.org>\r\n");
  b.say("RCPT TO:<alice@example.test>\r\n");
  b.say("EHLO again\r\n");
  CHECK(code_of(b.say("RCPT TO:<alice@example.test>\r\n")) == 503);
  Bench h({"smtpd_helo_required = yes"});
  h.connect();
  h.take();
  CHECK(h.say("MAIL FROM:<s@x.org>\r\n") == "503 5.5.1 Error: send HELO/EHLO first\r\n");
}

TEST_CASE("S1 S2 session: 36 ends of data with a dialogue behind each give one message, never two", "[smtpd][attack]") {
  const std::vector<std::string> marks = {"\r\n", "\n", "\r", "\r\r\n", std::string("\r\0\n", 3), "\n\r"};
  for (const char* mode : {"normalize", "reject", "note", "no"}) {
    Bench b({std::string("smtpd_forbid_bare_newline = ") + mode, "smtpd_hard_error_limit = 1000"});
    for (size_t a = 0; a < marks.size(); ++a) {
      for (size_t c = 0; c < marks.size(); ++c) {
        b.cleanup.messages.clear();
        b.open("s@x.org");
        std::string inner = "MAIL FROM:<evil@x.org>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nsmuggled\r\n.\r\n";
        deliver(b, "Subject: a\r\n\r\ntext" + marks[a] + "." + marks[c] + inner);
        INFO(mode << " pair " << a << " " << c);
        bool real_end = (a == 0 || a == 3) && c == 0;
        size_t smuggled = 0;
        for (const Received& m : b.cleanup.messages) smuggled += m.envelope.sender == "evil@x.org";
        if (!real_end) {
          CHECK(smuggled == 0);
          CHECK(b.cleanup.messages.size() <= 1);
        }
        b.disconnect();
      }
    }
  }
}

TEST_CASE("S3 session: a message one octet at a time is the same message", "[smtpd][attack]") {
  Bench b;
  std::string whole = "EHLO c\r\nMAIL FROM:<s@x.org>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n";
  std::string text = "A: b\r\n\r\nx\n.\r\n..y\r\n.\r\n";
  b.connect();
  b.take();
  for (char c : whole) b.say(std::string(1, c));
  for (char c : text) b.say(std::string(1, c));
  b.open("s@x.org");
  deliver(b, text);
  REQUIRE(b.cleanup.messages.size() == 2);
  auto body = [](const Received& m) { return m.content.substr(m.content.find("A: b")); };
  CHECK(body(b.cleanup.messages[0]) == body(b.cleanup.messages[1]));
}

TEST_CASE("S8 S9 BDAT: chunks make a message, errors leave no state", "[smtpd][attack]") {
  Bench b({"message_size_limit = 1000", "smtpd_hard_error_limit = 100"});
  b.open("s@x.org");
  CHECK(b.say("BDAT 3\r\nabc") == "503 5.5.1 Error: need RCPT command\r\n");
  b.say("MAIL FROM:<s@x.org>\r\n");
  b.say("RCPT TO:<alice@example.test>\r\n");
  CHECK(b.say("BDAT 12\r\nSubject: x\r\n") == "250 2.0.0 Ok: 12 bytes\r\n");
  CHECK(b.say("DATA\r\n") == "503 5.5.1 Error: DATA after BDAT\r\n");
  CHECK(b.say("RCPT TO:<bob@example.test>\r\n") == "503 5.5.1 Error: RCPT after BDAT\r\n");
  CHECK(b.say("MAIL FROM:<s@x.org>\r\n") == "503 5.5.1 Error: MAIL after BDAT\r\n");
  CHECK(b.say("BDAT 0\r\n") == "250 2.0.0 Ok: 0 bytes\r\n");
  CHECK(code_of(b.say("BDAT 7 LAST\r\n\r\n.\r\ny\n")) == 250);
  REQUIRE(b.cleanup.messages.size() == 1);
  CHECK(b.cleanup.messages[0].content.ends_with("Subject: x\r\n\r\n.\r\ny\r\n"));
  // Over the limit: refused, the chunk is skipped, nothing of the transaction is left.
  b.say("MAIL FROM:<s@x.org>\r\nRCPT TO:<alice@example.test>\r\n");
  CHECK(b.say("BDAT 1001\r\n" + std::string(1001, 'x')) == "552 5.3.4 Chunk exceeds message size limit\r\n");
  CHECK(code_of(b.say("DATA\r\n")) == 503);
  CHECK(code_of(b.say("BDAT 1 LAST\r\nx")) == 503);
  CHECK(b.cleanup.messages.size() == 1);
  for (auto size : {"-1", "0x10", "9223372036854775808", "x"}) {
    b.open("s@x.org");
    b.say("RCPT TO:<alice@example.test>\r\n");
    CHECK(b.say("BDAT " + std::string(size) + "\r\n") == "521 5.5.4 Syntax: BDAT count [LAST]\r\n");
    CHECK(b.ended);
  }
  b.open("s@x.org");
  b.say("RCPT TO:<alice@example.test>\r\n");
  CHECK(code_of(b.say("BDAT 4000000000\r\nxx")) == 421);
}

TEST_CASE("S11 session: long command lines are bounded", "[smtpd][attack]") {
  Bench b;
  b.open();
  CHECK(code_of(b.say("NOOP " + std::string(500, 'x') + "\r\n")) == 250);
  CHECK(code_of(b.say("NOOP " + std::string(3000, 'x') + "\r\n")) == 500);
  CHECK(code_of(b.say("NOOP\r\n")) == 250);
  CHECK(code_of(b.say(std::string(70000, 'x'))) == 421);
  CHECK(b.ended);
}

TEST_CASE("S13 session: NUL in a command and in content is refused", "[smtpd][attack]") {
  Bench b;
  b.open();
  CHECK(code_of(b.say(std::string_view("NOOP \0x\r\n", 9))) == 500);
  CHECK(code_of(b.say(std::string_view("MAIL FROM:<a\0b@x>\r\n", 19))) == 500);
  b.say("MAIL FROM:<s@x.org>\r\n");
  CHECK(deliver(b, std::string_view("a\r\n\r\nb\0c\r\n.\r\n", 13)) ==
        "550 5.6.0 Error: NUL octet in message content\r\n");
  CHECK(b.cleanup.messages.empty());
  CHECK(code_of(b.say("MAIL FROM:<s@x.org> ENVID=a+00\r\n")) == 501);
}

TEST_CASE("S16 session: 100 recipients are taken, the 1001st gets 452, overshoot ends the session", "[smtpd][attack]") {
  Bench b({"smtpd_recipient_limit = 100", "smtpd_recipient_overshoot_limit = 10", "smtpd_hard_error_limit = 5"});
  b.open("s@x.org");
  for (int i = 0; i < 100; ++i) CHECK(code_of(b.say("RCPT TO:<alice@example.test>\r\n")) == 250);
  for (int i = 0; i < 10; ++i)
    CHECK(b.say("RCPT TO:<bob@example.test>\r\n") == "452 4.5.3 Error: too many recipients\r\n");
  std::string last;
  for (int i = 0; i < 6 && !b.ended; ++i) last = b.say("RCPT TO:<bob@example.test>\r\n");
  CHECK(b.ended);
  CHECK(last.find("421 4.7.0 mx.example.test Error: too many errors") != std::string::npos);
}

TEST_CASE("S17 session: errors, junk and other protocols end the session", "[smtpd][attack]") {
  Bench b;
  b.open();
  std::string all;
  for (int i = 0; i < 200 && !b.ended; ++i) all += b.say("RSET\r\n");
  CHECK(b.ended);
  CHECK(all.ends_with("421 4.7.0 mx.example.test Error: too many errors\r\n"));
  CHECK(b.logged("too many errors after RSET from unknown[198.51.100.7]"));
  b.open();
  std::string noops;
  for (int i = 0; i < 200; ++i) noops += "NOOP\r\n";
  all = b.say(noops);
  CHECK_FALSE(b.ended);
  CHECK(all.find("421") == std::string::npos);
  for (auto line : {"GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\n", "CONNECT x:25 HTTP/1.0\r\n", "\x16\x03\x01\r\n",
                    "Subject: hi\r\n"}) {
    b.open();
    CHECK(b.say(line) == "221 2.7.0 Error: I can break rules, too. Goodbye.\r\n");
    CHECK(b.ended);
  }
  b.open();
  CHECK(b.say("XYZZY\r\n") == "500 5.5.2 Error: command not recognized\r\n");
}

TEST_CASE("S19 session: talking before one's turn is answered 554", "[smtpd][attack]") {
  Bench b;
  b.open("s@x.org");
  b.say("RCPT TO:<alice@example.test>\r\n");
  CHECK(b.say("DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n") == "554 5.5.0 Error: SMTP protocol synchronization\r\n");
  CHECK(b.ended);
  b.connect();
  b.take();
  CHECK(b.say("EHLO x\r\nMAIL FROM:<s@x.org>\r\n") == "554 5.5.0 Error: SMTP protocol synchronization\r\n");
  b.connect();
  b.take();
  b.say("HELO x\r\n");
  CHECK(b.say("MAIL FROM:<s@x.org>\r\nRCPT TO:<alice@example.test>\r\n") ==
        "554 5.5.0 Error: SMTP protocol synchronization\r\n");
  CHECK(b.logged("improper command pipelining after MAIL from unknown[198.51.100.7]: RCPT TO"));
  CHECK(b.cleanup.messages.empty());
}

TEST_CASE("S20 S21 session: a HELO name forges neither logs nor headers", "[smtpd][attack]") {
  Bench b;
  b.connect();
  b.take();
  CHECK(code_of(b.say("HELO\r\n")) == 501);
  CHECK(code_of(b.say("EHLO x\x1b[31m) by evil (`id`\r\n")) == 250);
  b.say("MAIL FROM:<s@x.org>\r\n");
  deliver(b, "x\r\n.\r\n");
  REQUIRE(b.cleanup.messages.size() == 1);
  std::string head = b.cleanup.messages[0].content;
  CHECK(head.find('\x1b') == std::string::npos);
  CHECK(head.find(") by evil (") == std::string::npos);
  b.connect();
  b.take();
  CHECK(code_of(b.say("EHLO " + std::string(1900, 'h') + "\r\n")) == 250);
}

TEST_CASE("S26 S27 session: SMTPUTF8 and parameters of MAIL", "[smtpd][attack]") {
  Bench b({"smtpd_hard_error_limit = 100"});
  b.open();
  CHECK(code_of(b.say("MAIL FROM:<j\xc3\xb6rg@x.org>\r\n")) == 553);
  CHECK(code_of(b.say("MAIL FROM:<j\xff@x.org> SMTPUTF8\r\n")) == 501);
  CHECK(code_of(b.say("MAIL FROM:<s@x.org> FOO=bar\r\n")) == 555);
  CHECK(code_of(b.say("MAIL FROM:<s@x.org> SIZE=99999999999999999999\r\n")) == 552);
  CHECK(code_of(b.say("MAIL FROM:<j\xc3\xb6rg@x.org> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=a+2Bb AUTH=<>\r\n")) == 250);
  CHECK(code_of(b.say("RCPT TO:<alice@example.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bc@x.org\r\n")) == 250);
  b.say("DATA\r\n");
  b.say("x\r\n.\r\n");
  REQUIRE(b.cleanup.messages.size() == 1);
  const Received& m = b.cleanup.messages[0];
  CHECK(m.envelope.smtputf8);
  CHECK(m.envelope.envid == "a+b");
  CHECK(m.envelope.ret == services::Return::headers);
  CHECK(m.envelope.body == services::BodyType::eight_bit);
  CHECK(m.recipients[0].dsn_original == "rfc822;b+c@x.org");
  CHECK(m.recipients[0].notify == (services::kNotifySuccess | services::kNotifyDelay));
  CHECK(m.content.find(" with UTF8SMTP id ") != std::string::npos);
}

TEST_CASE("S28 session: the size limit is exact, and a lie about SIZE does not help", "[smtpd][attack]") {
  Bench b({"message_size_limit = 1000"});
  auto text = [](size_t n) { return std::string(n - 2, 'x') + "\r\n.\r\n"; };
  b.open("s@x.org> SIZE=10");
  b.disconnect();
  b.open("s@x.org");
  CHECK(code_of(deliver(b, text(1000))) == 250);
  b.say("MAIL FROM:<s@x.org> SIZE=10\r\n");
  CHECK(deliver(b, text(1001)) == "552 5.3.4 Error: message file too big\r\n");
  CHECK(b.cleanup.messages.size() == 1);
  CHECK(b.say("MAIL FROM:<s@x.org> SIZE=1001\r\n") == "552 5.3.4 Message size exceeds fixed limit\r\n");
  CHECK(code_of(b.say("MAIL FROM:<s@x.org> SIZE=1000\r\n")) == 250);
}

TEST_CASE("S35 S36 session: VRFY, case, blanks and arguments", "[smtpd][attack]") {
  Bench b({"smtpd_hard_error_limit = 100"});
  b.open();
  CHECK(b.say("VRFY alice\r\n") == "252 2.0.0 alice\r\n");
  CHECK(code_of(b.say("VRFY nosuch@example.test\r\n")) == 550);
  CHECK(code_of(b.say("VRFY v@foreign.test\r\n")) == 454);
  CHECK(code_of(b.say("VRFY j\xc3\xb6rg\r\n")) == 553);
  CHECK(code_of(b.say("VRFY j\xc3\xb6rg@example.test SMTPUTF8\r\n")) == 550);
  CHECK(code_of(b.say("VRFY\r\n")) == 501);
  CHECK(code_of(b.say("EXPN list\r\n")) == 500);
  CHECK(code_of(b.say("TURN\r\n")) == 500);
  CHECK(code_of(b.say("ETRN #x.org\r\n")) == 458);
  CHECK(code_of(b.say("ETRN a b\r\n")) == 500);
  CHECK(code_of(b.say("ETRN ;x\r\n")) == 501);
  CHECK(code_of(b.say("  noop  x  \r\n")) == 250);
  CHECK(code_of(b.say("RSET x\r\n")) == 501);
  CHECK(code_of(b.say("HELP\r\n")) == 214);
  CHECK(code_of(b.say("mail FROM: <a@x.org>   \r\n")) == 250);
  CHECK(code_of(b.say("RCPT TO:<>\r\n")) == 501);
  Bench c({"disable_vrfy_command = yes"});
  c.open();
  CHECK(c.say("VRFY alice\r\n") == "502 5.5.1 VRFY command is disabled\r\n");
}

TEST_CASE("S37 session: a connection lost anywhere before the final dot queues nothing", "[smtpd][attack]") {
  Bench b;
  const std::string all =
      "EHLO x\r\n|MAIL FROM:<s@x.org>\r\n|RCPT TO:<alice@example.test>\r\n|DATA\r\n|Subject: x\r\n|\r\nbody\r\n|.\r|\n";
  std::vector<std::string> steps;
  for (auto piece : split(all, "|")) steps.emplace_back(piece);
  for (size_t n = 0; n < steps.size(); ++n) {
    b.connect();
    for (size_t i = 0; i < n; ++i) b.say(steps[i]);
    b.disconnect();
    CHECK(b.ended);
    CHECK(b.cleanup.messages.empty());
  }
  CHECK(b.logged("lost connection after CONNECT from unknown[198.51.100.7]"));
  CHECK(b.logged("lost connection after DATA (12 bytes) from unknown[198.51.100.7]"));
}

TEST_CASE("S38 session: at the end of the process idle sessions hear 421, a message under way is finished",
          "[smtpd][attack]") {
  Bench b;
  b.open("s@x.org");
  b.say("RCPT TO:<alice@example.test>\r\n");
  b.say("DATA\r\n");
  b.shared->stopping = true;
  std::string r = b.say("x\r\n.\r\n");
  CHECK(r.starts_with("250 2.0.0 Ok: queued as"));
  CHECK(r.ends_with("421 4.3.2 mx.example.test Service shutting down\r\n"));
  CHECK(b.cleanup.messages.size() == 1);
}

TEST_CASE("session: cleanup's refusal and absence become replies, and the next message is clean", "[smtpd][session]") {
  Bench b;
  b.open("s@x.org");
  b.cleanup.outcome = {services::cleanup::Verdict::rejected, 550, "5.7.1", "content is not wanted"};
  CHECK(deliver(b, "x\r\n.\r\n") == "550 5.7.1 content is not wanted\r\n");
  b.cleanup.outcome = {services::cleanup::Verdict::deferred, 452, "4.3.1", "Insufficient system storage"};
  b.say("MAIL FROM:<s@x.org>\r\n");
  CHECK(deliver(b, "x\r\n.\r\n") == "452 4.3.1 Insufficient system storage\r\n");
  b.cleanup.outcome = {services::cleanup::Verdict::accepted, 250, "2.0.0", {}};
  b.say("MAIL FROM:<s@x.org>\r\n");
  CHECK(code_of(deliver(b, "x\r\n.\r\n")) == 250);
  unlink(b.cleanup.path().c_str());
  b.shared->cleanup = ipc::ChannelPool("/nonexistent/cleanup", 1);
  b.say("MAIL FROM:<s@x.org>\r\n");
  CHECK(deliver(b, "x\r\n.\r\n") == "451 4.3.0 Error: queue file write error\r\n");
}

TEST_CASE("session: a large message streams through in blocks, whole and in order", "[smtpd][session]") {
  Bench b;
  b.open("s@x.org");
  std::string text;
  for (int i = 0; i < 40000; ++i) text += "line " + std::to_string(i) + "\r\n";
  CHECK(code_of(deliver(b, "A: b\r\n\r\n" + text + ".\r\n")) == 250);
  REQUIRE(b.cleanup.messages.size() == 1);
  CHECK(b.cleanup.messages[0].content.ends_with("A: b\r\n\r\n" + text));
  CHECK(b.cleanup.messages[0].packets > 5);
}

TEST_CASE("session: after a message that was given up half way the next one is whole", "[smtpd][session]") {
  Bench b({"message_size_limit = 100000"});
  std::string line(998, 'x');
  std::string big;
  for (int i = 0; i < 150; ++i) big += line + "\r\n";
  for (int i = 0; i < 3; ++i) {
    b.open("s@x.org");
    CHECK(code_of(deliver(b, big + ".\r\n")) == 552);
    b.say("MAIL FROM:<s@x.org>\r\n");
    CHECK(code_of(deliver(b, ".\r\n")) == 250);
    b.say("MAIL FROM:<s@x.org>\r\n");
    b.say("RCPT TO:<alice@example.test>\r\n");
    b.say("DATA\r\n");
    b.say(big.substr(0, 90000));
    b.disconnect();
  }
  REQUIRE(b.cleanup.messages.size() == 3);
  for (const Received& m : b.cleanup.messages) CHECK(m.content.find("xx") == std::string::npos);
}

TEST_CASE("session: many long recipients go in packets of their own", "[smtpd][session]") {
  Bench b({"smtpd_recipient_limit = 2000"});
  b.open("s@x.org");
  std::string batch;
  for (int i = 0; i < 600; ++i) {
    std::string user = std::string(100, 'u') + std::to_string(i);
    b.addresses.users.insert(user);
    batch += "RCPT TO:<" + user + "@example.test>\r\n";
  }
  b.say(batch);
  b.say("DATA\r\n");
  CHECK(code_of(b.say("x\r\n.\r\n")) == 250);
  REQUIRE(b.cleanup.messages.size() == 1);
  CHECK(b.cleanup.messages[0].recipients.size() == 600);
  CHECK(b.cleanup.messages[0].recipients[599].address.ends_with("599@example.test"));
  CHECK(b.cleanup.messages[0].packets > 2);
}

TEST_CASE("session: an mbox line and a leading blank at the start do not become headers of ours", "[smtpd][session]") {
  Bench b;
  b.open("s@x.org");
  deliver(b, "From alice Mon\r\nSubject: x\r\n\r\ny\r\n.\r\n");
  b.say("MAIL FROM:<s@x.org>\r\n");
  deliver(b, " leading\r\n.\r\n");
  REQUIRE(b.cleanup.messages.size() == 2);
  CHECK(b.cleanup.messages[0].content.ends_with("\r\nX-Mailbox-Line: From alice Mon\r\nSubject: x\r\n\r\ny\r\n"));
  CHECK(b.cleanup.messages[1].content.ends_with("\r\n\r\n leading\r\n"));
}

TEST_CASE("session: stand-alone mode has no restrictions and takes commands at once", "[smtpd][session]") {
  Bench b({"smtpd_recipient_restrictions = reject"});
  b.connect(Mode::stand_alone);
  std::string r = b.say("HELO x\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<v@foreign.test>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n");
  CHECK(r.find("queued as") != std::string::npos);
  CHECK(b.cleanup.messages.size() == 1);
  CHECK_FALSE(b.logged("connect from"));
}

TEST_CASE("session: a client that never sends a CR may end its text with LF.LF", "[smtpd][session]") {
  Bench b({"smtpd_forbid_bare_newline = no"});
  b.connect();
  b.take();
  b.say("EHLO x\n");
  b.say("MAIL FROM:<a@x.org>\n");
  b.say("RCPT TO:<alice@example.test>\n");
  b.say("DATA\n");
  CHECK(code_of(b.say("Subject: x\n\nbody\n.\n")) == 250);
}

TEST_CASE("S28 session: a nearly full queue disk is 452 4.3.1 at MAIL, and over when there is room",
          "[smtpd][session][attack]") {
  Bench b({"message_size_limit = 1000"});
  uint64_t free = 1499;
  auto full = fs::FreeSpace([&] { return std::optional(free); });
  b.shared->space = &full;
  b.open();
  CHECK(b.say("MAIL FROM:<s@sender.example.org>\r\n") == "452 4.3.1 Insufficient system storage\r\n");
  CHECK(b.logged("not enough free space in mail queue: 1499 bytes < 1500"));
  CHECK(
      b.logged("NOQUEUE: reject: MAIL from unknown[198.51.100.7]: 452 4.3.1 Insufficient system storage; "
               "from=<s@sender.example.org> proto=ESMTP helo=<client.example.org>"));
  CHECK(code_of(b.say("RCPT TO:<alice@example.test>\r\n")) == 503);
  auto enough = fs::FreeSpace([] { return std::optional<uint64_t>(1500); });
  b.shared->space = &enough;
  CHECK(code_of(b.say("MAIL FROM:<s@sender.example.org>\r\n")) == 250);
  CHECK(code_of(deliver(b, "Subject: x\r\n\r\nx\r\n.\r\n")) == 250);
}

TEST_CASE("session: queue_minfree above the size rule decides, without a size limit SIZE= does", "[smtpd][session]") {
  auto space = fs::FreeSpace([] { return std::optional<uint64_t>(5000); });
  Bench more({"message_size_limit = 1000", "queue_minfree = 5001"});
  more.shared->space = &space;
  more.open();
  CHECK(code_of(more.say("MAIL FROM:<s@sender.example.org>\r\n")) == 452);
  Bench unlimited({"message_size_limit = 0"});
  unlimited.shared->space = &space;
  unlimited.open();
  CHECK(code_of(unlimited.say("MAIL FROM:<s@sender.example.org> SIZE=4000\r\n")) == 452);
  CHECK(code_of(unlimited.say("MAIL FROM:<s@sender.example.org> SIZE=3000\r\n")) == 250);
}

TEST_CASE("S18 session: under stress a client that idles for longer than the short patience is sent away",
          "[smtpd][session][attack]") {
  Bench b({"smtpd_timeout = ${stress?{10s}:{300s}}"});
  b.open();
  TimePoint start = monotonic_now();
  b.session->hurry(start + std::chrono::seconds(299));
  CHECK(b.say("NOOP\r\n").starts_with("250 "));
  b.shared->overloaded = true;
  b.session->hurry(start + std::chrono::seconds(5));
  CHECK_FALSE(b.ended);
  b.session->hurry(start + std::chrono::seconds(12));
  CHECK(b.take() == "421 4.4.2 mx.example.test Error: timeout exceeded\r\n");
  CHECK(b.ended);
  CHECK(b.logged("timeout after NOOP from unknown[198.51.100.7]"));
}

TEST_CASE("session: XVERP is for smtpd_authorized_verp_clients, and its delimiters are checked",
          "[smtpd][session][verp]") {
  Bench b;
  b.open();
  CHECK(b.say("MAIL FROM:<list@x.org> XVERP\r\n") == "555 5.5.4 Unsupported option: XVERP\r\n");
  b.shared->verp_clients = table::MatchList::parse({}, "hosts", "198.51.100.7", table::MatchKind::client);
  CHECK(b.say("EHLO client.example.org\r\n").find(" XVERP\r\n") != std::string::npos);
  CHECK(b.say("MAIL FROM:<list@x.org> XVERP=ab\r\n") == "501 5.5.4 Error: XVERP needs two characters from -=+\r\n");
  CHECK(b.say("MAIL FROM:<list@x.org> XVERP=+\r\n") == "501 5.5.4 Error: XVERP needs two characters from -=+\r\n");
  CHECK(b.say("MAIL FROM:<> XVERP\r\n") == "503 5.5.4 Error: XVERP requires non-null sender\r\n");
  for (auto [parameter, delimiters] : {std::pair{"XVERP", "+="}, {"xverp=-=", "-="}}) {
    CHECK(b.say("MAIL FROM:<list@x.org> " + std::string(parameter) + "\r\n") == "250 2.1.0 Ok\r\n");
    deliver(b, "x\r\n.\r\n");
    CHECK(b.cleanup.messages.back().envelope.attribute("verp_delimiters") == delimiters);
  }
  b.say("MAIL FROM:<list@x.org>\r\n");
  deliver(b, "x\r\n.\r\n");
  CHECK(b.cleanup.messages.back().envelope.attribute("verp_delimiters").empty());
}
