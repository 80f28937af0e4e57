// smtpd_proxy_filter: a session in front of a filter that follows a script.
#include <catch2/catch.hpp>

#include "smtpd/filter/link.h"
#include "tests/smtp-client/scripted_server.h"
#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

namespace {

constexpr const char* kHello =
    "S: 220 filter.test ESMTP\nC: EHLO mx.example.test\nS: 250-filter.test\nS: 250-8BITMIME\nS: 250 XFORWARD NAME ADDR "
    "HELO SOURCE\nC: XFORWARD NAME=[UNAVAILABLE] ADDR=198.51.100.7 HELO=client.example.org SOURCE=REMOTE\nS: 250 ok\n"
    "C: MAIL FROM:<s@x.org> SIZE=9\nS: 250 ok\n";
constexpr const char* kWhole = "C: RCPT TO:<alice@example.test>\nS: 250 ok\nC: DATA\nS: 354 go\nC.\n";

struct FilteredBench : Bench {
  explicit FilteredBench(std::vector<std::string> settings = {}) : Bench(std::move(settings)) {
    filter.server = *FilterServer::parse("127.0.0.1:" + std::to_string(server.port()), "/");
    params.proxy_filter = filter.server.text;
    shared->filter = &filter;
  }
  ~FilteredBench() { disconnect(); }
  /// Says something and waits for as many lines of reply.
  std::string ask(std::string_view bytes, int lines = 1) {
    send(bytes);
    std::string out;
    for (int round = 0; round < 4000 && std::ranges::count(out, '\n') < lines; ++round) {
      usleep(250);
      out += take();
    }
    return out;
  }
  void greet() {
    connect();
    take();
    say("EHLO client.example.org\r\n");
  }
  /// A whole message; gives the reply to its end.
  std::string post(std::string_view text) {
    greet();
    say("MAIL FROM:<s@x.org> SIZE=9\r\n");
    std::string rcpt = ask("RCPT TO:<alice@example.test>\r\n");
    if (!rcpt.starts_with("2")) return rcpt;
    std::string data = ask("DATA\r\n");
    if (!data.starts_with("3")) return data;
    return ask(text);
  }

  smtp_client::ScriptedServer server;
  dns::FakeResolver names;
  Filter filter{.server = {}, .resolver = names, .ehlo = "mx.example.test", .timeout = std::chrono::seconds(2)};
};

size_t count(std::string_view text, std::string_view what) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++found;
  return found;
}

std::string form(std::string_view text) {
  auto server = FilterServer::parse(text, "/spool");
  if (!server) return "wrong";
  return server->unix_path.empty() ? server->host + ":" + std::to_string(server->port) : server->unix_path;
}

}  // namespace

TEST_CASE("filter server: hosts, ports and sockets are read, and nothing else", "[smtpd][proxy]") {
  CHECK(form("192.0.2.9:10025") == "192.0.2.9:10025");
  CHECK(form("inet:filter.test:10025") == "filter.test:10025");
  CHECK(form("10025") == "127.0.0.1:10025");
  CHECK(form(":10025") == "127.0.0.1:10025");
  CHECK(form("localhost:10025") == "127.0.0.1:10025");
  CHECK(form("[2001:db8::1]:25") == "2001:db8::1:25");
  CHECK(form("unix:filter/socket") == "/spool/filter/socket");
  CHECK(form("unix:/run/filter") == "/run/filter");
  for (auto wrong : {"", "host:", "host:0", "host:65536", "host:smtp", "unix:"}) CHECK(form(wrong) == "wrong");
}

TEST_CASE("filter: it gets the client's commands, XFORWARD and the text, and its reply is the client's",
          "[smtpd][proxy]") {
  FilteredBench b;
  b.server.scripts = {std::string(kHello) + kWhole + "S: 250-2.0.0 clean\nS: 250 2.0.0 queued as F1\nC: QUIT\n"};
  CHECK(b.post("Subject: x\r\n\r\n..dot\nlf\rcr\r\n.\r\n") == "250-2.0.0 clean\r\n250 2.0.0 queued as F1\r\n");
  CHECK(b.say("QUIT\r\n") == "221 2.0.0 Bye\r\n");
  CHECK(b.server.problems == std::vector<std::string>{});
  REQUIRE(b.server.texts.size() == 1);
  const std::string& text = b.server.texts[0];
  CHECK(
      text.starts_with("Received: from client.example.org (unknown [198.51.100.7])\r\n\tby mx.example.test (Umaya) "
                       "with ESMTP\r\n\tfor <alice@example.test>; "));
  CHECK(text.ends_with("Subject: x\r\n\r\n..dot\r\nlf cr\r\n"));
  CHECK(b.cleanup.messages.empty());
  CHECK(b.logged("NOQUEUE: client=unknown[198.51.100.7]"));
  CHECK(
      b.logged("proxy-accept: END-OF-MESSAGE: 250-2.0.0 clean; from=<s@x.org> to=<alice@example.test> proto=ESMTP "
               "helo=<client.example.org>"));
}

