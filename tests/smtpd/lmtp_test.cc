#include <catch2/catch.hpp>

#include "tests/smtpd/lmtp_bench.h"

using namespace umaya;
using namespace umaya::smtpd;
using services::delivery::Status;

static const std::string kText = "Subject: x\r\n\r\nbody\r\n";

/// A message as another server's queue hands it over.
static std::string queued_text(const std::string& id) {
  return "Received: from a (a [192.0.2.1])\r\n\tby front.example.org (Postfix) with ESMTP id " + id + "; " +
         rfc5322_date(wall_seconds() - 300) + "\r\n" + kText;
}

static std::vector<std::string> lines_of(std::string text) {
  std::vector<std::string> lines;
  for (size_t end; (end = text.find("\r\n")) != std::string::npos; text.erase(0, end + 2)) {
    lines.push_back(text.substr(0, end));
  }
  return lines;
}

/// "250 451 550": the codes of the replies.
static std::string codes(const std::string& text) {
  std::string out;
  for (const std::string& line : lines_of(text)) out += (out.empty() ? "" : " ") + line.substr(0, 3);
  return out;
}

TEST_CASE("lmtp session: LHLO opens it, and the verbs of SMTP do not exist", "[smtpd][lmtp]") {
  LmtpBench b;
  b.connect();
  CHECK(b.take() == "220 mx.example.test LMTP Umaya\r\n");
  CHECK(b.say("MAIL FROM:<s@x.org>\r\n") == "503 5.5.1 Error: send LHLO first\r\n");
  for (const char* verb : {"HELO c", "EHLO c", "ETRN example.test", "AUTH PLAIN"}) {
    CHECK(b.say(std::string(verb) + "\r\n") == "500 5.5.2 Error: command not recognized\r\n");
  }
  CHECK(b.say("LHLO\r\n") == "501 5.5.4 Syntax: LHLO hostname\r\n");
  CHECK(b.say("LHLO client.example.org\r\n") ==
        "250-mx.example.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ENHANCEDSTATUSCODES\r\n"
        "250-8BITMIME\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n");
  CHECK(codes(b.say("MAIL FROM:<s@x.org> BODY=8BITMIME SIZE=100 SMTPUTF8\r\n")) == "250");
  CHECK(codes(b.say("RCPT TO:<alice@example.test> NOTIFY=SUCCESS\r\n")) == "555");
  CHECK(codes(b.say("RSET\r\n")) == "250");
  CHECK(codes(b.say("MAIL FROM:<s@x.org> RET=FULL\r\n")) == "555");
  Bench smtp;
  smtp.connect();
  smtp.take();
  CHECK(codes(smtp.say("LHLO c\r\n")) == "500");
}

TEST_CASE("lmtp session: only hosts of mynetworks and who may open the socket are served", "[smtpd][lmtp]") {
  LmtpBench b;
  b.client.trusted = false;
  b.connect();
  CHECK(b.take() == "554 5.7.1 Client host rejected: 198.51.100.7 is not in mynetworks\r\n");
  CHECK(b.ended);
  CHECK(b.logged("NOQUEUE: reject: CONNECT from unknown[198.51.100.7]: 554 5.7.1"));
  b.client.local_socket = true;
  b.connect();
  CHECK(codes(b.take()) == "220");
}

