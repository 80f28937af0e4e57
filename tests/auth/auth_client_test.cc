#include "libcommon/auth/auth_client.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "libcommon/auth/digest.h"
#include "libcommon/auth/sasl.h"
#include "libcommon/base/strings.h"
#include "tests/support/fake_auth_server.h"

using namespace umaya;
using namespace umaya::auth;
using namespace std::chrono_literals;
using test::FakeAuthServer;
using Kind = AuthClient::Step::Kind;

namespace {

std::string id_in(const std::string& line) {
  return std::string(AuthLine::parse(line).field(0));
}

AuthContext context_of(std::string service) {
  AuthContext context;
  context.service = std::move(service);
  return context;
}

AuthReply check(AuthClient& client, std::string user, std::string password) {
  return event::run_until_done(client.check_plain(std::move(user), Secret(std::move(password)), context_of("pop3")));
}

}  // namespace

TEST_CASE("auth client: the mechanisms of a server are known with their properties", "[auth][client]") {
  event::Loop loop;
  FakeAuthServer server([](const std::string&) { return std::nullopt; });
  AuthClient client(server.path());
  auto offered = event::run_until_done(client.mechanisms());
  REQUIRE(offered);
  REQUIRE(offered->size() == 4);
  CHECK((*offered)[0].name == "PLAIN");
  CHECK((*offered)[0].plaintext);
  CHECK(((*offered)[1].dictionary && (*offered)[1].active && !(*offered)[1].plaintext));
  CHECK((*offered)[2].is_private);
  CHECK((*offered)[3].channel_binding);
  // Asked once while the connection lives; a server that was started anew is asked again.
  (void)event::run_until_done(client.mechanisms());
  CHECK(server.connections == 1);
  server.drop_clients();
  CHECK(event::run_until_done(client.mechanisms()));
  CHECK(server.connections == 2);
}

TEST_CASE("auth client: no server is a temporary trouble", "[auth][client]") {
  event::Loop loop;
  AuthClient client("/nonexistent/auth");
  auto offered = event::run_until_done(client.mechanisms());
  REQUIRE(!offered);
  CHECK(offered.error().kind == ErrorKind::temporary);
  CHECK(check(client, "alice", "secret").status == AuthStatus::temporary);
}

TEST_CASE("auth client: PLAIN is one question, and failures keep their codes", "[auth][client]") {
  event::Loop loop;
  std::string reply;
  FakeAuthServer server([&](const std::string&) { return reply.empty() ? std::nullopt : std::optional(reply + "\n"); });
  AuthClient client(server.path());
  reply = "OK\t1\tuser=alice";
  AuthReply ok = check(client, "Alice", "secret");
  CHECK(ok.status == AuthStatus::ok);
  CHECK(ok.user == "alice");
  CHECK(ok.ticket.cookie == "c00c1e");
  CHECK(server.heard.back() ==
        "AUTH\t1\tPLAIN\tservice=pop3\tnologin\tresp=" + base64_encode(make_sasl_plain("Alice", "secret")));
  reply = "FAIL\t2\tuser=alice\tcode=user_disabled\treason=gone";
  AuthReply disabled = check(client, "alice", "x");
  CHECK(disabled.status == AuthStatus::failed);
  CHECK(disabled.code == "user_disabled");
  CHECK(disabled.reason == "gone");
  reply = "FAIL\t3\tcode=temp_fail";
  CHECK(check(client, "alice", "x").status == AuthStatus::temporary);
  reply = "FAIL\t4\ttemp";
  CHECK(check(client, "alice", "x").status == AuthStatus::temporary);
  reply = "";
  CHECK(check(client, "alice", "x").status == AuthStatus::temporary);
}

