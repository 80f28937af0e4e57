#include "smtp-client/delivery.h"

#include "tests/smtp-client/delivery_fixture.h"

using namespace umaya;
using namespace umaya::smtp_client;

TEST_CASE("smtp delivery: golden dialogue with a server of today", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {golden("plain.txt")};
  DeliveryFixture f(test_params(server.port()));
  f.dns->mx("d.example", 10, "mx.example").a("mx.example", "127.0.0.1");
  CHECK(f.deliver("d.example", {"b@d.example"}) == Results{"sent 2.0.0 250 2.0.0 Ok: queued as 3E1"});
  CHECK(server.problems == Results{});
  CHECK(server.texts == Results{"Subject: x\r\n\r\nHello\r\n"});
  const std::string relay = "relay=mx.example[127.0.0.1]:" + std::to_string(server.port());
  CHECK(f.logged("QID: to=<b@d.example>, " + relay + ", delay="));
  CHECK(f.logged("dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 3E1)"));
  CHECK(f.reply.results[0].remote_mta == "mx.example");
  CHECK(f.reply.results[0].action == services::delivery::Action::passed_on);
}

TEST_CASE("smtp delivery: golden dialogue with a server of old", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {golden("old.txt")};
  DeliveryFixture f(test_params(server.port()));
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example", "c@d.example"}) ==
        Results{"sent 2.0.0 250 done",
                "bounced 5.0.0 host 127.0.0.1[127.0.0.1] said: 550 no such user (in reply to RCPT TO command)"});
  CHECK(server.problems == Results{});
}

TEST_CASE("smtp delivery: golden dialogue with BDAT and DSN", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {golden("bdat.txt")};
  DeliveryFixture f(test_params(server.port()));
  f.prototype.envelope.envid = "e+id";
  f.prototype.envelope.ret = services::Return::headers;
  f.recipient_prototype.notify = services::kNotifySuccess | services::kNotifyFailure;
  f.recipient_prototype.dsn_original = "rfc822;b+x@d.example";
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example"}) == Results{"sent 2.0.0 250 2.0.0 Ok: 21 octets"});
  CHECK(server.problems == Results{});
  CHECK(server.texts == Results{"Subject: x\r\n\r\nHello\r\n"});
}

TEST_CASE("lmtp delivery: L25 each recipient has its own answer", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {golden("lmtp.txt")};
  DeliveryFixture f(test_params(server.port()), Protocol::lmtp);
  CHECK(f.deliver("inet:127.0.0.1", {"b@d.example", "c@d.example", "d@d.example"}) ==
        Results{"sent 2.0.0 250 2.0.0 stored",
                "bounced 5.1.1 host 127.0.0.1[127.0.0.1] said: 550 5.1.1 unknown (in reply to RCPT TO command)",
                "deferred 4.2.2 host 127.0.0.1[127.0.0.1] said: 452 4.2.2 mailbox full (in reply to end of DATA "
                "command)"});
  CHECK(server.problems == Results{});
  CHECK(f.reply.results[1].action == services::delivery::Action::delivered);
}

TEST_CASE("lmtp delivery: L25 connection cut after two of three answers", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {
      "S: 220 s\nC*\nS: 250-s\nS: 250 PIPELINING\nC*\nC*\nC*\nC*\nC*\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 ok\n"
      "S: 354 go\nC.\nS: 250 2.0.0 one\nS: 250 2.0.0 two\nCLOSE"};
  DeliveryFixture f(test_params(server.port()), Protocol::lmtp);
  CHECK(f.deliver("inet:127.0.0.1", {"b@d", "c@d", "d@d"}) ==
        Results{"sent 2.0.0 250 2.0.0 one", "sent 2.0.0 250 2.0.0 two",
                "deferred 4.4.2 lost connection with 127.0.0.1[127.0.0.1] while sending end of data -- message may be "
                "sent more than once"});
}

TEST_CASE("smtp delivery: an open connection takes the next message", "[smtp-client]") {
  ScriptedServer server;
  const std::string round = "C*\nC*\nC*\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 2.0.0 done\n";
  server.scripts = {kHello + round + round + round};
  DeliveryFixture f(test_params(server.port()));
  f.dns->mx("d.example", 10, "mx.example").a("mx.example", "127.0.0.1");
  for (int i = 0; i < 3; ++i) CHECK(f.deliver("d.example", {"b@d.example"}) == Results{"sent 2.0.0 250 2.0.0 done"});
  CHECK(server.connections == 1);
  CHECK(f.logged(", conn_use=3, delay="));
  CHECK(f.client->idle.size() == 1);
  CHECK(f.dns->asked <= 3);
}