TEST_CASE("lmtp session: RCPT asks the mailbox, and says what it says", "[smtpd][lmtp]") {
  LmtpBench b;
  b.begin({});
  CHECK(b.say("RCPT TO:<alice@example.test>\r\n") == "250 2.1.5 Ok\r\n");
  CHECK(b.say("RCPT TO:<unknown@box.test>\r\n") == "550 5.1.1 <unknown@box.test> unknown user: \"unknown\"\r\n");
  CHECK(b.say("RCPT TO:<full@box.test>\r\n") == "452 4.2.2 <full@box.test> the mailbox is full\r\n");
  CHECK(b.say("RCPT TO:<overfull@box.test>\r\n") == "552 5.2.2 <overfull@box.test> the mailbox is full\r\n");
  CHECK(b.say("RCPT TO:<broken@box.test>\r\n") == "451 4.3.0 <broken@box.test> no table\r\n");
  CHECK(b.script.questions == 5);
  CHECK(b.say("RCPT TO:<x@fails.test>\r\n") == "451 4.3.0 <x@fails.test>: Temporary lookup failure\r\n");
  CHECK(codes(b.say("RCPT TO:<a@relay.test>\r\n")) == "550");
  CHECK(codes(b.say("RCPT TO:<info@virtual.test>\r\n")) == "550");
  CHECK(codes(b.say("RCPT TO:<a@foreign.org>\r\n")) == "550");
  CHECK(codes(b.say("RCPT TO:<a%foreign.org@example.test>\r\n")) == "550");
  CHECK(b.say("RCPT TO:<moved@box.test>\r\n") ==
        "550 5.1.6 <moved@box.test>: Recipient address rejected: User has moved to new@x.org\r\n");
  CHECK(b.say("VRFY <unknown@box.test>\r\n").starts_with("550 5.1.1"));
  CHECK(b.say("VRFY <alice@example.test>\r\n") == "252 2.0.0 alice@example.test\r\n");
  CHECK(b.script.questions == 7);
  CHECK(b.logged("reject: RCPT from unknown[198.51.100.7]: 550 5.1.1 <unknown@box.test> unknown user"));
}

TEST_CASE("lmtp session: XCLIENT and XFORWARD are for listed hosts, and take no rights away",
          "[smtpd][lmtp][xclient]") {
  LmtpBench b;
  table::Options options;
  for (auto* hosts : {&b.shared->xclient_hosts, &b.shared->xforward_hosts}) {
    *hosts = table::MatchList::parse(options, "hosts", "198.51.100.7", table::MatchKind::client);
  }
  b.shared->classify = [](Client& client) { client.trusted = false; };
  b.connect();
  b.take();
  std::string offered = b.say("LHLO c\r\n");
  CHECK(offered.find("XCLIENT NAME ADDR PROTO HELO") != std::string::npos);
  CHECK(b.say("XCLIENT ADDR=192.0.2.99 PROTO=LMTP HELO=front.example.org\r\n") == "220 mx.example.test LMTP Umaya\r\n");
  CHECK(codes(b.say("LHLO front.example.org\r\n")) == codes(b.say("LHLO front.example.org\r\n")));
  b.say("MAIL FROM:<s@x.org>\r\n");
  CHECK(codes(b.say("RCPT TO:<alice@example.test>\r\n")) == "250");
  CHECK(codes(b.deliver(kText)) == "250");
  CHECK(b.script.handed.at(0).request.envelope.attribute("client_address") == "192.0.2.99");
  CHECK(b.script.handed.at(0).text.starts_with("Received: from front.example.org (unknown [192.0.2.99])"));
}

TEST_CASE("lmtp session: refused recipients are no errors of the client", "[smtpd][lmtp]") {
  LmtpBench b({"smtpd_hard_error_limit = 5", "smtpd_soft_error_limit = 3", "smtpd_error_sleep_time = 100s"});
  b.begin({});
  for (int i = 0; i < 50; ++i) CHECK(codes(b.say("RCPT TO:<unknown@box.test>\r\n")) == "550");
  CHECK(b.say("RCPT TO:<alice@example.test>\r\n") == "250 2.1.5 Ok\r\n");
  for (int i = 0; i < 6; ++i) b.say("NONSENSE\r\n");
  CHECK(b.session != nullptr);  // it waits out its errors: those count
}

TEST_CASE("lmtp session: each accepted recipient has a reply, in the order of RCPT", "[smtpd][lmtp]") {
  LmtpBench b;
  b.script.at_end["late"] = result_of(Status::deferred, "4.2.0", "the disk is gone");
  b.script.at_end["huge"] = result_of(Status::bounced, "5.2.2", "the message is larger than\nthe limit");
  b.script.at_end["loop"] = result_of(Status::bounced, "5.4.6", "mail forwarding loop");
  b.script.silent = {};
  b.begin({"alice@example.test", "unknown@box.test", "late@box.test", "huge@example.test", "carol@box.test",
           "loop@box.test"});
  std::string replies = b.deliver(kText);
  auto lines = lines_of(replies);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "250 2.0.0 <alice@example.test> delivered to maildir");
  CHECK(lines[1] == "451 4.2.0 <late@box.test> the disk is gone");
  CHECK(lines[2] == "552 5.2.2 <huge@example.test> the message is larger than?the limit");
  CHECK(lines[3] == "250 2.0.0 <carol@box.test> delivered to maildir");
  CHECK(lines[4] == "554 5.4.6 <loop@box.test> mail forwarding loop");
  // One request for each agent, the message as it came, our header on top.
  REQUIRE(b.script.handed.size() == 2);
  for (const Handed& handed : b.script.handed) {
    CHECK(
        handed.text.starts_with("Received: from client.example.org (unknown [198.51.100.7])\r\n\tby mx.example.test"));
    CHECK(handed.text.find(" with LMTP id ") != std::string::npos);
    CHECK(handed.text.find("for <") == std::string::npos);
    CHECK(handed.text.ends_with(kText));
    CHECK(handed.request.envelope.sender == "s@x.org");
    CHECK(handed.request.envelope.attribute("protocol_name") == "LMTP");
  }
  CHECK(b.script.handed[0].request.transport == "local");
  CHECK(b.script.handed[1].request.transport == "virtual");
  CHECK(b.cleanup.messages.empty());
  CHECK(b.say("NOOP\r\n") == "250 2.0.0 Ok\r\n");
}