TEST_CASE("filter: what it refuses is refused with its words, at RCPT, DATA and the end", "[smtpd][proxy]") {
  FilteredBench b;
  b.server.scripts = {std::string(kHello) +
                      "C*\nS: 450 4.2.1 later\nC: RCPT TO:<bob@example.test>\nS: 250 ok\n"
                      "C: DATA\nS: 354 go\nC.\nS: 554 5.7.1 <virus> found\n"};
  b.greet();
  b.say("MAIL FROM:<s@x.org> SIZE=9\r\n");
  CHECK(b.ask("RCPT TO:<alice@example.test>\r\n") == "450 4.2.1 later\r\n");
  CHECK(b.ask("RCPT TO:<nosuch@example.test>\r\n").starts_with("550 5.1.1 "));  // ours: the filter does not see it
  CHECK(b.ask("RCPT TO:<bob@example.test>\r\n") == "250 2.1.5 Ok\r\n");
  CHECK(b.ask("DATA\r\n").starts_with("354 "));
  CHECK(b.ask("x\r\n.\r\n") == "554 5.7.1 <virus> found\r\n");
  CHECK(b.server.problems == std::vector<std::string>{});
  CHECK(b.logged("proxy-reject: END-OF-MESSAGE: 554 5.7.1 <virus> found; from=<s@x.org> to=<bob@example.test>"));
  CHECK(b.logged("rejected \"RCPT TO:<alice@example.test>\": \"450 4.2.1 later\""));
  CHECK(b.say("RSET\r\n") == "250 2.0.0 Ok\r\n");

  FilteredBench soft;
  soft.filter.soft_bounce = true;
  soft.server.scripts = {std::string(kHello) + kWhole + "S: 554 5.7.1 no\n"};
  CHECK(soft.post("x\r\n.\r\n") == "454 4.7.1 no\r\n");

  FilteredBench mail;
  std::string hello(kHello);
  mail.server.scripts = {hello.substr(0, hello.rfind("S: ")) + "S: 553 5.1.8 not from you\n"};
  CHECK(mail.post("") == "553 5.1.8 not from you\r\n");
  CHECK(mail.ask("RCPT TO:<bob@example.test>\r\n") == "553 5.1.8 not from you\r\n");
  CHECK(mail.server.connections == 1);

  FilteredBench data;
  data.server.scripts = {hello + "C*\nS: 250 ok\nC: DATA\nS: 451 4.3.1 full\n"};
  CHECK(data.post("") == "451 4.3.1 full\r\n");
}

TEST_CASE("filter: whatever goes wrong with it is a temporary error, and strangers hear no details", "[smtpd][proxy]") {
  const std::string trouble = "451 4.3.0 Error: queue file write error\r\n";
  std::string hello(kHello);
  const std::vector<std::string> scripts = {
      "CLOSE",
      "S: 554 5.7.1 go away\n",
      "S: 220 x\nC*\nS: 500 5.5.1 what?\n",
      "S: garbage\n",
      hello + "CLOSE",
      hello + "C*\nS: 354 out of step\n",
      hello + "C*\nS: 250 ok\nC*\nS: 250 out of step\n",
      hello + kWhole + "CLOSE",
      hello + kWhole + "S: 354 out of step\n",
      hello + kWhole + "S: 250-ok\nCLOSE",
  };
  for (const std::string& script : scripts) {
    INFO(script);
    FilteredBench b;
    b.server.scripts = {script};
    CHECK(b.post("x\r\n.\r\n") == trouble);
    CHECK(b.say("QUIT\r\n") == "221 2.0.0 Bye\r\n");
  }
  FilteredBench nobody;
  nobody.filter.server = *FilterServer::parse("127.0.0.1:1", "/");
  CHECK(nobody.post("") == trouble);
  CHECK(nobody.logged("connect to proxy filter 127.0.0.1:1: "));
  FilteredBench unknown;
  unknown.filter.server = *FilterServer::parse("filter.nowhere.test:25", "/");
  CHECK(unknown.post("") == trouble);
  FilteredBench slow;
  slow.filter.timeout = std::chrono::milliseconds(100);
  slow.server.scripts = {hello + kWhole + "HANG"};
  CHECK(slow.post("x\r\n.\r\n") == trouble);
  CHECK(slow.logged("timeout talking to proxy 127.0.0.1:"));
}

