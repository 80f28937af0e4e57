// Q19: whatever a server does, the mail is neither lost nor bounced for it, and we neither crash nor wait without end.
#include "tests/smtp-client/delivery_fixture.h"

using namespace umaya;
using namespace umaya::smtp_client;

namespace {

struct Row {
  const char* what;
  std::string script;
  std::string result;  // what the result must begin with
};

const std::string kAccepted = "C*\nC*\nC*\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\n";
const std::string kSent = "sent 2.";

// Short limits, so that silence is met within the test.
Params hasty(uint16_t port) {
  Params p = test_params(port);
  p.helo_timeout = p.mail_timeout = p.rcpt_timeout = p.data_init_timeout = p.data_done_timeout = 300ms;
  return p;
}

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.what);
    ScriptedServer server;
    server.scripts = {row.script};
    DeliveryFixture f(hasty(server.port()));
    const TimePoint start = monotonic_now();
    std::string result = f.deliver("[127.0.0.1]", {"b@d.example"}).at(0);
    INFO(result);
    CHECK(result.starts_with(row.result));
    CHECK(monotonic_now() - start < 3s);
  }
}

}  // namespace

TEST_CASE("Q19 hostile server: replies that are none", "[smtp-client]") {
  check_rows({
      {"non-digits", "S: hello\n", "deferred 4.5.0 Protocol error: host 127.0.0.1[127.0.0.1] sent no SMTP reply while"},
      {"code of two digits", "S: 22 hello\n", "deferred 4.5.0"},
      {"code out of range", "S: 999 hello\n", "deferred 4.5.0"},
      {"NUL in the code", std::string("S: 2\0200 x\n", 10), "deferred 4.5.0"},
      {"code changes in the middle", "S: 220-a\nS: 250 b\n", "deferred 4.5.0"},
      {"empty line", "S: \n", "deferred 4.5.0"},
  });
}

TEST_CASE("Q19 hostile server: replies without end", "[smtp-client]") {
  check_rows({
      {"a line of 10 MiB", "S- 220 " + std::string(1000, 'x') + "\nREPEAT 10000 " + std::string(1000, 'x') + "\n",
       "deferred 4.5.0"},
      {"10^6 continuation lines", "REPEAT 1000000 220-x\n", "deferred 4.5.0"},
      {"a line that does not end", "S- 220 x\nHANG", "deferred 4.4.2 conversation with 127.0.0.1[127.0.0.1] timed out"},
      {"one byte now and then", "S- 2\nWAIT 150\nS- 2\nWAIT 150\nS- 0\nWAIT 150\nS-  \nWAIT 150\nS- x\nHANG",
       "deferred 4.4.2 conversation"},
      {"one line now and then", "S: 220-a\nWAIT 150\nS: 220-b\nWAIT 150\nS: 220-c\nWAIT 150\nS: 220-d\nHANG",
       "deferred 4.4.2 conversation"},
      {"EHLO with 10^4 keywords", "S: 220 x ESMTP\nC*\nREPEAT 10000 250-KEYWORD\nS: 250 SIZE\n", "deferred 4.5.0"},
  });
}

TEST_CASE("Q19 hostile server: closes at each stage", "[smtp-client]") {
  check_rows({
      {"greeting", "CLOSE",
       "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while receiving the initial server greeting"},
      {"EHLO", "S: 220 x\nC*\nCLOSE",
       "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while performing the EHLO"},
      {"in the EHLO reply", "S: 220 x\nC*\nS: 250-x\nS- 250-PIPE\nCLOSE", "deferred 4.4.2 lost connection"},
      {"HELO", "S: 220 x\nC*\nS: 500 no\nC*\nCLOSE",
       "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while performing the HELO"},
      {"MAIL", kHello + "C*\nC*\nC*\nCLOSE",
       "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while sending MAIL FROM"},
      {"RCPT", kHello + "C*\nC*\nC*\nS: 250 ok\nCLOSE",
       "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while sending RCPT TO"},
      {"DATA", kHello + "C*\nC*\nC*\nS: 250 ok\nS: 250 ok\nCLOSE",
       "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while sending DATA command"},
      {"end of text", kHello + kAccepted + "CLOSE",
       "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while sending end of data -- message may be sent more "
       "than once"},
  });
}

