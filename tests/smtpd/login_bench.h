// NAME    login_bench - an smtpd session whose clients may log in, and the authentication server that it asks
//
// DESCRIPTION
//     FakeAuth speaks Dovecot's protocol: PLAIN, LOGIN and a CHAT that asks for three words. alice's password is
//     "secret". It can be slow of mind (temporary), silent (close instead of an answer) or not there at all.
#pragma once

#include <unistd.h>

#include "libcommon/auth/sasl.h"
#include "tests/smtpd/session_bench.h"

namespace umaya::smtpd {

class FakeAuth {
 public:
  enum class Mood { answers, temporary, closes };
  explicit FakeAuth(std::string path) : path_(std::move(path)) { start(); }
  ~FakeAuth() { stop(); }
  void start() {
    auto fd = event::listen_unix(path_, SOCK_STREAM, 0600);
    if (!fd) abort();
    scope_ = std::make_unique<event::TaskScope>();
    listener_ = std::make_unique<event::Listener>(
        std::move(*fd), [this](Fd peer, const event::PeerAddress&) { scope_->spawn(serve(this, std::move(peer))); });
  }
  void stop() {
    listener_.reset();
    scope_.reset();
    unlink(path_.c_str());
  }
  std::string mechanisms = "MECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nMECH\tCHAT\tdictionary\tactive\n";
  Mood mood = Mood::answers;
  std::vector<std::string> heard;

 private:
  using Line = auth::AuthLine;
  static std::string verdict(const std::string& id, std::string_view user, std::string_view password) {
    if (user == "alice" && password == "secret") return Line("OK").add(id).add("user", "alice").text();
    if (user == "anonymous") return Line("OK").add(id).add("user", "anonymous").text();
    return Line("FAIL").add(id).add("user", user).text();
  }
  std::string plain(const std::string& id, std::string_view message) {
    auto words = auth::parse_sasl_plain(message);
    if (!words) return Line("FAIL").add(id).text();
    bool own = words->authorize_as.empty() || words->authorize_as == words->user;
    if (!own) return Line("FAIL").add(id).add("user", words->user).add("code", "authz_fail").text();
    return verdict(id, words->user, words->password.reveal());
  }
  std::string next(const Line& line) {
    std::string id(line.field(0));
    auto ask = [&](std::string_view what) { return Line("CONT").add(id).add(base64_encode(what)).text(); };
    std::optional<std::string> said;
    if (line.verb() == "AUTH") {
      method_ = line.field(1);
      given_.clear();
      if (auto resp = line.value("resp")) said = *resp == "=" ? "" : base64_decode(*resp).value_or("");
      if (method_ == "ANONYMOUS") return verdict(id, "anonymous", "");
      if (!said && method_ == "PLAIN") return ask("");
    } else {
      said = base64_decode(line.field(1)).value_or("");
    }
    if (method_ == "PLAIN") return plain(id, *said);
    if (said) given_.push_back(*said);
    if (method_ == "LOGIN" && given_.size() == 2) return verdict(id, given_[0], given_[1]);
    if (method_ == "LOGIN") return ask(given_.empty() ? auth::kLoginUserPrompt : auth::kLoginPasswordPrompt);
    if (method_ == "CHAT" && given_.size() < 3) return ask("word " + std::to_string(given_.size() + 1));
    if (method_ == "CHAT") return verdict(id, given_[0], given_[1]);
    return ask("and?");  // ENDLESS
  }
  static event::Task<void> serve(FakeAuth* self, Fd fd) {
    event::Stream stream(std::move(fd));
    stream.write("VERSION\t1\t2\n" + self->mechanisms + "SPID\t1\nCUID\t1\nCOOKIE\tab\nDONE\n");
    stream.flush_now();
    while (true) {
      event::Read read = co_await stream.read_line(auth::kMostAuthLine);
      if (!read) co_return;
      Line line = Line::parse(read.data.substr(0, read.data.size() - 1));
      self->heard.emplace_back(read.data.substr(0, read.data.size() - 1));
      if (line.verb() != "AUTH" && line.verb() != "CONT") continue;
      if (self->mood == Mood::closes) co_return;
      std::string answer =
          Line("FAIL").add(line.field(0)).add("code", "temp_fail").add("reason", "backend down").text();
      if (self->mood == Mood::answers) answer = self->next(line);
      stream.write(answer);
      stream.flush_now();
    }
  }

  std::string path_, method_;
  std::vector<std::string> given_;
  std::unique_ptr<event::TaskScope> scope_;
  std::unique_ptr<event::Listener> listener_;
};

struct LoginBench : Bench {
  explicit LoginBench(std::vector<std::string> settings = {}) : Bench(with_logins(std::move(settings))) {}
  /// A session on which EHLO was said; gives the AUTH line of the reply, empty when there is none.
  std::string hello() {
    connect();
    take();
    std::string text = say("EHLO client.example.org\r\n");
    size_t at = text.find("AUTH");
    return at == std::string::npos ? "" : text.substr(at, text.find("\r\n", at) - at);
  }
  std::string log_in(std::string_view user = "alice", std::string_view password = "secret") {
    std::string reply = say("AUTH PLAIN " + base64_encode(auth::make_sasl_plain(user, password)) + "\r\n");
    // A connection that has to be made anew takes more rounds.
    for (int rounds = 0; rounds < 100 && reply.empty(); ++rounds) reply = take();
    return reply;
  }
  FakeAuth auth{cleanup.directory() + "/auth"};

 private:
  static std::vector<std::string> with_logins(std::vector<std::string> settings) {
    settings.insert(settings.begin(),
                    {"smtpd_sasl_auth_enable = yes", "smtpd_sasl_path = auth",
                     "smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination"});
    return settings;
  }
};

}  // namespace umaya::smtpd
