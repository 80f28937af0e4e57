#include "tests/smtp-client/delivery_fixture.h"

using namespace umaya;
using namespace umaya::smtp_client;

namespace {

const std::string kMail =
    "C: MAIL FROM:<a@me.example>\nS: 250 ok\nC: RCPT TO:<b@d.example>\nS: 250 ok\nC: DATA\nS: 354 go\nC.\n"
    "S: 250 2.0.0 taken\n";
const std::string kRelay = "127.0.0.1[127.0.0.1]";

std::string hello(const std::string& mechanisms) {
  return "S: 220 mx.example ESMTP\nC: EHLO me.example\nS: 250-mx.example\nS: 250 AUTH " + mechanisms + "\n";
}
std::string plain(const std::string& user, const std::string& password) {
  return "C: AUTH PLAIN " + base64_encode('\0' + user + '\0' + password) + "\n";
}

struct SaslStory {
  explicit SaslStory(std::vector<std::string> scripts) {
    server.scripts = std::move(scripts);
    params = test_params(server.port());
    params.sasl.enable = true;
    params.sasl.password_maps = "inline:{ {127.0.0.1 = user:secret} }";
    params.sasl.cache_time = 1h;
  }
  std::string deliver(const std::string& sender = "a@me.example") {
    if (!fixture) {
      fixture = std::make_unique<DeliveryFixture>(params);
      Client& client = *fixture->client;
      client.security = SecurityRules(client.params.tls, client.params.sasl, {}, "smtp_", {});
    }
    fixture->prototype.envelope.sender = sender;
    return fixture->deliver("[127.0.0.1]", {"b@d.example"}).at(0);
  }

  ScriptedServer server;
  Params params;
  std::unique_ptr<DeliveryFixture> fixture;
};

std::string failed(std::string_view dsn, std::string_view text) {
  return "deferred " + std::string(dsn) + " SASL authentication failed; " + std::string(text);
}

}  // namespace