TEST_CASE("lmtp session: DATA and BDAT without a recipient are 503 (RFC 2033 4.2)", "[smtpd][lmtp]") {
  LmtpBench b;
  b.begin({"unknown@box.test"});
  CHECK(b.say("DATA\r\n") == "503 5.5.1 Error: no valid recipients\r\n");
  CHECK(b.say("BDAT 3 LAST\r\nabc") == "503 5.5.1 Error: no valid recipients\r\n");
}

TEST_CASE("lmtp session: the last chunk has a reply for each recipient, the others one", "[smtpd][lmtp]") {
  LmtpBench b({"message_size_limit = 1000"});
  b.begin({"alice@example.test", "carol@box.test"});
  CHECK(b.say("BDAT 12\r\nSubject: x\r\n") == "250 2.0.0 Ok: 12 bytes\r\n");
  CHECK(codes(b.say("BDAT 8 LAST\r\n\r\nbody\r\n")) == "250 250");
  CHECK(b.script.handed.at(0).text.ends_with(kText));
  b.begin({"alice@example.test", "carol@box.test"});
  CHECK(codes(b.say("BDAT 1001 LAST\r\n" + std::string(1001, 'x'))) == "552 552");
  CHECK(codes(b.say("NOOP\r\n")) == "250");
  b.begin({"alice@example.test", "carol@box.test"});
  CHECK(codes(b.say("BDAT 1001\r\n" + std::string(1001, 'x'))) == "552");
  CHECK(codes(b.say("BDAT 0 LAST\r\n")) == "503");
}

TEST_CASE("lmtp session: what is wrong with the message as a whole is said for each recipient", "[smtpd][lmtp]") {
  LmtpBench b({"message_size_limit = 3000", "hopcount_limit = 4", "smtpd_forbid_bare_newline = reject"});
  std::vector<std::string> both = {"alice@example.test", "carol@box.test"};
  b.begin(both);
  CHECK(codes(b.deliver(std::string(3001, 'x') + "\r\n")) == "552 552");
  b.begin(both);
  CHECK(b.deliver(std::string("a: b\r\n\r\nx\0y\r\n", 13)) ==
        "550 5.6.0 Error: NUL octet in message content\r\n550 5.6.0 Error: NUL octet in message content\r\n");
  b.begin(both);
  CHECK(codes(b.deliver("Received: a\r\nReceived: b\r\nReceived: c\r\n\r\nx\r\n")) == "554 554");
  b.begin(both);
  CHECK(codes(b.deliver("Received: a\r\nReceived: b\r\n\r\nReceived: c\r\n")) == "250 250");
  b.begin(both);
  CHECK(codes(b.deliver("a: b\nc: d\r\n\r\nx\r\n")) == "550 550");
  CHECK(b.ended);
  CHECK(b.script.handed.size() == 2);
}