TEST_CASE("smtp delivery: a connection that closed while it waited costs nothing", "[smtp-client]") {
  ScriptedServer server;
  const std::string round = "C*\nC*\nC*\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 2.0.0 done\n";
  server.scripts = {kHello + round + "S: 421 4.4.2 idle too long\nCLOSE", kHello + round + "C*\nCLOSE", kHello + round};
  DeliveryFixture f(test_params(server.port()));
  for (int i = 0; i < 3; ++i) {
    CHECK(f.deliver("[127.0.0.1]", {"b@d.example"}) == Results{"sent 2.0.0 250 2.0.0 done"});
  }
  CHECK(server.connections == 3);
}

TEST_CASE("smtp delivery: after a refused transaction the connection is reset before the next", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {kHello +
                    "C*\nC*\nC: DATA\nS: 250 ok\nS: 550 5.1.1 no\nS: 554 5.5.1 no valid recipients\n"
                    "C: RSET\nC: MAIL FROM:<a@me.example> SIZE=21\nC*\nC*\nS: 250 reset\nS: 250 ok\nS: 250 ok\n"
                    "S: 354 go\nC.\nS: 250 2.0.0 done\n"};
  DeliveryFixture f(test_params(server.port()));
  CHECK(f.deliver("[127.0.0.1]", {"x@d.example"})[0].starts_with("bounced 5.1.1 "));
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example"}) == Results{"sent 2.0.0 250 2.0.0 done"});
  CHECK(server.problems == Results{});
}

TEST_CASE("smtp delivery: B1 the next host is tried when the first cannot", "[smtp-client]") {
  ScriptedServer second("127.0.0.3");
  second.scripts = {kHello + "C*\nC*\nC*\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 2.0.0 done\n"};
  ScriptedServer first("127.0.0.2", second.port());
  DeliveryFixture f(test_params(second.port()));
  f.dns->mx("d.example", 10, "a.example").mx("d.example", 20, "b.example");
  f.dns->a("a.example", "127.0.0.2").a("b.example", "127.0.0.3");
  SECTION("it closes at once") {
    first.scripts = {"CLOSE"};
  }
  SECTION("it refuses to talk") {
    first.scripts = {"S: 554 5.7.1 go away"};
  }
  SECTION("it is busy") {
    first.scripts = {"S: 421 4.3.2 busy\nCLOSE"};
  }
  SECTION("it defers the recipient") {
    first.scripts = {kHello + "C*\nC*\nC*\nS: 250 ok\nS: 451 4.7.1 later\nS: 554 5.5.1 no recipients\n"};
  }
  SECTION("it defers the text") {
    first.scripts = {kHello + "C*\nC*\nC*\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 451 4.3.0 disk\n"};
  }
  CHECK(f.deliver("d.example", {"b@d.example"}) == Results{"sent 2.0.0 250 2.0.0 done"});
  CHECK(f.logged("QID: "));
  CHECK(f.logged("a.example[127.0.0.2]"));
}

TEST_CASE("smtp delivery: a definite no is not asked again elsewhere", "[smtp-client]") {
  ScriptedServer second("127.0.0.3");
  ScriptedServer first("127.0.0.2", second.port());
  first.scripts = {kHello + "C*\nC*\nC*\nS: 250 ok\nS: 550 5.1.1 unknown user\nS: 554 5.5.1 no recipients\n"};
  DeliveryFixture f(test_params(second.port()));
  f.dns->mx("d.example", 10, "a.example").mx("d.example", 20, "b.example");
  f.dns->a("a.example", "127.0.0.2").a("b.example", "127.0.0.3");
  CHECK(f.deliver("d.example", {"b@d.example"}) ==
        Results{"bounced 5.1.1 host a.example[127.0.0.2] said: 550 5.1.1 unknown user (in reply to RCPT TO command)"});
  CHECK(second.connections == 0);
}

TEST_CASE("smtp delivery: nobody there", "[smtp-client]") {
  DeliveryFixture f(test_params(1));
  f.dns->mx("d.example", 10, "a.example").a("a.example", "127.0.0.2");
  CHECK(f.deliver("d.example", {"b@d.example"}) ==
        Results{"deferred 4.4.1 connect to a.example[127.0.0.2]:1: Connection refused"});
  CHECK(f.logged("relay=none"));
  CHECK(f.reply.destination_failed);
  CHECK(f.reply.destination_dsn == "4.4.1");
}

