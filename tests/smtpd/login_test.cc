#include <catch2/catch.hpp>

#include "tests/smtpd/login_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

namespace {

int code_of(std::string_view reply) {
  return reply.size() < 3 ? 0 : std::atoi(std::string(reply.substr(0, 3)).c_str());
}

std::string b64(std::string_view text) {
  return base64_encode(text) + "\r\n";
}

constexpr std::string_view kWelcome = "235 2.7.0 Authentication successful\r\n";

}  // namespace

TEST_CASE("AUTH: a user who has logged in may relay, and everybody is told who it was", "[smtpd][login]") {
  LoginBench b({"smtpd_sasl_authenticated_header = yes"});
  CHECK(b.hello() == "AUTH PLAIN LOGIN CHAT");
  CHECK(b.log_in() == kWelcome);
  CHECK(b.say("MAIL FROM:<alice@example.test> AUTH=<>\r\n") == "250 2.1.0 Ok\r\n");
  CHECK(b.say("RCPT TO:<v@foreign.test>\r\n") == "250 2.1.5 Ok\r\n");
  b.say("DATA\r\n");
  CHECK(code_of(b.say("Subject: x\r\n\r\nx\r\n.\r\n")) == 250);
  REQUIRE(b.cleanup.messages.size() == 1);
  const Received& m = b.cleanup.messages[0];
  CHECK(m.content.find("\t(Authenticated sender: alice)\r\n\tby mx.example.test (Umaya) with ESMTPA id ") !=
        std::string::npos);
  CHECK(b.logged(": client=unknown[198.51.100.7], sasl_method=PLAIN, sasl_username=alice"));
  std::string attributes;
  for (const auto& a : m.envelope.attributes) {
    if (a.name.starts_with("sasl_")) attributes += a.name + "=" + a.value + " ";
  }
  CHECK(attributes == "sasl_method=PLAIN sasl_username=alice ");
  // The next message of the session is the user's, too; a new EHLO does not log out.
  b.say("EHLO again\r\n");
  b.say("MAIL FROM:<alice@example.test> AUTH=bob@example.test\r\n");
  CHECK(code_of(b.say("RCPT TO:<v@foreign.test>\r\n")) == 250);
  CHECK(b.logged("sasl_username=alice, sasl_sender=bob@example.test"));
  REQUIRE(b.auth.heard.size() == 3);
  CHECK(b.auth.heard[2].starts_with("AUTH\t1\tPLAIN\tservice=smtp\tnologin\trip=198.51.100.7"));
}

TEST_CASE("AUTH: without a log-in the name is neither in the header nor good for anything", "[smtpd][login]") {
  LoginBench b;
  b.hello();
  b.say("MAIL FROM:<alice@example.test> AUTH=alice\r\n");
  CHECK(code_of(b.say("RCPT TO:<v@foreign.test>\r\n")) == 554);
  CHECK(b.logged("proto=ESMTP helo=<client.example.org> sasl_sender=alice"));
  CHECK(code_of(b.say("RCPT TO:<alice@example.test>\r\n")) == 250);
}

TEST_CASE("AUTH: LOGIN and longer exchanges go on until the server is content", "[smtpd][login]") {
  LoginBench b;
  b.hello();
  CHECK(b.say("auth login\r\n") == "334 VXNlcm5hbWU6\r\n");
  CHECK(b.say(b64("alice")) == "334 UGFzc3dvcmQ6\r\n");
  CHECK(b.say(b64("secret")) == kWelcome);
  b.hello();
  CHECK(b.say("AUTH LOGIN " + b64("alice")) == "334 UGFzc3dvcmQ6\r\n");
  CHECK(b.say(b64("secret")) == kWelcome);
  b.hello();
  CHECK(b.say("AUTH CHAT\r\n") == "334 " + b64("word 1"));
  b.say(b64("alice"));
  CHECK(b.say(b64("secret")) == "334 " + b64("word 3"));
  CHECK(b.say("\r\n") == kWelcome);  // an empty answer is one, too
  b.hello();
  CHECK(b.say("AUTH PLAIN\r\n") == "334 \r\n");
  CHECK(b.say(b64(std::string_view("alice\0alice\0secret", 18))) == kWelcome);
  // A server that asks for ever is not waited for.
  LoginBench endless;
  endless.auth.mechanisms = "MECH\tENDLESS\n";
  endless.hello();
  std::string reply = endless.say("AUTH ENDLESS\r\n");
  int rounds = 0;
  for (; reply.starts_with("334 ") && rounds < 100; ++rounds) reply = endless.say("AA==\r\n");
  CHECK(reply.starts_with("454 4.7.0 "));
  CHECK(rounds < 20);
}