TEST_CASE("S1 S2 lmtp session: 36 ends of data with a dialogue behind each give one message, never two",
          "[smtpd][lmtp][attack]") {
  const std::vector<std::string> marks = {"\r\n", "\n", "\r", "\r\r\n", std::string("\r\0\n", 3), "\n\r"};
  // All clients of LMTP are trusted ones; that must not make them excepted.
  for (const char* mode : {"normalize", "reject", "note", "no"}) {
    LmtpBench b({std::string("smtpd_forbid_bare_newline = ") + mode, "smtpd_hard_error_limit = 1000",
                 "smtpd_forbid_bare_newline_exclusions = 198.51.100.7"});
    for (size_t a = 0; a < marks.size(); ++a) {
      for (size_t c = 0; c < marks.size(); ++c) {
        b.script.handed.clear();
        b.begin({"alice@example.test"});
        b.say("DATA\r\n");
        std::string inner = "MAIL FROM:<evil@x.org>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nsmuggled\r\n.\r\n";
        b.say("Subject: a\r\n\r\ntext" + marks[a] + "." + marks[c] + inner + ".\r\n");
        INFO(mode << " pair " << a << " " << c);
        size_t smuggled = 0;
        for (const Handed& handed : b.script.handed) smuggled += handed.request.envelope.sender == "evil@x.org";
        bool real_end = (a == 0 || a == 3) && c == 0;
        if (!real_end) CHECK(smuggled == 0);
        b.disconnect();
      }
    }
  }
}

TEST_CASE("S2 lmtp session: a client that never sends CR ends no text with LF.LF", "[smtpd][lmtp][attack]") {
  LmtpBench b({"smtpd_forbid_bare_newline = no"});
  b.connect();
  b.take();
  for (const char* line : {"LHLO c\n", "MAIL FROM:<s@x.org>\n", "RCPT TO:<alice@example.test>\n"}) {
    CHECK(codes(b.say(line)).starts_with("250"));
  }
  CHECK(codes(b.say("DATA\n")) == "354");
  CHECK(b.say("a: b\n\ntext\n.\n") == "");
  CHECK(codes(b.say("\r\n.\r\n")) == "250");
}

TEST_CASE("lmtp session: a thousand recipients go in requests of fifty, and all are answered in order",
          "[smtpd][lmtp]") {
  LmtpBench b;
  b.begin({});
  std::string commands;
  for (int i = 0; i < 1000; ++i) commands += "RCPT TO:<user" + std::to_string(i) + "@box.test>\r\n";
  std::string said = b.say(commands);
  for (int round = 0; round < 1000 && codes(said).size() < 1000 * 4 - 1; ++round) said += b.take();
  CHECK(lines_of(said).size() == 1000);
  CHECK(codes(b.say("RCPT TO:<one.more@box.test>\r\n")) == "452");
  b.script.at_end["user500"] = result_of(Status::deferred, "4.2.0", "not now");
  std::string replies = b.deliver(kText);
  for (int round = 0; round < 1000 && lines_of(replies).size() < 1000; ++round) replies += b.take();
  auto lines = lines_of(replies);
  REQUIRE(lines.size() == 1000);
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string wanted =
        i == 500 ? "451 4.2.0 <user500@box.test>" : "250 2.0.0 <user" + std::to_string(i) + "@box.test>";
    CHECK(lines[i].starts_with(wanted));
  }
  CHECK(b.script.handed.size() == 1000 / Delivery::kBatch);
  for (const Handed& handed : b.script.handed) CHECK(handed.addresses.size() == Delivery::kBatch);
}

TEST_CASE("lmtp session: a recipient that is named twice gets one copy and two replies", "[smtpd][lmtp]") {
  LmtpBench b;
  b.begin({"alice@example.test", "carol@box.test", "alice@example.test"});
  CHECK(codes(b.deliver(kText)) == "250 250 250");
  CHECK(b.delivered_to("alice@example.test") == 1);
}

TEST_CASE("lmtp session: agents that are missing, die or say nothing are 451", "[smtpd][lmtp]") {
  LmtpBench b({"lmtpd_local_transport = gone"});
  CHECK(b.begin({"alice@example.test"}) == "451 4.3.0 <alice@example.test> mail transport unavailable\r\n");
  LmtpBench c;
  c.begin({"alice@example.test", "quiet@example.test", "carol@box.test"});
  c.script.silent = {"quiet"};
  c.script.deaths = 1;  // a second process takes over what the first left
  CHECK(codes(c.deliver(kText)) == "250 451 250");
  CHECK(c.logged("to=<quiet@example.test>, relay=none"));
  c.begin({"alice@example.test"});
  c.script.deaths = 2;
  CHECK(codes(c.deliver(kText)) == "451");
  CHECK(c.logged("status=deferred (mail transport local unavailable)"));
  CHECK(codes(c.say("NOOP\r\n")) == "250");
}