TEST_CASE("auth client: an exchange of several steps ends with the server's last word", "[auth][client]") {
  event::Loop loop;
  int step = 0;
  FakeAuthServer server([&](const std::string& line) -> std::optional<std::string> {
    ++step;
    if (step == 1) return "CONT\t" + id_in(line) + "\t" + base64_encode("r=nonce") + "\n";
    if (step == 2) return "CONT\t99\tAAAA\nCONT\t" + id_in(line) + "\t" + base64_encode("v=proof") + "\n";
    return "OK\t" + id_in(line) + "\tuser=alice\n";
  });
  AuthClient client(server.path());
  std::unique_ptr<AuthClient::Exchange> exchange;
  AuthContext context = context_of("smtp");
  context.keep = true;
  context.remote = "192.0.2.7";
  context.remote_port = 4711;
  context.secured = true;
  context.channel_binding_type = "tls-exporter";
  context.channel_binding_data = "data";
  auto first = event::run_until_done(
      client.begin(&exchange, "scram-sha-256", std::string("n,,n=alice,r=x"), std::move(context)));
  CHECK(first.kind == Kind::challenge);
  CHECK(first.challenge == "r=nonce");
  // This server has not said that it takes our extension.
  CHECK(server.heard.back() == "AUTH\t1\tSCRAM-SHA-256\tservice=smtp\trip=192.0.2.7\trport=4711\tsecured\tresp=" +
                                   base64_encode("n,,n=alice,r=x"));
  auto second = event::run_until_done(client.go_on(exchange.get(), "c=biws"));
  CHECK(second.challenge == "v=proof");
  auto last = event::run_until_done(client.go_on(exchange.get(), ""));
  CHECK(last.kind == Kind::done);
  CHECK(last.reply.status == AuthStatus::ok);
  CHECK(last.reply.ticket.request == 1);
  CHECK(server.heard.back() == "CONT\t1\t");
  // The connection is free again.
  step = 2;
  CHECK(check(client, "alice", "x").status == AuthStatus::ok);
  CHECK(server.connections == 1);
}

TEST_CASE("auth client: what binds the channel goes to a server that takes it", "[auth][client]") {
  event::Loop loop;
  FakeAuthServer server([](const std::string& line) { return "OK\t" + id_in(line) + "\tuser=alice\n"; },
                        "VERSION\t1\t3\nMECH\tEXTERNAL\nUMAYA\tbinding\nDONE\n");
  AuthClient client(server.path());
  std::unique_ptr<AuthClient::Exchange> exchange;
  AuthContext context = context_of("pop3");
  context.cert_username = "alice";
  context.channel_binding_type = "tls-exporter";
  context.channel_binding_data = "data";
  auto step = event::run_until_done(client.begin(&exchange, "EXTERNAL", std::string(), std::move(context)));
  CHECK(step.reply.status == AuthStatus::ok);
  CHECK(server.heard.back() ==
        "AUTH\t1\tEXTERNAL\tservice=pop3\tnologin\tvalid-client-cert\tcert_username=alice\t"
        "umaya_binding=tls-exporter:ZGF0YQ==\tresp==");
  auto unknown = event::run_until_done(client.begin(&exchange, "GSSAPI", std::nullopt, context_of("pop3")));
  CHECK(unknown.reply.status == AuthStatus::failed);
  CHECK(unknown.reply.code == "auth_mech_invalid");
}

TEST_CASE("auth client: S32 giving up one exchange leaves the others alone", "[auth][client]") {
  event::Loop loop;
  FakeAuthServer server([](const std::string& line) -> std::optional<std::string> {
    AuthLine parsed = AuthLine::parse(line);
    if (parsed.field(1) == "PLAIN") return "OK\t" + id_in(line) + "\tuser=alice\n";
    if (parsed.verb() == "CONT") return "FAIL\t" + id_in(line) + "\n";
    return "CONT\t" + id_in(line) + "\t\n";
  });
  AuthClient client(server.path());
  std::unique_ptr<AuthClient::Exchange> one, two;
  auto begin = [&](std::unique_ptr<AuthClient::Exchange>& exchange) {
    return event::run_until_done(client.begin(&exchange, "SCRAM-SHA-256", std::nullopt, context_of("pop3")));
  };
  CHECK(begin(one).kind == Kind::challenge);
  CHECK(begin(two).kind == Kind::challenge);
  client.cancel(*one);
  CHECK(check(client, "alice", "x").status == AuthStatus::ok);
  CHECK(server.heard[server.heard.size() - 2] == "CANCEL\t1");
  CHECK(event::run_until_done(client.go_on(two.get(), "x")).reply.status == AuthStatus::failed);
  one.reset();
  CHECK(check(client, "alice", "x").status == AuthStatus::ok);
  auto after = event::run_until_done(client.go_on(two.get(), "x"));
  CHECK(after.reply.status == AuthStatus::temporary);
}