TEST_CASE("smtp delivery: F6 what the name service says decides", "[smtp-client]") {
  DeliveryFixture f(test_params(1));
  CHECK(f.deliver("nope.example", {"b@nope.example"}) ==
        Results{"bounced 5.4.4 Host or domain name not found. Name service error for name=nope.example type=MX: Host "
                "not found"});
  f.dns->fail("d.example", dns::Type::mx, dns::Status::fail);
  CHECK(f.deliver("d.example", {"b@d.example"}) ==
        Results{"deferred 4.4.3 Host or domain name not found. Name service error for name=d.example type=MX: Host "
                "not found, try again"});
}

TEST_CASE("smtp delivery: B3 the fallback relay takes what cannot be delivered", "[smtp-client]") {
  ScriptedServer relay("127.0.0.4");
  const std::string script = kHello + "C*\nC*\nC*\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 2.0.0 done\n";
  relay.scripts = {script, script};
  Params params = test_params(relay.port());
  params.fallback_relay = {"[127.0.0.4]"};
  params.cache_on_demand = false;
  DeliveryFixture f(params);
  CHECK(f.deliver("nope.example", {"b@nope.example"}) == Results{"sent 2.0.0 250 2.0.0 done"});
  CHECK(f.deliver("[127.0.0.9]", {"b@x.example"}) == Results{"sent 2.0.0 250 2.0.0 done"});
  f.dns->mx("null.example", 0, ".");
  CHECK(f.deliver("null.example", {"b@null.example"})[0].starts_with("bounced 5.1.0 "));
  CHECK(relay.connections == 2);
}

TEST_CASE("smtp delivery: B3 a relayhost that does not exist is a mistake of ours", "[smtp-client]") {
  Params params = test_params(1);
  params.relayhost = "nope.example";
  DeliveryFixture f(params);
  CHECK(f.deliver("nope.example", {"b@x.example"})[0].starts_with("deferred 4.4.4 "));
  CHECK(f.logged("relayhost configuration problem"));
}

TEST_CASE("smtp delivery: limits on size and character set are told before anything is sent", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {"S: 220 s ESMTP\nC*\nS: 250-s\nS: 250 SIZE 10\n", kHello};
  Params params = test_params(server.port());
  DeliveryFixture f(params);
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example"}) ==
        Results{"bounced 5.3.4 message size 21 exceeds size limit 10 of server 127.0.0.1[127.0.0.1]"});
  CHECK(f.deliver("[127.0.0.1]", {"\xc3\xbc@d.example"}) ==
        Results{"bounced 5.6.7 SMTPUTF8 is required, but was not offered by host 127.0.0.1[127.0.0.1]"});
}

TEST_CASE("smtp delivery: soft_bounce keeps what would go back", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {kHello + "C*\nC*\nC*\nS: 250 ok\nS: 550 5.1.1 no\nS: 554 5.5.1 no\n"};
  Params params = test_params(server.port());
  params.soft_bounce = true;
  DeliveryFixture f(params);
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example"})[0].starts_with("deferred 4.1.1 host "));
  CHECK(f.logged("status=SOFTBOUNCE"));
}