TEST_CASE("lmtp session: soft_bounce makes 4xx of every 5xx of a mailbox", "[smtpd][lmtp]") {
  LmtpBench b({"soft_bounce = yes"});
  CHECK(b.begin({"unknown@box.test"}).starts_with("450 4.1.1"));
}

TEST_CASE("lmtp session: more than lmtpd_user_concurrency_limit deliveries to a user are 451", "[smtpd][lmtp]") {
  LmtpBench b({"lmtpd_user_concurrency_limit = 2"});
  auto first = b.mailboxes->take_seat("carol@box.test");
  CHECK(b.begin({"carol+list@box.test"}) == "250 2.1.5 Ok\r\n");
  // Its own further recipients of that user count with it.
  CHECK(b.say("RCPT TO:<Carol@box.test>\r\n") == "250 2.1.5 Ok\r\n");
  CHECK_FALSE(b.mailboxes->take_seat("carol@box.test"));
  CHECK(codes(b.deliver(kText)) == "250 250");
  auto second = b.mailboxes->take_seat("carol@box.test");
  CHECK(second);
  CHECK(b.begin({"carol@box.test"}) == "451 4.3.0 <carol@box.test> Too many concurrent deliveries for this user\r\n");
  CHECK(b.say("RCPT TO:<dave@box.test>\r\n") == "250 2.1.5 Ok\r\n");
}

TEST_CASE("lmtp session: messages beyond lmtpd_memory_limit are 452, one alone never", "[smtpd][lmtp]") {
  LmtpBench b({"lmtpd_memory_limit = 2000"});
  b.begin({"alice@example.test", "carol@box.test"});
  CHECK(codes(b.deliver("a: b\r\n\r\n" + std::string(5000, 'x') + "\r\n")) == "250 250");
  CHECK(b.mailboxes->memory().held == 0);
  b.mailboxes->memory().held = 1500;
  CHECK(b.begin({"alice@example.test"}) == "250 2.1.5 Ok\r\n");
  CHECK(b.deliver("a: b\r\n\r\n" + std::string(1000, 'x') + "\r\n") == "452 4.3.1 Error: insufficient memory\r\n");
  CHECK(codes(b.say("MAIL FROM:<s@x.org> SIZE=1000\r\n")) == "452");
  b.mailboxes->memory().held = 0;
  CHECK(codes(b.say("MAIL FROM:<s@x.org> SIZE=5000\r\n")) == "250");
  CHECK(codes(b.say("RCPT TO:<alice@example.test>\r\n")) == "250");
  CHECK(b.script.announced == 5000);
}

TEST_CASE("L25 lmtp session: a message of a queue that comes again after a cut is not delivered again",
          "[smtpd][lmtp][attack]") {
  LmtpBench b;
  b.script.at_end["late"] = result_of(Status::deferred, "4.2.0", "not now");
  std::string text = queued_text("4F0A1BC23DE");
  auto cut = [&](const std::string& message, const std::string& sender) {
    b.begin({"alice@example.test", "late@box.test"}, sender);
    b.say("DATA\r\n");
    b.send(message + ".\r\n");
    b.disconnect();  // before a reply was read
  };
  cut(text, "s@x.org");
  CHECK(b.delivered_to("alice@example.test") == 1);
  b.begin({"alice@example.test", "late@box.test"});
  b.script.at_end.clear();
  CHECK(b.deliver(text) ==
        "250 2.0.0 <alice@example.test> delivered to maildir before\r\n"
        "250 2.0.0 <late@box.test> delivered to maildir\r\n");
  CHECK(b.delivered_to("alice@example.test") == 1);
  CHECK(b.delivered_to("late@box.test") == 2);
  CHECK(b.logged("to=<alice@example.test>, relay=none, "));
  // Other text, sender or recipient: another message.
  cut(text, "other@x.org");
  CHECK(b.delivered_to("alice@example.test") == 2);
  b.begin({"bob@example.test"});
  CHECK(b.deliver(text) == "250 2.0.0 <bob@example.test> delivered to maildir\r\n");
  b.begin({"alice@example.test"});
  CHECK(b.deliver(queued_text("4F0A1BC23DF")) == "250 2.0.0 <alice@example.test> delivered to maildir\r\n");
}