TEST_CASE("S32 AUTH: what is said in the wrong place or form gets its own refusal and leaks nothing",
          "[smtpd][login][attack]") {
  LoginBench b({"smtpd_hard_error_limit = 1000", "smtpd_soft_error_limit = 1000"});
  b.shared->notify = notify_mask({"protocol", "policy"});
  b.connect();
  b.take();
  std::string secret = base64_encode(auth::make_sasl_plain("alice", "secret"));
  CHECK(b.say("AUTH PLAIN " + secret + "\r\n").starts_with("503 5.5.1 Error: send HELO/EHLO first"));
  b.say("EHLO x\r\n");
  CHECK(b.say("AUTH\r\n").starts_with("501 5.5.4 Syntax: AUTH mechanism"));
  CHECK(b.say("AUTH PLAIN " + secret + " more\r\n").starts_with("501 5.5.4 "));
  CHECK(b.say("AUTH NTLM\r\n").starts_with("504 5.5.4 "));
  CHECK(b.logged("SASL NTLM authentication failed: Invalid authentication mechanism, sasl_username=(unavailable)"));
  CHECK(b.say("AUTH PLAIN not*base64\r\n").starts_with("501 5.5.2 "));
  CHECK(b.say("AUTH PLAIN " + secret.substr(1) + "\r\n").starts_with("501 5.5.2 "));
  CHECK(b.say("AUTH PLAIN =\r\n").starts_with("535 5.7.8 "));  // empty
  b.say("AUTH LOGIN\r\n");
  CHECK(b.say("*\r\n") == "501 5.7.0 Authentication aborted\r\n");
  CHECK(b.logged("unknown[198.51.100.7]: SASL LOGIN authentication aborted"));
  b.say("AUTH LOGIN\r\n");
  CHECK(b.say("~~~\r\n").starts_with("501 5.5.2 "));
  CHECK(b.logged("SASL LOGIN authentication failed: Invalid base64 data in continued response"));
  b.say("MAIL FROM:<a@x.org>\r\n");
  CHECK(b.say("AUTH PLAIN " + secret + "\r\n").starts_with("503 5.5.1 Error: MAIL transaction in progress"));
  b.say("RSET\r\n");
  // A refused AUTH whose client goes on with its password all the same.
  b.say("AUTH SECRET-LOGIN\r\n");
  b.say(secret + "\r\n");
  CHECK(b.log_in() == kWelcome);
  CHECK(b.log_in().starts_with("503 5.5.1 Error: already authenticated"));
  b.say("QUIT\r\n");
  for (const std::string& line : b.log) CHECK(line.find(secret.substr(0, 8)) == std::string::npos);
  REQUIRE(b.cleanup.messages.size() == 1);  // the transcript for postmaster
  const std::string& notice = b.cleanup.messages[0].content;
  CHECK(notice.find("In:  AUTH PLAIN [not shown]") != std::string::npos);
  CHECK(notice.find("In:  AUTH NTLM\r\n") != std::string::npos);
  CHECK(notice.find(secret.substr(0, 8)) == std::string::npos);
}