TEST_CASE("Q19 hostile server: silent at each stage", "[smtp-client]") {
  const std::string timed_out = "deferred 4.4.2 conversation with 127.0.0.1[127.0.0.1] timed out while ";
  check_rows({
      {"greeting", "HANG", timed_out + "receiving the initial server greeting"},
      {"EHLO", "S: 220 x\nHANG", timed_out + "performing the EHLO handshake"},
      {"MAIL", kHello + "HANG", timed_out + "sending MAIL FROM"},
      {"DATA", kHello + "C*\nC*\nC*\nS: 250 ok\nS: 250 ok\nHANG", timed_out + "sending DATA command"},
      {"end of text", kHello + kAccepted + "HANG",
       timed_out + "sending end of data -- message may be sent more than once"},
  });
}

TEST_CASE("Q19 hostile server: replies that do not fit the command", "[smtp-client]") {
  check_rows({
      {"220 in place of 250", kHello + "C*\nC*\nC*\nS: 220 ok\nS: 220 ok\nS: 354 go\nC.\nS: 220 done\n", kSent},
      {"354 to MAIL", kHello + "C*\nC*\nC*\nS: 354 go\nS: 503 x\nS: 503 x\n",
       "deferred 4.5.0 Protocol error: host 127.0.0.1[127.0.0.1] said: 354 go (in reply to MAIL FROM command)"},
      {"250 to DATA", kHello + "C*\nC*\nC*\nS: 250 ok\nS: 250 ok\nS: 250 ok\n", "deferred 4.5.0 Protocol error"},
      {"354 to the end of the text", kHello + kAccepted + "S: 354 more\n", "deferred 4.5.0 Protocol error"},
      {"354 although nobody was accepted", kHello + "C*\nC*\nC*\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go\nC.\nS: 554 x\n",
       "bounced 5.1.1"},
      {"a reply before the command", kHello + "S: 250 early\nC*\n", "deferred 4.5.0"},
      {"421 to RCPT", kHello + "C*\nC*\nC*\nS: 250 ok\nS: 421 4.3.2 bye\nCLOSE",
       "deferred 4.3.2 host 127.0.0.1[127.0.0.1] said: 421 4.3.2 bye (in reply to RCPT TO command)"},
      {"421 while the text comes", kHello + kAccepted + "S: 421 4.3.0 shutting down\nCLOSE", "deferred 4.3.0"},
      {"SIZE that is no number",
       "S: 220 x ESMTP\nC*\nS: 250-x\nS: 250 SIZE lots\nC*\nS: 250 ok\nC*\nS: 250 ok\nC*\n"
       "S: 354 go\nC.\nS: 250 done\n",
       kSent},
  });
}

TEST_CASE("Q19 hostile server: status codes are those of this reply and of its class", "[smtp-client]") {
  check_rows({
      {"class does not fit", kHello + "C*\nC*\nC*\nS: 250 2.1.0 ok\nS: 550 2.1.5 no\nS: 503 x\n", "bounced 5.0.0 "},
      {"none in this reply, one in the last", kHello + "C*\nC*\nC*\nS: 250 2.1.0 ok\nS: 450 later\nS: 503 5.5.1 x\n",
       "deferred 4.0.0 "},
      {"nothing after the code", kHello + "C*\nC*\nC*\nS: 250\nS: 550\nS: 503\n", "bounced 5.0.0 host"},
      {"code too long", kHello + "C*\nC*\nC*\nS: 250 ok\nS: 550 5.1111.1 x\nS: 503\n", "bounced 5.0.0 "},
      {"552 of an old server means later", kHello + "C*\nC*\nC*\nS: 250 ok\nS: 552 too many\nS: 503\n",
       "deferred 4.0.0 "},
  });
}