TEST_CASE("smtp sasl: PLAIN, LOGIN and CRAM-MD5 log in before the mail", "[smtp-client]") {
  SaslStory plain_story({hello("PLAIN LOGIN") + plain("user", "secret") + "S: 235 2.7.0 welcome\n" + kMail});
  CHECK(plain_story.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(plain_story.server.problems == Results{});
  SaslStory login({hello("LOGIN") + "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: " + base64_encode("user") +
                   "\nS: 334 UGFzc3dvcmQ6\nC: " + base64_encode("secret") + "\nS: 235 ok\n" + kMail});
  CHECK(login.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(login.server.problems == Results{});
  SaslStory cram({hello("CRAM-MD5") + "C: AUTH CRAM-MD5\nS: 334 " +
                  base64_encode("<1896.697170952@postoffice.reston.mci.net>") +
                  "\nC: " + base64_encode("tim b913a602c7eda7a495b4e6e7334d3890") + "\nS: 235 ok\n" + kMail});
  cram.params.sasl.password_maps = "inline:{ {[127.0.0.1] = tim:tanstaaftanstaaf} }";
  CHECK(cram.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(cram.server.problems == Results{});
}

TEST_CASE("smtp sasl: without an account, or an offer, both stay strangers", "[smtp-client]") {
  SaslStory no_account({hello("PLAIN") + kMail});
  no_account.params.sasl.password_maps = "inline:{ {other.example = user:secret} }";
  CHECK(no_account.deliver() == "sent 2.0.0 250 2.0.0 taken");
  SaslStory no_offer({"S: 220 mx.example ESMTP\nC: EHLO me.example\nS: 250-mx.example\nS: 250 8BITMIME\n" + kMail});
  CHECK(no_offer.deliver() == "sent 2.0.0 250 2.0.0 taken");
  SaslStory off({hello("PLAIN") + kMail});
  off.params.sasl.enable = false;
  CHECK(off.deliver() == "sent 2.0.0 250 2.0.0 taken");
}

TEST_CASE("smtp sasl: a refused log-in keeps the mail, or not, as configured", "[smtp-client]") {
  const std::string refusing = hello("PLAIN") + "C*\nS: 535 5.7.8 bad credentials\n";
  SaslStory soft({refusing});
  CHECK(soft.deliver() == failed("4.7.8", "server " + kRelay + " said: 535 5.7.8 bad credentials"));
  SaslStory hard({refusing});
  hard.params.sasl.soft_bounce = false;
  CHECK(hard.deliver() ==
        "bounced 5.7.8 SASL authentication failed; server " + kRelay + " said: 535 5.7.8 bad credentials");
  SaslStory later({hello("PLAIN") + "C*\nS: 454 4.7.0 backend is down\n"});
  CHECK(later.deliver() == failed("4.7.0", "server " + kRelay + " said: 454 4.7.0 backend is down"));
}

TEST_CASE("smtp sasl: a log-in that was refused is not tried again for a while", "[smtp-client]") {
  const std::string refusing = hello("PLAIN") + "C*\nS: 535 5.7.8 bad credentials\n";
  SaslStory s({refusing, hello("PLAIN")});
  s.params.sasl.cache_name = "btree:/var/lib/umaya/sasl_auth_cache";
  CHECK(s.deliver().starts_with("deferred 4.7.8 SASL authentication failed; "));
  CHECK(s.deliver() ==
        "deferred 4.7.8 SASL [CACHED] authentication failed; server " + kRelay + " said: 535 5.7.8 bad credentials");
  CHECK(std::ranges::count_if(s.server.seen, [](const std::string& l) { return l.starts_with("AUTH"); }) == 1);
}

TEST_CASE("smtp sasl: options and filter say which mechanisms may be used", "[smtp-client]") {
  SaslStory refused({hello("PLAIN LOGIN")});
  refused.params.sasl.options = auth::kNoPlaintext;
  CHECK(refused.deliver() == failed("4.7.0", "cannot authenticate to server " + kRelay + ": no mechanism available"));
  SaslStory odd({hello("GSSAPI")});
  CHECK(odd.deliver() == failed("4.7.0", "cannot authenticate to server " + kRelay + ": no mechanism available"));
}

TEST_CASE("A14 smtp sasl: a server that does not prove itself gets no mail", "[smtp-client]") {
  SaslStory early({hello("SCRAM-SHA-256") + "C*\nS: 235 2.7.0 come in\n"});
  CHECK(early.deliver() == failed("4.7.0", "cannot authenticate to server " + kRelay +
                                               ": the server did not prove that it knows the password"));
  SaslStory rounds({hello("SCRAM-SHA-256") + "C*\nS: 334 " + base64_encode("r=x,s=c2FsdA==,i=1000000000") +
                    "\nC: *\nS: 501 cancelled\n"});
  CHECK(rounds.deliver() == failed("4.7.0", "cannot authenticate to server " + kRelay +
                                                ": the server's first message names too many iterations"));
  CHECK(rounds.server.problems == Results{});
  SaslStory garbage({hello("CRAM-MD5") + "C*\nS: 334 !!!\nC: *\nS: 501 cancelled\n"});
  CHECK(garbage.deliver() == failed("4.7.0", "cannot authenticate to server " + kRelay + ": malformed challenge"));
  std::string endless =
      hello("LOGIN") + "C*\nS: 334 VXNlcm5hbWU6\nC*\nS: 334 UGFzc3dvcmQ6\nC*\nS: 334 TW9yZTo=\nC: *\n";
  SaslStory more({endless + "S: 501 ok\n"});
  CHECK(more.deliver() ==
        failed("4.7.0", "cannot authenticate to server " + kRelay + ": the server asks for more than LOGIN has"));
}

TEST_CASE("smtp sasl: each sender has an account of its own, and a connection serves one of them", "[smtp-client]") {
  const std::string mail = "C*\nS: 250 ok\nC*\nS: 250 ok\nC*\nS: 354 go\nC.\nS: 250 2.0.0 taken\n";
  SaslStory s({hello("PLAIN") + plain("one", "first") + "S: 235 ok\n" + mail + mail,
               hello("PLAIN") + plain("two", "second") + "S: 235 ok\n" + mail,
               hello("PLAIN") + plain("user", "secret") + "S: 235 ok\n" + mail});
  s.params.sasl.sender_dependent = true;
  s.params.sasl.password_maps =
      "inline:{ {a@one.example = one:first} {@two.example = two:second} {127.0.0.1 = user:secret} }";
  CHECK(s.deliver("a@one.example") == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.deliver("a@one.example") == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.deliver("x@two.example") == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.deliver("x@three.example") == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.server.connections == 3);
  CHECK(s.server.problems == Results{});
}

TEST_CASE("smtp sasl: neither name nor password stands in the log or in a reason", "[smtp-client]") {
  SaslStory s({hello("PLAIN") + "C*\nS: 535 5.7.8 no\n"});
  s.params.sasl.password_maps = "inline:{ {127.0.0.1 = somebody:topsecret} }";
  const std::string result = s.deliver();
  CHECK(result.find("topsecret") == std::string::npos);
  for (std::string_view word : {"somebody", "topsecret"}) CHECK_FALSE(s.fixture->logged(word));
  CHECK_FALSE(s.fixture->logged(base64_encode(std::string("\0somebody\0topsecret", 19))));
}

TEST_CASE("smtp sasl: AUTH=<> and another delimiter are sent when asked for", "[smtp-client]") {
  SaslStory s({hello("PLAIN") + plain("us:er", "sec") + "S: 235 ok\nC: MAIL FROM:<a@me.example> AUTH=<>\nS: 250 ok\n" +
               kMail.substr(kMail.find("C: RCPT"))});
  s.params.sasl.dummy_mail_auth = true;
  s.params.sasl.delimiter = "|";
  s.params.sasl.password_maps = "inline:{ {127.0.0.1 = us:er|sec} }";
  CHECK(s.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.server.problems == Results{});
}

TEST_CASE("smtp sasl: a table of passwords that cannot be asked keeps the mail", "[smtp-client]") {
  SaslStory s({});
  s.params.sasl.password_maps = "fail:x";
  CHECK(s.deliver() == "deferred 4.3.0 SASL password lookup error");
  CHECK(s.server.connections == 0);
}