TEST_CASE("filter: a message that is given up half way is never ended for it", "[smtpd][proxy]") {
  FilteredBench b({"message_size_limit = 1000"});
  b.server.scripts = {std::string(kHello) + kWhole, std::string(kHello) + kWhole};
  b.post("half of a mess");
  b.disconnect();
  CHECK(b.server.texts.empty());
  CHECK(b.post(std::string(2000, 'x') + "\r\n.\r\n") == "552 5.3.4 Error: message file too big\r\n");
  CHECK(b.server.texts.empty());
  CHECK(b.cleanup.messages.empty());
}

TEST_CASE("filter: BDAT goes to it as DATA", "[smtpd][proxy]") {
  FilteredBench b;
  b.server.scripts = {std::string(kHello) + kWhole + "S: 250 2.0.0 fine\n", std::string(kHello) +
                                                                                "C*\nS: 250 ok\n"
                                                                                "C: DATA\nS: 450 4.3.1 busy\n"};
  b.greet();
  b.say("MAIL FROM:<s@x.org> SIZE=9\r\n");
  b.ask("RCPT TO:<alice@example.test>\r\n");
  CHECK(b.ask("BDAT 4\r\n.\r\nx") == "250 2.0.0 Ok: 4 bytes\r\n");
  CHECK(b.ask("BDAT 2 LAST\r\n\r\n") == "250 2.0.0 fine\r\n");
  REQUIRE(b.server.texts.size() == 1);
  CHECK(b.server.texts[0].ends_with("\r\n..\r\nx\r\n"));
  b.say("MAIL FROM:<s@x.org> SIZE=9\r\n");
  b.ask("RCPT TO:<alice@example.test>\r\n");
  CHECK(b.ask("BDAT 3\r\nabc") == "450 4.3.1 busy\r\n");
  CHECK(b.say("NOOP\r\n") == "250 2.0.0 Ok\r\n");
}