TEST_CASE("Q19 hostile server: reply text stays text in the log and in the report", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {kHello + "C*\nC*\nC*\nS: 250 ok\nS: 550-5.1.1 a\rQID: to=<x>\x1b[2J\nS: 550 5.1.1 b\nS: 503 x\n"};
  DeliveryFixture f(hasty(server.port()));
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example"}) ==
        Results{"bounced 5.1.1 host 127.0.0.1[127.0.0.1] said: 550-5.1.1 a?QID: to=<x>?[2J 550 5.1.1 b (in reply to "
                "RCPT TO command)"});
  for (const std::string& line : f.lines) CHECK(line.find_first_of("\r\n\x1b") == std::string::npos);
}

TEST_CASE("Q19 hostile server: refuses and says why while the text is still coming", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {
      "S: 220 x ESMTP\nC*\nS: 250-x\nS: 250 PIPELINING\nC*\nC*\nC*\nS: 250 ok\nS: 250 ok\nS: 354 go\nC*\nS: 554 5.7.1 "
      "virus\nCLOSE"};
  DeliveryFixture f(hasty(server.port()));
  std::string big = "Subject: x\r\n\r\n";
  while (big.size() < 8 * 1024 * 1024)
    big += "line of a large message ...............................................\r\n";
  std::string result = f.deliver("[127.0.0.1]", {"b@d.example"}, big).at(0);
  INFO(result);
  const bool told = result.starts_with("bounced 5.7.1 host 127.0.0.1[127.0.0.1] said: 554 5.7.1 virus");
  const bool cut =
      result.starts_with("deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while sending message body");
  CHECK((told || cut));  // a reset may overtake the words
}

TEST_CASE("Q19 hostile server: offers BDAT and does not know it", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {
      "S: 220 x ESMTP\nC*\nS: 250-x\nS: 250-PIPELINING\nS: 250 CHUNKING\nC*\nC*\nC*\nIN 21\n"
      "S: 250 ok\nS: 250 ok\nS: 502 5.5.2 what\nS: 500 x\nS: 500 x\n",
      "S: 220 x ESMTP\nC*\nS: 250-x\nS: 250-PIPELINING\nS: 250 CHUNKING\nC*\nC*\nC: DATA\nS: 250 ok\n"
      "S: 250 ok\nS: 354 go\nC.\nS: 250 done\n"};
  DeliveryFixture f(hasty(server.port()));
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example"})[0].starts_with("deferred 4.5.2 "));
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example"})[0].starts_with("sent "));
  CHECK(server.problems == Results{});
}

TEST_CASE("Q20 names to client: a greeting with our own name is a loop", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {"S: 220 me.example ESMTP\nC*\nS: 250 ME.example\n"};
  // Loop detection belongs to port 25; the hello is tried on its own here.
  auto run = [](uint16_t port) -> event::Task<std::optional<Failure>> {
    event::PeerAddress to;
    net::Endpoint at{*net::IpAddress::parse("127.0.0.1"), port};
    to.size = at.to_sockaddr(to.storage);
    auto fd = co_await event::connect_to(to, 1s);
    Peer peer;
    peer.host = "mx.example";
    peer.address = "127.0.0.1";
    Session session(std::move(*fd), peer);
    Hello hello;
    hello.name = hello.own_name = "me.example";
    hello.nexthop = "d.example";
    hello.timeout = 1s;
    co_return co_await greet(session, hello);
  };
  auto failure = event::run_until_done(run(server.port()));
  REQUIRE(failure);
  CHECK(failure->dsn == "5.4.6");
  CHECK(failure->text == "mail for d.example loops back to myself");
}