TEST_CASE("auth client: a server that was started anew is asked once more", "[auth][client]") {
  event::Loop loop;
  int answers = 0;
  FakeAuthServer server([&](const std::string& line) -> std::optional<std::string> {
    if (++answers == 2) return std::nullopt;
    return "OK\t" + id_in(line) + "\tuser=alice\n";
  });
  AuthClient client(server.path());
  CHECK(check(client, "alice", "x").status == AuthStatus::ok);
  CHECK(check(client, "alice", "x").status == AuthStatus::ok);
  CHECK(answers == 3);
  CHECK(server.connections == 2);
}

// Run by tests/e2e/auth_peers_test.py: the user is alice, her password secret.
TEST_CASE("auth client: SCRAM, LOGIN and CRAM-MD5 with the server behind UMAYA_AUTH_SOCKET", "[.][dovecot]") {
  const char* path = std::getenv("UMAYA_AUTH_SOCKET");
  REQUIRE(path != nullptr);
  event::Loop loop;
  AuthClient client(path);
  auto offered = event::run_until_done(client.mechanisms());
  REQUIRE(offered);
  std::unique_ptr<AuthClient::Exchange> exchange;
  auto begin = [&](std::string mechanism, std::optional<std::string> initial) {
    return event::run_until_done(client.begin(&exchange, mechanism, initial, context_of("smtp")));
  };
  auto go_on = [&](std::string answer) { return event::run_until_done(client.go_on(exchange.get(), answer)); };
  for (std::string password : {"secret", "wrong"}) {
    AuthStatus expected = password == "secret" ? AuthStatus::ok : AuthStatus::failed;
    for (auto [mechanism, hash] : {std::pair("SCRAM-SHA-1", Hash::sha1), std::pair("SCRAM-SHA-256", Hash::sha256)}) {
      INFO(mechanism << " with " << password);
      std::string bare = "n=alice,r=abcdefghijk";
      auto step = begin(mechanism, "n,," + bare);
      REQUIRE(step.kind == Kind::challenge);
      auto fields = split(step.challenge, ",");
      std::string salt = *base64_decode(fields[1].substr(2));
      std::string client_key = hmac(
          hash, pbkdf2(hash, password, salt, static_cast<uint32_t>(*parse_uint(fields[2].substr(2)))), "Client Key");
      std::string without = "c=biws," + std::string(fields[0]);
      std::string proof = hmac(hash, digest(hash, client_key), bare + "," + step.challenge + "," + without);
      for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
      step = go_on(without + ",p=" + base64_encode(proof));
      if (step.kind == Kind::challenge) {
        CHECK(step.challenge.starts_with("v="));
        step = go_on("");
      }
      CHECK(step.kind == Kind::done);
      CHECK(step.reply.status == expected);
    }
    CHECK(begin("LOGIN", std::nullopt).challenge.starts_with("Username:"));
    (void)go_on("alice");
    CHECK(go_on(password).reply.status == expected);
    std::string challenge = begin("CRAM-MD5", std::nullopt).challenge;
    CHECK(go_on("alice " + to_lower(hex_encode(hmac(Hash::md5, password, challenge)))).reply.status == expected);
  }
  // One that is given up does no harm to the next.
  REQUIRE(begin("LOGIN", std::nullopt).kind == Kind::challenge);
  client.cancel(*exchange);
  CHECK(check(client, "alice", "secret").status == AuthStatus::ok);
}
