#include "pop3d/login.h"

#include <catch2/catch.hpp>

#include "libcommon/auth/sasl.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "tests/pop3d/pop_talk.h"
#include "tests/support/fake_auth_server.h"

using namespace umaya;
using namespace umaya::pop3d;

namespace {

/// An authentication server that knows kim, password "s e", mechanisms PLAIN, LOGIN, one with two steps, and APOP.
class FakeAuthd : public test::FakeAuthServer {
 public:
  explicit FakeAuthd(const std::string& mechanisms)
      : FakeAuthServer(answer, "VERSION\t1\t2\n" + mechanisms + "SPID\t1\nCUID\t2\nCOOKIE\tc00c1e\nDONE\n") {}

 private:
  static std::string answer(const std::string& text) {
    const auth::AuthLine line = auth::AuthLine::parse(text);
    std::string id(line.field(0));
    if (line.verb() == "CONT") {
      bool good = base64_decode(line.field(1)) == "answer";
      return good ? "OK\t" + id + "\tuser=kim\n" : "FAIL\t" + id + "\tuser=kim\n";
    }
    if (line.verb() != "AUTH") return "";
    std::string mechanism(line.field(1));
    if (mechanism == "TWO-STEP") return "CONT\t" + id + "\t" + base64_encode("question") + "\n";
    std::string response = base64_decode(line.value("resp").value_or("")).value_or("");
    if (mechanism == "APOP") {
      bool good = response.find(std::string("\0kim\0", 5)) != std::string::npos;
      return good ? "OK\t" + id + "\tuser=kim\n" : "FAIL\t" + id + "\tuser=x\n";
    }
    if (response.ends_with("temp")) return "FAIL\t" + id + "\tuser=kim\ttemp\n";
    bool good = response == std::string("\0kim\0s e", 8);
    return (good ? "OK\t" + id + "\tuser=kim\n" : "FAIL\t" + id + "\tuser=kim\n");
  }
};

/// TLS that changes nothing but what was received before.
class FakeEncryption : public Encryption {
 public:
  event::Task<bool> ready() override { co_return true; }
  event::Task<Result<tls::SessionInfo>> accept(event::Stream* client, std::string) override {
    dropped = client->buffered();
    client->consume(client->buffered().size());
    co_return tls::SessionInfo();
  }
  event::Task<Result<tls::SessionInfo>> accept_at_once(event::Stream*, std::string) override {
    co_return tls::SessionInfo();
  }
  std::string channel_binding(const event::Stream&) override { return {}; }
  std::string dropped;
};

constexpr const char* kPlain = "MECH\tPLAIN\tplaintext\nMECH\tTWO-STEP\tactive\nMECH\tEXTERNAL\n";

struct Outcome {
  std::string said;
  std::optional<LoggedIn> user;
  std::vector<std::string> heard;
  std::string log;
};

struct Setting {
  bool local = true;
  bool encryption = false;
  TlsLevel level = TlsLevel::may;
  const char* mechanisms = kPlain;
  size_t piece = 4096;
};

event::Task<void> run_login(event::Stream* client, auth::AuthClient* auth, Encryption* encryption, const Params* params,
                            Link* link, std::optional<LoggedIn>* out) {
  Login login(*client, *auth, encryption, *params, *link);
  *out = co_await login.run();
  client->flush_now();
}

Outcome talk(const std::string& input, Setting setting = {}) {
  Params params;
  params.login_timeout = std::chrono::seconds(5);
  params.bad_command_limit = 20;
  params.tls_level = setting.level;
  params.myhostname = "mail.example";
  Link link;
  link.remote = "192.0.2.1";
  link.local = "192.0.2.2";
  link.session = "sess";
  link.local_only = setting.local;
  Outcome outcome;
  log::capture([&](log::Level, std::string_view text) { outcome.log += std::string(text) + "\n"; });
  event::Loop loop;
  FakeAuthd authd(setting.mechanisms);
  auth::AuthClient auth(authd.path());
  FakeEncryption encryption;
  outcome.said = pop_talk(loop, input, setting.piece, [&](event::Stream* client) {
    return run_login(client, &auth, setting.encryption ? &encryption : nullptr, &params, &link, &outcome.user);
  });
  outcome.heard = authd.heard;
  log::capture(nullptr);
  return outcome;
}

}  // namespace