TEST_CASE("smtp delivery: 8-bit text becomes quoted-printable where 8BITMIME is missing", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {
      "S: 220 s ESMTP\nC*\nS: 250 s\nC*\nS: 250 ok\nC*\nS: 250 ok\nC*\nS: 354 go\nC.\nS: 250 2.0.0 done\n"};
  DeliveryFixture f(test_params(server.port()));
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example"},
                  "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: 8bit\r\n\r\nb\xc3\xbc"
                  "cher = x\r\n.dot\r\n")[0]
            .starts_with("sent"));
  CHECK(server.texts == Results{"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                "Content-Transfer-Encoding: quoted-printable\r\n\r\nb=C3=BCcher =3D x\r\n..dot\r\n"});
}

TEST_CASE("smtp delivery: sendmail -bv asks about recipients and sends nothing", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {kHello +
                    "C: MAIL FROM:<a@me.example> SIZE=21\nC*\nC*\nS: 250 ok\nS: 250 2.1.5 fine\nS: 550 5.1.1 no\n"};
  DeliveryFixture f(test_params(server.port()));
  f.prototype.flags = services::delivery::kVerifyOnly;
  auto results = f.deliver("[127.0.0.1]", {"b@d.example", "c@d.example"});
  CHECK(results[0] == "sent 2.1.5 250 2.1.5 fine");
  CHECK(results[1].starts_with("bounced 5.1.1 "));
  CHECK(f.logged("status=deliverable"));
  CHECK(f.logged("status=undeliverable"));
  event::run_until_done([]() -> event::Task<void> { co_await event::sleep(20ms); }());
  CHECK(server.seen.back() == "QUIT");
}

TEST_CASE("lmtp delivery: over a Unix socket, named relative to the queue directory", "[smtp-client]") {
  const std::string name = "umaya-lmtp-" + std::to_string(getpid());
  ScriptedServer server(ScriptedServer::UnixPath{"/tmp/" + name});
  server.scripts = {
      "S: 220 s\nC: LHLO me.example\nS: 250 s\nC*\nS: 250 ok\nC*\nS: 250 ok\nC: DATA\nS: 354 go\nC.\nS: 250 kept\n"};
  Params params = test_params(24);
  params.queue_directory = "/tmp";
  DeliveryFixture f(params, Protocol::lmtp);
  CHECK(f.deliver("unix:" + name, {"b@d.example"}) == Results{"sent 2.0.0 250 kept"});
  CHECK(f.logged("relay=me.example[" + name + "], delay="));
  ::unlink(("/tmp/" + name).c_str());
  CHECK(f.deliver("unix:/tmp/nowhere", {"b@d.example"})[0].starts_with(
      "deferred 4.4.1 connect to me.example[/tmp/nowhere]: "));
}

TEST_CASE("smtp delivery: golden dialogue with XFORWARD and SMTPUTF8", "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {golden("xforward_utf8.txt")};
  Params params = test_params(server.port());
  params.send_xforward = true;
  DeliveryFixture f(params);
  f.prototype.envelope.sender = "\xc3\xbc@me.example";
  f.prototype.envelope.smtputf8 = true;
  f.prototype.envelope.attributes = {{"client_name", "pc5.lan"}, {"client_address", "192.0.2.5"}};
  CHECK(f.deliver("[127.0.0.1]", {"b c@d.example"}) == Results{"sent 2.0.0 250 done"});
  CHECK(server.problems == Results{});
}

TEST_CASE("smtp delivery: ten thousand recipients in groups that cannot block", "[smtp-client]") {
  ScriptedServer server;
  const int count = 10000;
  DeliveryFixture f(test_params(server.port()));
  std::vector<std::string> recipients;
  std::string lines = kHello;
  lines += "C*\n";
  int waiting = 1;  // MAIL; the server reads a whole group before it answers, and its answers are long
  for (int i = 0; i < count; ++i) {
    recipients.push_back("user" + std::to_string(i) + "@d.example");
    lines += "C*\n";
    if (++waiting < 54) continue;
    for (; waiting > 0; --waiting) lines += "S: 250 2.1.5 " + std::string(400, 'x') + "\n";
  }
  lines += "C: DATA\n";
  for (; waiting > 0; --waiting) lines += "S: 250 2.1.5 ok\n";
  lines += "S: 354 go\nC.\nS: 250 2.0.0 done\n";
  server.scripts = {lines};
  auto results = f.deliver("[127.0.0.1]", recipients);
  CHECK(server.problems == Results{});
  CHECK(std::ranges::count(results, "sent 2.0.0 250 2.0.0 done") == count);
}

TEST_CASE("smtp delivery: a server that defers over an open connection is not asked again in the same try",
          "[smtp-client]") {
  ScriptedServer server;
  server.scripts = {kHello +
                        "C*\nC*\nC*\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 2.0.0 done\n"
                        "C*\nC*\nC*\nS: 250 ok\nS: 450 4.7.1 greylisted\nS: 554 5.5.1 no recipients\n",
                    kHello};
  DeliveryFixture f(test_params(server.port()));
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example"}) == Results{"sent 2.0.0 250 2.0.0 done"});
  CHECK(f.deliver("[127.0.0.1]", {"b@d.example"})[0].starts_with("deferred 4.7.1 host 127.0.0.1"));
  CHECK(server.connections == 1);
  CHECK_FALSE(f.reply.destination_failed);
}

TEST_CASE("smtp delivery: mail for a domain of which we are the best MX goes to best_mx_transport", "[smtp-client]") {
  auto delivered = [](const std::string& best_mx_transport, const std::string& transport) {
    Params params = test_params(25);
    params.best_mx_transport = best_mx_transport;
    DeliveryFixture f(params);
    f.dns->mx("ours.test", 10, "me.example").mx("ours.test", 20, "backup.test").a("me.example", "192.0.2.1");
    f.prototype.transport = transport;
    auto results = f.deliver("ours.test", {"a@ours.test", "b@ours.test"});
    return f.reply.pass_to + "|" + results[0];
  };
  const std::string loop = "bounced 5.4.6 mail for ours.test loops back to myself";
  CHECK(delivered("", "smtp") == "|" + loop);
  CHECK(delivered("local", "smtp") == "local|");
  CHECK(delivered("relay:[inside.test]", "smtp") == "relay:[inside.test]|");
  CHECK(delivered("relay:[inside.test]", "relay") == "|" + loop);  // it was passed on once
}