TEST_CASE("filter: with speed_adjust it is not called before the message is complete", "[smtpd][proxy]") {
  FilteredBench b;
  b.filter.speed_adjust = true;
  b.server.scripts = {std::string(kHello) + kWhole + "S: 250 2.0.0 fine\n"};
  b.greet();
  b.say("MAIL FROM:<s@x.org> SIZE=9\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
  const std::string line = std::string(70, 'x') + "\r\n";
  std::string large;
  while (large.size() < 500'000) large += line;
  b.send(large);
  CHECK(b.server.connections == 0);
  CHECK(b.filter.waiting > 400'000);
  CHECK(b.ask("end\r\n.\r\n") == "250 2.0.0 fine\r\n");
  CHECK(b.filter.waiting == 0);
  REQUIRE(b.server.texts.size() == 1);
  CHECK(b.server.texts[0].ends_with(large + "end\r\n"));
  CHECK(b.server.problems == std::vector<std::string>{});
  // A client that goes away leaves nothing in memory.
  b.greet();
  b.say("MAIL FROM:<s@x.org> SIZE=9\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
  b.send(large);
  CHECK(b.filter.waiting > 400'000);
  b.disconnect();
  CHECK(b.filter.waiting == 0);
  CHECK(b.server.connections == 1);
}

TEST_CASE("filter: with speed_adjust, what does not fit into memory goes through while it arrives", "[smtpd][proxy]") {
  FilteredBench b;
  b.filter.speed_adjust = true;
  b.filter.waiting = 64 * 1024 * 1024;  // of others
  b.server.scripts = {std::string(kHello) + kWhole + "S: 250 2.0.0 fine\n"};
  b.greet();
  b.say("MAIL FROM:<s@x.org> SIZE=9\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
  std::string large;
  while (large.size() < 200'000) large += "0123456789\r\n";
  b.send(large);
  CHECK(b.server.connections == 1);
  CHECK(b.ask(".\r\n") == "250 2.0.0 fine\r\n");
  REQUIRE(b.server.texts.size() == 1);
  CHECK(b.server.texts[0].ends_with(large));
  CHECK(b.filter.waiting == 64 * 1024 * 1024);
  // One refused recipient refuses the message: the client can no longer be told which.
  FilteredBench one;
  one.filter.speed_adjust = true;
  one.server.scripts = {std::string(kHello) + "C*\nS: 250 ok\nC*\nS: 550 5.1.1 not bob\n"};
  one.greet();
  one.say("MAIL FROM:<s@x.org> SIZE=9\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n");
  CHECK(one.ask("x\r\n.\r\n") == "550 5.1.1 not bob\r\n");
  CHECK(one.filter.waiting == 0);
}

TEST_CASE("S2 filter: no end of data that a client can think of ends the message for the filter or behind it",
          "[smtpd][proxy][attack]") {
  const std::vector<std::string> marks = {"\r\n", "\n", "\r", "\r\r\n", "\n\r", "\r\n\r"};
  const std::string inner = "MAIL FROM:<evil@x.org>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nsmuggled\r\n.\r\n";
  for (const char* mode : {"normalize", "note", "no"}) {
    for (size_t pair = 0; pair < marks.size() * marks.size(); ++pair) {
      const std::string& before = marks[pair / marks.size()];
      const std::string& after = marks[pair % marks.size()];
      if (before.ends_with("\r\n") && after.starts_with("\r\n")) continue;  // a real end of data
      INFO(mode << " pair " << pair);
      FilteredBench b({std::string("smtpd_forbid_bare_newline = ") + mode, "smtpd_hard_error_limit = 1000"});
      b.filter.speed_adjust = pair % 2 == 1;
      b.server.scripts = {std::string(kHello) + kWhole + "S: 250 2.0.0 fine\n"};
      CHECK(b.post("Subject: a\r\n\r\ntext" + before + "." + after + inner) == "250 2.0.0 fine\r\n");
      REQUIRE(b.server.texts.size() == 1);
      // What stood on the wire: no bare CR, no bare LF, and every dot at the start of a line doubled.
      const std::string& wire = b.server.texts[0];
      CHECK(count(wire, "\n") == count(wire, "\r\n"));
      CHECK(count(wire, "\r") == count(wire, "\r\n"));
      CHECK(count(wire, "\r\n.\r\n") == 0);
      // The smtpd behind a filter that passes on what it was given, and trusts it in every way.
      Bench second({"smtpd_forbid_bare_newline = no"});
      second.open("s@x.org");
      second.say("RCPT TO:<alice@example.test>\r\nDATA\r\n");
      second.say(wire + ".\r\n");
      CHECK(second.cleanup.messages.size() == 1);
    }
  }
}

TEST_CASE("S2 filter: a command with control characters is not passed on", "[smtpd][proxy][attack]") {
  FilteredBench b;
  b.greet();
  CHECK(b.ask("MAIL FROM:<s@x.org> SIZE=9\rRCPT TO:<x@y>\r\n").starts_with("5"));
  CHECK(b.ask("MAIL FROM:<\"s\rx\"@x.org>\r\n").starts_with("5"));
  b.say("MAIL FROM:<s@x.org> SIZE=9\r\n");
  CHECK(b.ask("RCPT TO:<\"a\\\rb\"@example.test>\r\n").starts_with("5"));
  CHECK(b.server.connections == 0);
}

TEST_CASE("filter: actions that only cleanup can do are said to be without effect", "[smtpd][proxy]") {
  FilteredBench b({"smtpd_recipient_restrictions = check_recipient_access inline:{alice@example.test=DISCARD}"});
  b.server.scripts = {std::string(kHello) + kWhole + "S: 250 2.0.0 fine\n"};
  CHECK(b.post("x\r\n.\r\n") == "250 2.0.0 fine\r\n");
  CHECK(b.logged("with smtpd_proxy_filter, HOLD, DISCARD, FILTER, REDIRECT and BCC have no effect"));
}

TEST_CASE("filter: sendmail -bs does without it", "[smtpd][proxy]") {
  FilteredBench b;
  b.connect(Mode::stand_alone);
  b.take();
  b.say("EHLO x\r\nMAIL FROM:<s@x.org>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
  CHECK(b.ask("x\r\n.\r\n").starts_with("250 2.0.0 Ok: queued as "));
  CHECK(b.server.connections == 0);
  CHECK(b.cleanup.messages.size() == 1);
}