TEST_CASE("pop3 login: USER and PASS, with blanks in the password", "[pop3d][login]") {
  for (size_t piece : {size_t{4096}, size_t{1}}) {
    Outcome outcome = talk("user kim\r\npass s e\r\nSTAT\r\n", {.piece = piece});
    CHECK(outcome.said == "+OK Umaya ready.\r\n+OK\r\n");
    REQUIRE(outcome.user);
    CHECK(outcome.user->user == "kim");
    CHECK(outcome.user->ticket.cookie == "c00c1e");
    CHECK(outcome.log ==
          "pop3-login: Login: user=<kim>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, secured, "
          "session=<sess>\n");
  }
}

TEST_CASE("pop3 login: failures have their codes, and too many end it", "[pop3d][login]") {
  Outcome outcome =
      talk("PASS x\r\nUSER kim\r\nPASS temp\r\nPASS s e\r\nUSER kim\r\nPASS wrong\r\nUSER who\r\nPASS s e\r\nQUIT\r\n");
  CHECK(outcome.said ==
        "+OK Umaya ready.\r\n-ERR USER comes before PASS.\r\n+OK\r\n"
        "-ERR [SYS/TEMP] Temporary trouble with authentication; try again later.\r\n-ERR USER comes before PASS.\r\n"
        "+OK\r\n-ERR [AUTH] Authentication failed.\r\n+OK\r\n-ERR [AUTH] Authentication failed.\r\n+OK Bye.\r\n");
  CHECK(
      outcome.log.find("Aborted login (auth failed, 2 attempts in 0 secs): user=<who>, method=PLAIN, rip=192.0.2.1") !=
      std::string::npos);
  std::string many;
  for (int i = 0; i < 9; ++i) many += "USER kim\r\nPASS wrong\r\n";
  std::string said = talk(many).said;
  CHECK(said.find("failed.\r\n+OK\r\n-ERR [AUTH] Authentication failed.\r\n") != std::string::npos);
  CHECK(split(said, "\n").size() == 1 + 2 * kMostFailures);
}

TEST_CASE("pop3 login: A4 no password goes over a line in the clear, and none into the log", "[pop3d][login]") {
  std::string secret = base64_encode(std::string("\0kim\0s e", 8));
  Outcome outcome = talk("USER kim\r\nPASS s e\r\nAUTH PLAIN " + secret + "\r\nAUTH\r\nCAPA\r\nQUIT\r\n",
                         {.local = false, .encryption = true});
  const std::string refused =
      "-ERR [AUTH] No passwords over a line that is not encrypted: use STLS or another mechanism.\r\n";
  CHECK(outcome.said == "+OK Umaya ready.\r\n" + refused + refused + refused +
                            "+OK\r\nTWO-STEP\r\n.\r\n"
                            "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nLANG\r\n"
                            "UTF8 USER\r\nSTLS\r\nSASL TWO-STEP\r\nEXPIRE NEVER\r\nIMPLEMENTATION Umaya\r\n.\r\n"
                            "+OK Bye.\r\n");
  for (const std::string& line : outcome.heard) CHECK_FALSE(line.starts_with("AUTH"));
  CHECK(outcome.log.find("s e") == std::string::npos);
  CHECK(outcome.log.find(secret) == std::string::npos);
}

TEST_CASE("pop3 login: A4 what was sent behind STLS in the clear is dropped", "[pop3d][login]") {
  Outcome outcome = talk("USER kim\r\nSTLS\r\nUSER eve\r\nPASS s e\r\n", {.local = true, .encryption = true});
  CHECK(outcome.said == "+OK Umaya ready.\r\n+OK\r\n+OK Begin TLS.\r\n");
  CHECK_FALSE(outcome.user);
}

TEST_CASE("pop3 login: with level encrypt nothing goes before STLS", "[pop3d][login]") {
  Outcome outcome = talk("USER kim\r\nAUTH\r\nUTF8\r\nLANG\r\nNOOP\r\nCAPA\r\nSTLS\r\n",
                         {.encryption = true, .level = TlsLevel::encrypt});
  const std::string first = "-ERR Use STLS first.\r\n";
  CHECK(outcome.said == "+OK Umaya ready.\r\n" + first + first + first + first + "-ERR Log in first.\r\n" +
                            "+OK\r\nCAPA\r\nSTLS\r\n.\r\n+OK Begin TLS.\r\n");
}