TEST_CASE("L25 lmtp session: replies that were read are not remembered; what has no trace is two messages",
          "[smtpd][lmtp][attack]") {
  LmtpBench b;
  std::string text = queued_text("4F0A1BC23DE");
  b.begin({"alice@example.test"});
  CHECK(codes(b.deliver(text)) == "250");
  b.say("QUIT\r\n");
  CHECK(b.mailboxes->unconfirmed().size() == 0);
  // A client that says its next command without waiting has not read anything.
  b.begin({"alice@example.test"});
  b.say("DATA\r\n");
  CHECK(codes(b.say(text + ".\r\nQUIT\r\n")) == "250 221");
  CHECK(b.mailboxes->unconfirmed().size() == 1);
  size_t before = b.delivered_to("bob@example.test");
  for (int i = 0; i < 2; ++i) {
    b.begin({"bob@example.test"});
    b.say("DATA\r\n");
    b.send(kText + ".\r\n");
    b.disconnect();
  }
  CHECK(b.delivered_to("bob@example.test") == before + 2);
  CHECK(b.mailboxes->unconfirmed().size() == 1);
}

TEST_CASE("L25 lmtp session: a message that comes again while it is delivered is 451", "[smtpd][lmtp][attack]") {
  LmtpBench b;
  std::string text = queued_text("4F0A1BC23DE");
  services::Recipient alice;
  alice.address = "alice@example.test";
  // The key as the first try has it.
  b.begin({"alice@example.test"});
  CHECK(codes(b.deliver(text)) == "250");
  b.say("QUIT\r\n");
  std::string key = services::delivery_key(b.script.handed.back().request.envelope, alice);
  REQUIRE(b.mailboxes->unconfirmed().begin(key) == Unconfirmed::Known::no);
  b.begin({"alice@example.test", "bob@example.test"});
  CHECK(codes(b.deliver(text)) == "451 250");
  b.mailboxes->unconfirmed().end(key);
  b.begin({"alice@example.test"});
  CHECK(codes(b.deliver(text)) == "250");
}

TEST_CASE("lmtp trace: the topmost Received field names the message", "[smtpd][lmtp]") {
  CHECK(received_time("from a by b; Thu, 26 Nov 2026 17:51:22 +0100 (CET)") == 1795711882);
  CHECK(received_time("by b;\r\n\t26 Nov 2026 16:51:22 +0000") == 1795711882);
  CHECK_FALSE(received_time("by b"));
  CHECK_FALSE(received_time("by b; yesterday"));
  CHECK_FALSE(received_time("by b; 26 Nov 2026 16:51:22"));
  const int64_t now = 1795711882 + 100;
  std::string text =
      "Received: by b; 26 Nov 2026 16:51:22 +0000\r\nReceived: x; never\r\nMessage-Id: <a@b>\r\n\r\nReceived: c";
  Trace trace = read_trace(text);
  CHECK(trace.hops == 2);
  CHECK(trace.message_id == "<a@b>");
  std::string origin = origin_from(trace, "s@x.org", text, 1000, now);
  CHECK(origin.starts_with("1795711882.L"));
  CHECK(origin.size() == 12 + 32);
  CHECK(origin_from(trace, "s@x.org", text, 1000, now) == origin);
  CHECK(origin_from(trace, "t@x.org", text, 1000, now) != origin);
  CHECK(origin_from(trace, "s@x.org", text, 1001, now) != origin);
  CHECK(origin_from(trace, "s@x.org", text + "d", 1000, now) != origin);
  CHECK(origin_from(trace, "s@x.org", text, 1000, now + 90 * 86400).empty());
  CHECK(origin_from(trace, "s@x.org", text, 1000, now - 90 * 86400).empty());
  CHECK(origin_from(read_trace("Subject: x\r\n\r\n"), "s@x.org", text, 1000, now).empty());
}

TEST_CASE("lmtp unconfirmed: the oldest deliveries are forgotten first", "[smtpd][lmtp]") {
  Unconfirmed known;
  for (int i = 0; i < 10'050; ++i) known.remember("key" + std::to_string(i), "text");
  CHECK(known.size() == 10'000);
  CHECK(known.begin("key0") == Unconfirmed::Known::no);
  CHECK(known.begin("key0") == Unconfirmed::Known::running);
  CHECK(known.begin("key10049") == Unconfirmed::Known::delivered);
}
