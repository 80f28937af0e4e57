#include "tests/smtp-client/delivery_fixture.h"

using namespace umaya;
using namespace umaya::smtp_client;
using umaya::tls::ClientLevel;

namespace {

const std::string kOffer = "S: 220 mx.example ESMTP\nC: EHLO me.example\nS: 250-mx.example\nS: 250 STARTTLS\n";
const std::string kStart = kOffer + "C: STARTTLS\nS: 220 go\nTLS\n";
const std::string kAgain = "C: EHLO me.example\nS: 250-mx.example\nS: 250 8BITMIME\n";
const std::string kMail =
    "C: MAIL FROM:<a@me.example>\nS: 250 ok\nC: RCPT TO:<b@d.example>\nS: 250 ok\nC: DATA\nS: 354 go\nC.\n"
    "S: 250 2.0.0 taken\n";
const std::string kHelloOnly = "S: 220 mx.example ESMTP\nC: EHLO me.example\nS: 250-mx.example\nS: 250 8BITMIME\n";
const std::string kHost = "mx.d.example[127.0.0.1]";

Params tls_params(uint16_t port, ClientLevel level) {
  Params p = test_params(port);
  p.tls.level = level;
  p.tls.log_level = tls::LogLevel::summary;
  p.tls.starttls_timeout = 2s;
  p.tls.session_timeout = 1h;
  p.tls.minimal_backoff = 300s;
  p.tls.verify_match = {"hostname"};
  p.tls.secure_match = {"nexthop", "dot-nexthop"};
  p.tls.common.medium_cipherlist = "aNULL:-aNULL:HIGH:MEDIUM";
  p.tls.common.auto_curves = "X25519 prime256v1";
  return p;
}

struct TlsStory {
  explicit TlsStory(std::vector<std::string> scripts, ClientLevel level = ClientLevel::may,
                    CertificateWish wish = {.names = {"mx.d.example"}})
      : tls(authority.issue(wish)) {
    server.tls = &tls;
    server.scripts = std::move(scripts);
    params = tls_params(server.port(), level);
    params.tls.ca_file = directory / "ca.pem";
    std::ofstream(params.tls.ca_file) << authority.certificate();
  }
  /// The result of one message to a domain whose exchanger is mx.d.example.
  std::string deliver(const std::string& nexthop = "d.example") {
    if (!fixture) {
      fixture = std::make_unique<DeliveryFixture>(params);
      fixture->dns->mx("d.example", 10, "mx.d.example").a("mx.d.example", "127.0.0.1");
      Client& client = *fixture->client;
      client.security = SecurityRules(client.params.tls, client.params.sasl, {}, "smtp_", {});
      client.open_tls();
      fixture->prototype.active_usec = waited_usec;
    }
    return fixture->deliver(nexthop, {"b@d.example"}).at(0);
  }

  test::TempDirectory directory;
  TestAuthority authority;
  TestTlsServer tls;
  ScriptedServer server;
  Params params;
  int64_t waited_usec = 0;  // of the message, before this try
  std::unique_ptr<DeliveryFixture> fixture;
};

std::string as_deferred(std::string_view dsn, std::string_view text) {
  return "deferred " + std::string(dsn) + ' ' + std::string(text);
}

}  // namespace

TEST_CASE("smtp tls: STARTTLS is used when it is offered, and EHLO said again", "[smtp-client]") {
  TlsStory s({kStart + kAgain + kMail});
  CHECK(s.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.server.problems == Results{});
  CHECK(s.fixture->logged("Trusted TLS connection established to mx.d.example[127.0.0.1]:" +
                          std::to_string(s.server.port()) + ": TLSv1.3 with cipher TLS_"));
}

TEST_CASE("smtp tls: with may mail goes in the clear where TLS is not offered", "[smtp-client]") {
  TlsStory s({kHelloOnly + kMail, kOffer + "C: STARTTLS\nS: 454 4.7.0 not now\n" + kMail});
  s.params.cache_on_demand = false;
  CHECK(s.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.server.problems == Results{});
}