TEST_CASE("S32 AUTH: NULs in odd places and another identity are left to the server, and let nobody in",
          "[smtpd][login][attack]") {
  LoginBench b({"smtpd_hard_error_limit = 1000", "smtpd_soft_error_limit = 1000"});
  b.hello();
  using namespace std::string_view_literals;
  for (std::string_view message :
       {"\0"sv, "\0\0"sv, "\0\0\0"sv, "alice\0secret"sv, "\0alice"sv, "\0alice\0"sv, "\0alice\0sec\0ret"sv,
        "\0alice\0secret\0"sv, "\0\0alice\0secret"sv, "\0alice\0\0secret"sv, "bob\0alice\0secret"sv,
        "\0alice\r\n\0secret"sv, "\0alic\xff\0secret"sv}) {
    INFO(printable(message));
    CHECK(b.say("AUTH PLAIN " + b64(message)).starts_with("535 5.7.8 "));
  }
  b.say("MAIL FROM:<alice@example.test>\r\n");
  CHECK(code_of(b.say("RCPT TO:<v@foreign.test>\r\n")) == 554);
  b.say("RSET\r\n");
  CHECK(b.say("AUTH PLAIN " + b64("alice\0alice\0secret"sv)) == kWelcome);
}

TEST_CASE("S32 AUTH: guessing in one session is slowed down, and ended", "[smtpd][login][attack]") {
  LoginBench b({"smtpd_error_sleep_time = 1s", "smtpd_soft_error_limit = 20", "smtpd_hard_error_limit = 3"});
  b.hello();
  CHECK(b.log_in("alice", "1").starts_with("535 5.7.8 Error: authentication failed: (reason unavailable)\r\n"));
  CHECK(b.logged("SASL PLAIN authentication failed: (reason unavailable), sasl_username=alice"));
  // The second answer waits, and nothing is answered meanwhile.
  TimePoint before = monotonic_now();
  CHECK(b.say("AUTH PLAIN " + b64(auth::make_sasl_plain("alice", "2"))).empty());
  CHECK_FALSE(b.ended);
  std::string reply;
  while (reply.empty() && monotonic_now() - before < std::chrono::seconds(20)) reply = b.take();
  CHECK(reply.starts_with("535 "));
  CHECK(monotonic_now() - before >= std::chrono::milliseconds(900));
  b.log_in("alice", "3");
  while (!b.ended && monotonic_now() - before < std::chrono::seconds(20)) reply += b.take();
  CHECK(reply.find("421 4.7.0 mx.example.test Error: too many errors") != std::string::npos);
  CHECK(b.logged("too many errors after AUTH from unknown[198.51.100.7]"));
}