TEST_CASE("pop3 login: AUTH with and without an initial response, cancelled, and not understood", "[pop3d][login]") {
  std::string good = base64_encode(std::string("\0kim\0s e", 8));
  CHECK(talk("AUTH PLAIN " + good + "\r\n").user);
  Outcome two = talk("AUTH two-step\r\n" + base64_encode("answer") + "\r\n");
  CHECK(two.said == "+OK Umaya ready.\r\n+ cXVlc3Rpb24=\r\n");
  CHECK(two.user);
  CHECK(two.log.find("method=TWO-STEP") != std::string::npos);
  Outcome bad = talk(
      "AUTH TWO-STEP\r\n*\r\nAUTH TWO-STEP\r\n???\r\nAUTH NONE\r\nAUTH EXTERNAL =\r\nAUTH PLAIN ?\r\n"
      "AUTH TWO-STEP\r\neA==\r\nAUTH PLAIN a b\r\nQUIT\r\n");
  CHECK(bad.said ==
        "+OK Umaya ready.\r\n+ cXVlc3Rpb24=\r\n-ERR Cancelled.\r\n+ cXVlc3Rpb24=\r\n-ERR This is no base64.\r\n"
        "-ERR This mechanism is not offered.\r\n-ERR This mechanism is not offered.\r\n"
        "-ERR The initial response is no base64.\r\n+ cXVlc3Rpb24=\r\n-ERR [AUTH] Authentication failed.\r\n"
        "-ERR Wrong number of arguments.\r\n+OK Bye.\r\n");
}

TEST_CASE("pop3 login: A15 APOP is off unless the authentication server has it", "[pop3d][login]") {
  std::string digest(32, 'a');
  Outcome off = talk("APOP kim " + digest + "\r\nQUIT\r\n");
  CHECK(off.said == "+OK Umaya ready.\r\n-ERR APOP is not offered.\r\n+OK Bye.\r\n");
  Outcome on =
      talk("CAPA\r\nAPOP kim " + digest + "\r\n", {.mechanisms = "MECH\tPLAIN\tplaintext\nMECH\tAPOP\tprivate\n"});
  CHECK(on.said.find("+OK Umaya ready. <") == 0);
  CHECK(on.said.find("@mail.example>\r\n") != std::string::npos);
  CHECK(on.said.find("APOP") == std::string::npos);  // the greeting says it, CAPA has no word for it
  CHECK(on.user);
  Outcome wrong = talk("APOP kim abc\r\nAPOP eve " + digest + "\r\nQUIT\r\n",
                       {.mechanisms = "MECH\tPLAIN\tplaintext\nMECH\tAPOP\tprivate\n"});
  CHECK(wrong.said.find("-ERR The digest has 32 hexadecimal digits.\r\n-ERR [AUTH]") != std::string::npos);
}

TEST_CASE("pop3 login: UTF8 holds for the session and comes after STLS", "[pop3d][login]") {
  Outcome outcome = talk("UTF8\r\nSTLS\r\nUSER kim\r\nPASS s e\r\n", {.encryption = true});
  CHECK(outcome.said.find("-ERR STLS comes before UTF8.\r\n") != std::string::npos);
  REQUIRE(outcome.user);
  CHECK(outcome.user->utf8);
}

TEST_CASE("pop3 login: A15 floods of commands and lines without end are cut off", "[pop3d][login]") {
  std::string users;
  for (int i = 0; i < 500; ++i) users += "USER kim\r\n";
  std::string said = talk(users).said;
  CHECK(said.ends_with("-ERR Too many commands without a log-in.\r\n"));
  std::string long_line(2000, 'x');
  long_line += "\r\n";
  CHECK(talk(long_line).said.ends_with("-ERR The line is too long.\r\n"));
  CHECK(talk(std::string(20000, 'x')).said.ends_with("-ERR The line is too long.\r\n"));
  std::string long_response = "AUTH PLAIN " + base64_encode(std::string(3000, 'x')) + "\r\nQUIT\r\n";
  CHECK(talk(long_response).said.find("[AUTH]") != std::string::npos);
}

TEST_CASE("pop3 login: without an authentication server every log-in is temporary trouble", "[pop3d][login]") {
  Params params;
  params.login_timeout = std::chrono::seconds(5);
  params.bad_command_limit = 20;
  Link link;
  link.local_only = true;
  event::Loop loop;
  auth::AuthClient auth("/nonexistent/socket");
  std::optional<LoggedIn> user;
  log::capture([](log::Level, std::string_view) {});
  std::string said = pop_talk(loop, "USER kim\r\nPASS x\r\nAUTH PLAIN\r\nQUIT\r\n", 4096, [&](event::Stream* client) {
    return run_login(client, &auth, nullptr, &params, &link, &user);
  });
  log::capture(nullptr);
  CHECK(said.find("+OK\r\n-ERR [SYS/TEMP] ") != std::string::npos);
  CHECK(said.find("-ERR [SYS/TEMP] The authentication server does not answer") != std::string::npos);
}