TEST_CASE("smtp tls: with none STARTTLS is noted at most", "[smtp-client]") {
  TlsStory s({kOffer + kMail}, ClientLevel::none);
  s.params.tls.note_offer = true;
  CHECK(s.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.fixture->logged("Host offered STARTTLS: [mx.d.example]"));
}

TEST_CASE("smtp tls: with encrypt nothing goes in the clear", "[smtp-client]") {
  TlsStory missing({kHelloOnly}, ClientLevel::encrypt);
  CHECK(missing.deliver() == as_deferred("4.7.4", "TLS is required, but was not offered by host " + kHost));
  TlsStory refused({kOffer + "C: STARTTLS\nS: 454 4.7.0 not now\n"}, ClientLevel::encrypt);
  CHECK(refused.deliver() ==
        as_deferred("4.7.0", "TLS is required, but host " + kHost + " refused to start TLS: 454 4.7.0 not now"));
  TlsStory broken({kOffer + "C: STARTTLS\nS: 220 go\nS: no TLS here\nC*\n"}, ClientLevel::encrypt);
  broken.waited_usec = 3600'000'000;
  CHECK(broken.deliver() == as_deferred("4.7.5", "Cannot start TLS: handshake failure"));
  CHECK(broken.server.connections == 1);
}

TEST_CASE("smtp tls: without an engine only mail that need not be encrypted goes", "[smtp-client]") {
  TlsStory must({kOffer}, ClientLevel::encrypt);
  must.params.tls.ca_file = "/nowhere/ca.pem";
  CHECK(must.deliver() == as_deferred("4.7.5", "TLS is required, but our TLS engine is unavailable"));
  CHECK(must.fixture->logged("TLS is not available: "));
  TlsStory may({kOffer + kMail});
  may.params.tls.ca_file = "/nowhere/ca.pem";
  CHECK(may.deliver() == "sent 2.0.0 250 2.0.0 taken");
}