TEST_CASE("S32 AUTH: a response beyond the limit is refused and the session goes on", "[smtpd][login][attack]") {
  LoginBench b;
  b.hello();
  std::string long_but_allowed(12288, 'A');
  // As the initial response as well: RFC 4954 lets the command be as long as a response.
  CHECK(b.say("AUTH PLAIN " + long_but_allowed + "\r\n").starts_with("535 "));
  CHECK(b.say("AUTH PLAIN " + long_but_allowed + "AAAAAAAA" + std::string(100, 'A') + "\r\n") ==
        "500 5.5.6 SASL response limit exceeded\r\n");
  b.say("AUTH LOGIN\r\n");
  CHECK(b.say(long_but_allowed + "AAAA\r\n") == "500 5.5.6 SASL response limit exceeded\r\n");
  b.say("AUTH LOGIN\r\n");
  CHECK(b.say(long_but_allowed + "\r\n").starts_with("334 "));
  b.say("*\r\n");
  // Other commands are as short as ever.
  CHECK(b.say("NOOP " + std::string(3000, 'x') + "\r\n") == "500 5.5.2 Error: line too long\r\n");
  CHECK(b.log_in() == kWelcome);
  // A line without an end is not read for ever.
  b.hello();
  b.say("AUTH LOGIN\r\n");
  CHECK(b.say(std::string(100'000, 'A')).starts_with("421 4.5.2 "));
  CHECK(b.ended);
}

TEST_CASE("S32 AUTH: a client that goes in the middle leaves nothing behind", "[smtpd][login][attack]") {
  LoginBench b;
  for (std::string_view last : {"AUTH LOGIN\r\n", "AUTH PLAIN\r\nAGFs"}) {
    b.hello();
    b.say(last);
    b.disconnect();
    CHECK(b.ended);
  }
  CHECK(b.logged("lost connection after AUTH from unknown[198.51.100.7]"));
  CHECK(b.auth.heard.back().starts_with("CANCEL\t"));
  // The log-in of somebody else is not touched by it.
  b.hello();
  CHECK(b.log_in() == kWelcome);
}

TEST_CASE("S32 AUTH: a password that is sent ahead of its turn does not get into the log", "[smtpd][login][attack]") {
  std::string secret = base64_encode(auth::make_sasl_plain("alice", "secret"));
  LoginBench b;
  b.connect();
  b.take();
  b.say("EHLO x\r\nAUTH PLAIN " + secret + "\r\n");
  CHECK(b.logged("improper command pipelining after EHLO from unknown[198.51.100.7]: AUTH [not shown]"));
  b.hello();
  b.say("AUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0\r\n");
  CHECK(b.logged("improper command pipelining after AUTH from unknown[198.51.100.7]: [not shown]"));
  for (const std::string& line : b.log) {
    CHECK(line.find(secret.substr(0, 8)) == std::string::npos);
    CHECK(line.find("c2Vj") == std::string::npos);
  }
}

TEST_CASE("AUTH: trouble with the authentication server is never a wrong password", "[smtpd][login]") {
  LoginBench b({"smtpd_hard_error_limit = 1000", "smtpd_soft_error_limit = 1000"});
  b.hello();
  b.auth.mood = FakeAuth::Mood::temporary;
  CHECK(b.log_in() == "454 4.7.0 Temporary authentication failure: try again later\r\n");
  CHECK(b.logged("SASL PLAIN authentication failed: Connection lost to authentication server: backend down"));
  b.auth.mood = FakeAuth::Mood::closes;
  CHECK(b.log_in().starts_with("454 4.7.0 "));
  b.auth.stop();
  CHECK(b.log_in().starts_with("454 4.7.0 "));
  // What it had is offered on: a client that finds no AUTH would be told that it may not relay.
  CHECK(b.hello() == "AUTH PLAIN LOGIN CHAT");
  CHECK(b.log_in().starts_with("454 4.7.0 "));
  b.auth.mood = FakeAuth::Mood::answers;
  b.auth.start();
  CHECK(b.log_in() == kWelcome);
  // The same before it was ever there.
  LoginBench fresh;
  fresh.auth.stop();
  CHECK(fresh.hello() == "AUTH PLAIN LOGIN");
  CHECK(fresh.log_in().starts_with("454 4.7.0 "));
}

TEST_CASE("AUTH: only what the state of the line, the filter and the client's network allow is offered",
          "[smtpd][login]") {
  std::string everything =
      "MECH\tPLAIN\tplaintext\nMECH\tCRAM-MD5\tdictionary\tactive\nMECH\tSCRAM-SHA-256\tmutual-auth\n"
      "MECH\tANONYMOUS\tanonymous\nMECH\tEXTERNAL\nMECH\tAPOP\tprivate\n"
      "MECH-CBIND\tSCRAM-SHA-256-PLUS\tmutual-auth\nUMAYA\tbinding\n";
  auto offered = [&](std::vector<std::string> settings, bool encrypted, std::string certificate = "",
                     std::string binding = "") {
    const bool bound = !binding.empty();
    LoginBench b(std::move(settings));
    b.auth.mechanisms = everything;
    b.client.encrypted = encrypted;
    b.client.certificate_name = std::move(certificate);
    b.client.channel_binding = std::move(binding);
    std::string words = b.hello();
    // What was bound goes along with the log-in, so that nobody between us can have taken the -PLUS mechanisms out.
    if (bound) {
      b.log_in();
      CHECK(b.auth.heard.back().find("\tumaya_binding=tls-exporter:Y2I=\t") != std::string::npos);
    }
    return words;
  };
  CHECK(offered({}, false) == "AUTH PLAIN CRAM-MD5 SCRAM-SHA-256");
  CHECK(offered({"smtpd_sasl_security_options = noanonymous, noplaintext"}, false) == "AUTH CRAM-MD5 SCRAM-SHA-256");
  std::vector<std::string> usual{"smtpd_sasl_security_options = noanonymous noplaintext",
                                 "smtpd_sasl_tls_security_options = noanonymous"};
  CHECK(offered(usual, true) == "AUTH PLAIN CRAM-MD5 SCRAM-SHA-256");
  CHECK(offered({"smtpd_sasl_security_options = noactive nodictionary noanonymous"}, false) ==
        "AUTH PLAIN SCRAM-SHA-256");
  CHECK(offered({"smtpd_sasl_security_options = mutual_auth"}, false) == "AUTH SCRAM-SHA-256");
  CHECK(offered({"smtpd_sasl_security_options = forward_secrecy"}, false) == "");
  CHECK(offered({"smtpd_sasl_security_options ="}, false) == "AUTH PLAIN CRAM-MD5 SCRAM-SHA-256 ANONYMOUS");
  CHECK(offered({"smtpd_sasl_mechanism_filter = plain, external"}, true) == "AUTH PLAIN");
  CHECK(offered({"smtpd_sasl_mechanism_filter = plain, external"}, true, "alice") == "AUTH PLAIN EXTERNAL");
  CHECK(offered({}, true, "alice") == "AUTH PLAIN CRAM-MD5 SCRAM-SHA-256");
  CHECK(offered({}, true, "", "cb") == "AUTH PLAIN CRAM-MD5 SCRAM-SHA-256 SCRAM-SHA-256-PLUS");
  CHECK(offered({"smtpd_tls_auth_only = yes"}, false) == "");
  CHECK(offered({"smtpd_tls_auth_only = yes"}, true) == "AUTH PLAIN CRAM-MD5 SCRAM-SHA-256");
  CHECK(offered({"smtpd_discard_ehlo_keywords = auth"}, false) == "");
  CHECK(offered({"smtpd_sasl_exceptions_networks = 198.51.100.0/24"}, false) == "");
  CHECK(offered({"smtpd_sasl_exceptions_networks = !198.51.100.7, 198.51.100.0/24"}, false) != "");
  CHECK(offered({"broken_sasl_auth_clients = yes", "smtpd_sasl_mechanism_filter = plain"}, false) == "AUTH PLAIN");
  LoginBench b({"broken_sasl_auth_clients = yes"});
  b.connect();
  b.take();
  CHECK(b.say("EHLO x\r\n").find("250-AUTH PLAIN LOGIN CHAT\r\n250-AUTH=PLAIN LOGIN CHAT\r\n250-ENH") !=
        std::string::npos);
}

TEST_CASE("S6 AUTH: what needs encryption is refused without it before a password is looked at",
          "[smtpd][login][attack]") {
  for (std::string setting : {"smtpd_tls_auth_only = yes", "smtpd_sasl_security_options = noanonymous noplaintext"}) {
    LoginBench b({setting, "smtpd_sasl_tls_security_options = noanonymous"});
    b.hello();
    size_t heard = b.auth.heard.size();
    CHECK(b.log_in() == "538 5.7.11 Encryption required for requested authentication mechanism\r\n");
    for (size_t i = heard; i < b.auth.heard.size(); ++i) CHECK_FALSE(b.auth.heard[i].starts_with("AUTH"));
    b.client.encrypted = true;
    b.hello();
    CHECK(b.log_in() == kWelcome);
    CHECK(b.auth.heard.back().find("\tsecured\t") != std::string::npos);
    b.say("MAIL FROM:<a@x.org> SMTPUTF8\r\n");
    b.say("RCPT TO:<alice@example.test>\r\nDATA\r\n");
    b.say("x\r\n.\r\n");
    REQUIRE(b.cleanup.messages.size() == 1);
    CHECK(b.cleanup.messages[0].content.find(" with UTF8SMTPSA id ") != std::string::npos);
  }
}

TEST_CASE("AUTH: without smtpd_sasl_auth_enable there is none", "[smtpd][login]") {
  Bench b;
  b.open();
  CHECK(b.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n").starts_with("503 5.5.1 Error: authentication not enabled"));
}

TEST_CASE("AUTH: an anonymous log-in is no permission", "[smtpd][login]") {
  LoginBench b({"smtpd_sasl_security_options ="});
  b.auth.mechanisms = "MECH\tANONYMOUS\tanonymous\n";
  b.hello();
  CHECK(b.say("AUTH ANONYMOUS =\r\n") == kWelcome);
  b.say("MAIL FROM:<a@x.org>\r\n");
  CHECK(code_of(b.say("RCPT TO:<v@foreign.test>\r\n")) == 554);
}

TEST_CASE("AUTH: a session that waits for a password says good-bye when the process ends", "[smtpd][login]") {
  LoginBench b;
  b.hello();
  b.say("AUTH LOGIN\r\n");
  b.shared->stopping = true;
  REQUIRE(b.session);
  b.session->say_goodbye();
  CHECK(b.take().starts_with("421 4.3.2 "));
  b.disconnect();
  CHECK(b.ended);
}

TEST_CASE("AUTH: kinds of servers that are none are named with the cure", "[smtpd][login]") {
  auto create = [](std::string type, std::string path) {
    LoginSettings settings;
    settings.type = std::move(type);
    settings.path = std::move(path);
    return LoginServer::create(std::move(settings), "/spool", {}, table::ParentStyle::bare);
  };
  auto cyrus = create("cyrus", "smtpd");
  REQUIRE(!cyrus);
  CHECK(cyrus.error().what.find("smtpd_sasl_type = dovecot") != std::string::npos);
  CHECK(!create("shadow", "x"));
  for (auto path : {"inet:127.0.0.1:12345", "127.0.0.1:12345", "inet:[::1]:12345", "private/auth", "unix:private/auth",
                    "unix:/run/dovecot/auth"}) {
    CHECK(create("dovecot", path));
  }
  for (auto path : {"inet:127.0.0.1", "inet:", "inet:nosuch.invalid:12345"}) CHECK_FALSE(create("dovecot", path));
  CHECK(!parse_login_options("noplaintext, nothing"));
}

TEST_CASE("XCLIENT: LOGIN says who has logged in at the proxy, and without it nobody has", "[smtpd][login][xclient]") {
  LoginBench b({"mynetworks = 192.0.2.77"});
  b.shared->xclient_hosts = table::MatchList::parse({}, "hosts", "198.51.100.7, 192.0.2.9", table::MatchKind::client);
  b.hello();
  CHECK(b.log_in() == kWelcome);
  CHECK(b.say("XCLIENT ADDR=192.0.2.9 LOGIN=bob+40example.test\r\n").starts_with("220 "));
  b.say("EHLO x\r\n");
  CHECK(b.log_in().starts_with("503 5.5.1 Error: already authenticated"));
  b.say("MAIL FROM:<bob@example.test>\r\n");
  CHECK(code_of(b.say("RCPT TO:<v@foreign.test>\r\n")) == 250);
  CHECK(b.logged("sasl_method=XCLIENT, sasl_username=bob@example.test"));
  b.say("RSET\r\n");
  CHECK(b.say("XCLIENT ADDR=192.0.2.9\r\n").starts_with("220 "));
  b.say("EHLO x\r\n");
  b.say("MAIL FROM:<bob@example.test>\r\n");
  CHECK(code_of(b.say("RCPT TO:<v@foreign.test>\r\n")) == 554);
}