TEST_CASE("smtp tls: after a failed handshake old mail goes in the clear, new mail waits", "[smtp-client]") {
  const std::string failing = kOffer + "C: STARTTLS\nS: 220 go\nS: no TLS here\nC*\n";
  TlsStory fresh({failing});
  CHECK(fresh.deliver() == as_deferred("4.7.5", "Cannot start TLS: handshake failure"));
  CHECK(fresh.server.connections == 1);
  TlsStory old({failing, kOffer + kMail});
  old.waited_usec = 301'000'000;
  CHECK(old.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(old.server.problems == Results{});
  CHECK(old.fixture->logged("QID: Cannot start TLS: handshake failure: trying mx.d.example[127.0.0.1]:"));
  TlsStory closes({kStart + "CLOSE", kHelloOnly + kMail});
  closes.waited_usec = 301'000'000;
  CHECK(closes.deliver() == "sent 2.0.0 250 2.0.0 taken");
}

TEST_CASE("smtp tls: mail that needs a log-in never goes in the clear after a failed handshake", "[smtp-client]") {
  TlsStory s({kOffer + "C: STARTTLS\nS: 220 go\nS: no TLS here\nC*\n"});
  s.waited_usec = 3600'000'000;
  s.params.sasl.enable = true;
  s.params.sasl.password_maps = "inline:{ {d.example = user:secret} }";
  CHECK(s.deliver() == as_deferred("4.7.5", "Cannot start TLS: handshake failure"));
  CHECK(s.server.connections == 1);
}

TEST_CASE("smtp tls: lmtp starts TLS as smtp does, and says LHLO again", "[smtp-client]") {
  TlsStory s({});
  const std::string hello = "C: LHLO me.example\nS: 250-mx.example\n";
  s.server.scripts = {"S: 220 mx.example LMTP\n" + hello + "S: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\n" + hello +
                      "S: 250 8BITMIME\n" + kMail};
  s.params.tls.level = ClientLevel::encrypt;
  DeliveryFixture f(s.params, Protocol::lmtp);
  f.dns->a("mx.d.example", "127.0.0.1");
  f.client->open_tls();
  CHECK(f.deliver("mx.d.example", {"b@d.example"}).at(0) == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.server.problems == Results{});
  CHECK(f.logged("Trusted TLS connection established to "));
}

TEST_CASE("smtp tls: verify and secure take the right certificate only", "[smtp-client]") {
  TlsStory verified({kStart + kAgain + kMail}, ClientLevel::verify);
  CHECK(verified.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(verified.fixture->logged("Verified TLS connection established to "));
  TlsStory secure({kStart + kAgain + kMail}, ClientLevel::secure);
  CHECK(secure.deliver() == "sent 2.0.0 250 2.0.0 taken");
  TlsStory wrong({kStart + "C: QUIT\n"}, ClientLevel::verify, {.names = {"other.example"}});
  CHECK(wrong.deliver() == as_deferred("4.7.5", "Server certificate not verified"));
  for (const std::string& line : wrong.server.seen)
    CHECK((line == "EHLO me.example" || line == "STARTTLS" || line == "QUIT"));
  TlsStory unknown({kStart + "C: QUIT\n"}, ClientLevel::secure);
  unknown.params.tls.ca_file.clear();
  CHECK(unknown.deliver() == as_deferred("4.7.5", "Server certificate not trusted"));
}

TEST_CASE("smtp tls: fingerprint takes one certificate, whoever issued it", "[smtp-client]") {
  TlsStory wrong({kStart + "C: QUIT\n"}, ClientLevel::fingerprint);
  wrong.params.tls.fingerprint_match = {"AA:BB"};
  CHECK(wrong.deliver() == as_deferred("4.7.5", "Server certificate not verified"));
  TlsStory nothing({}, ClientLevel::fingerprint);
  CHECK(nothing.deliver() == as_deferred("4.7.5", "client TLS configuration problem"));
  CHECK(nothing.server.connections == 0);
}

TEST_CASE("smtp tls: the policy table decides by destination and its parents", "[smtp-client]") {
  const std::string maps =
      "inline:{ {d.example = encrypt} {.e.example = none} {[127.0.0.1] = verify match=x.example} {bad.example = sure}"
      " {dane.example = dane} {late.example = encrypt ciphers=} }";
  TlsParams params;
  params.level = ClientLevel::may;
  params.policy_maps = maps;
  SaslParams sasl;
  SecurityRules rules(params, sasl, {}, "smtp_", {});
  const auto level = [&](const std::string& nexthop) {
    Destination destination = parse_destinations(nexthop, Protocol::smtp, "smtp").value().at(0);
    auto found = event::run_until_done(rules.find(destination, "mx.example", "a@me.example"));
    return found ? std::string(tls::level_name(found->tls.level)) : found.error().dsn + ' ' + found.error().text;
  };
  CHECK(level("d.example") == "encrypt");
  CHECK(level("D.Example") == "encrypt");
  CHECK(level("sub.d.example") == "may");
  CHECK(level("a.b.e.example") == "none");
  CHECK(level("e.example") == "may");
  CHECK(level("[127.0.0.1]") == "verify");
  CHECK(level("[127.0.0.1]:587") == "may");
  CHECK(level("[d.example]") == "may");
  CHECK(level("d.example:587") == "may");
  CHECK(level("bad.example") == "4.7.5 client TLS configuration problem");
  CHECK(level("late.example") == "4.7.5 client TLS configuration problem");
  CHECK(level("dane.example") ==
        "4.7.5 TLS security level \"dane\" is not supported yet: use encrypt, verify or secure");
}

TEST_CASE("smtp tls: what a policy leaves open comes from main.cf", "[smtp-client]") {
  TlsParams params;
  params.level = ClientLevel::may;
  params.protocols = ">=TLSv1";
  params.mandatory_protocols = ">=TLSv1.2";
  params.ciphers = "medium";
  params.mandatory_ciphers = "high";
  params.exclude = "RC4";
  params.mandatory_exclude = "MD5";
  params.server_name = "hostname";
  params.secure_match = {"nexthop", "dot-nexthop"};
  params.policy_maps =
      "inline:{ {s.example = secure} {x.example = encrypt protocols=TLSv1.3 exclude=AES servername=y} }";
  SaslParams sasl;
  SecurityRules rules(params, sasl, {}, "smtp_", {});
  const auto request = [&](const std::string& nexthop) {
    Destination destination = parse_destinations(nexthop, Protocol::smtp, "smtp").value().at(0);
    return event::run_until_done(rules.find(destination, "mx.example", "")).value().tls;
  };
  CHECK(request("d.example").protocols == ">=TLSv1");
  CHECK(request("d.example").ciphers == "medium");
  CHECK(request("d.example").exclude == "RC4");
  CHECK(request("d.example").server_name == "mx.example");
  CHECK(request("s.example").protocols == ">=TLSv1.2");
  CHECK(request("s.example").ciphers == "high");
  CHECK(request("s.example").exclude == "RC4 MD5 aNULL");
  CHECK(request("s.example").match == std::vector<std::string>{"s.example", ".s.example"});
  CHECK(request("x.example").protocols == "TLSv1.3");
  CHECK(request("x.example").exclude == "AES eNULL");
  CHECK(request("x.example").server_name == "y");
}

TEST_CASE("S5 smtp tls: bytes behind the 220 of STARTTLS are dropped", "[smtp-client]") {
  // Taken for the reply to EHLO, they would make the client believe in what a man in the middle has said.
  TlsStory s({kOffer + "C: STARTTLS\nINJECT\nTLS\n" + kAgain + kMail}, ClientLevel::encrypt);
  s.server.injection = "220 go\r\n250-evil\r\n250 SIZE 1\r\n";
  CHECK(s.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.server.problems == Results{});
}

TEST_CASE("smtp tls: wrapper mode begins with the handshake", "[smtp-client]") {
  TlsStory s({"TLS\n" + kHelloOnly + kMail});
  s.params.tls.wrapper_mode = true;
  CHECK(s.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.server.seen.at(0) == "EHLO me.example");
  TlsStory clear({kHelloOnly});
  clear.params.tls.wrapper_mode = true;
  clear.waited_usec = 3600'000'000;
  CHECK(clear.deliver() == as_deferred("4.7.5", "Cannot start TLS: handshake failure"));
}

TEST_CASE("smtp tls: an idle connection serves only who asks for the very same", "[smtp-client]") {
  TlsStory s({kHelloOnly + kMail, kStart + kAgain + kMail, kStart + kAgain + kMail});
  s.params.tls.verify_match = {"hostname"};
  s.params.tls.policy_maps = "inline:{ {[127.0.0.1] = encrypt} {[mx.d.example] = verify} }";
  CHECK(s.deliver() == "sent 2.0.0 250 2.0.0 taken");  // in the clear, and kept
  CHECK(s.fixture->client->idle.size() == 1);
  CHECK(s.deliver("[127.0.0.1]") == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.fixture->client->idle.size() == 2);
  CHECK(s.deliver("[mx.d.example]") == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.server.connections == 3);
  CHECK(s.server.problems == Results{});
}

TEST_CASE("smtp tls: a connection with TLS is used again, and the log says so", "[smtp-client]") {
  TlsStory s({kStart + kAgain + kMail + kMail}, ClientLevel::verify);
  CHECK(s.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(s.server.connections == 1);
  CHECK(s.fixture->logged("Verified TLS connection reused to mx.d.example[127.0.0.1]:"));
  TlsStory never({kStart + kAgain + kMail, kStart + kAgain + kMail}, ClientLevel::verify);
  never.params.tls.connection_reuse = false;
  CHECK(never.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(never.deliver() == "sent 2.0.0 250 2.0.0 taken");
  CHECK(never.server.connections == 2);
  CHECK(never.tls.resumed);
}
