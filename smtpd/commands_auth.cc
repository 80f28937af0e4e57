// NAME    commands_auth - AUTH: logging in (RFC 4954)
#include <fmt/format.h>
#include <string.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"
#include "smtpd/session.h"

namespace umaya::smtpd {

using auth::AuthClient;
using auth::AuthStatus;
using event::Read;
using event::ReadStatus;
using event::Task;
using services::anvil::Event;

/// Questions that an authentication server may ask in one log-in.
static constexpr int kMostSteps = 16;
/// What a failed log-in costs on top of the server's own delay: smtpd_error_sleep_time for each that came before it in
/// this session, not more than so often.
static constexpr int kMostDelays = 5;
static constexpr size_t kLongestShown = 100;

/// Bytes that may be a password are wiped when the command is done.
class WipedLine {
 public:
  explicit WipedLine(std::string& line) : line_(line) {}
  WipedLine(const WipedLine&) = delete;
  WipedLine& operator=(const WipedLine&) = delete;
  ~WipedLine() {
    explicit_bzero(line_.data(), line_.size());
    line_.clear();
  }

 private:
  std::string& line_;
};

Task<std::string> Session::login_keywords() {
  if (!logins_offered() || needs_tls(Verb::auth)) co_return std::string();
  co_return co_await shared_.logins->keywords(client_);
}

/// Whether a line is an AUTH command: what follows the mechanism may be a password.
static bool is_login(std::string_view line) {
  smtp::Command command = smtp::parse_command(line);
  return iequals(command.verb, "AUTH");
}

size_t Session::longest_line() const {
  size_t usual = params_.line_length_limit;
  constexpr size_t kVerbAndMechanism = 64;
  return logins_offered() ? std::max<size_t>(usual, shared_.logins->settings().response_limit + kVerbAndMechanism)
                          : usual;
}

bool Session::too_long_for_verb(std::string_view line) const {
  return line.size() > params_.line_length_limit && !is_login(line);
}

/// Drops the rest of a line that is too long and says so.
Task<bool> Session::refuse_long_line(std::string_view start, ReadStatus status) {
  ++errors_;
  ++tally_[static_cast<size_t>(Verb::unknown)].total;
  bool login = is_login(start);
  if (status == ReadStatus::too_long) {
    bool found = co_await skip_to_line_end(start.size());
    if (!found) co_return false;
  }
  if (login) reply(500, "5.5.6", "SASL response limit exceeded");
  if (!login) reply(500, "5.5.2", "Error: line too long");
  co_return co_await pause_after_errors();
}

/// Adds the command to the transcript for postmaster, less what may be a password.
void Session::note_input() {
  if (shared_.notify == kNoTrouble) return;
  if (is_login(line_)) {
    auto words = smtp::split_words(line_, 3);
    std::string shown = "AUTH";
    if (words.size() > 1) shown.append(" ").append(words[1]);
    if (words.size() > 2) shown += " [not shown]";
    return transcript_.add_in(shown);
  }
  bool command = find_verb(smtp::parse_command(line_).verb) != nullptr;
  transcript_.add_in(auth_seen_ && !command ? std::string_view("[not shown]") : std::string_view(line_));
}

/// What a client has sent ahead, for the log, less what may be a password.
std::string Session::shown_early_input(std::string_view verb) {
  std::string text(stream_.buffered().substr(0, kLongestShown));
  if (auth_seen_ || iequals(verb, "AUTH")) return "[not shown]";
  size_t login = to_upper(text).find("AUTH");
  if (login == std::string::npos) return printable(text);
  return printable(text.substr(0, login)) + "AUTH [not shown]";
}

/// The refusal of an AUTH for its place.
std::optional<smtp::Refusal> Session::login_refusal() const {
  if (helo_.empty()) return smtp::Refusal{503, "5.5.1", "Error: send HELO/EHLO first"};
  if (!logins_offered() || !offers("AUTH")) return smtp::Refusal{503, "5.5.1", "Error: authentication not enabled"};
  if (transaction_) return smtp::Refusal{503, "5.5.1", "Error: MAIL transaction in progress"};
  if (login_) return smtp::Refusal{503, "5.5.1", "Error: already authenticated"};
  return {};
}

Task<bool> Session::do_auth(std::string_view arguments) {
  WipedLine wiped(line_);
  auth_seen_ = true;
  if (auto refused = login_refusal()) co_return fail(*refused);
  auto words = smtp::split_words(arguments);
  if (words.empty() || words.size() > 2) co_return fail(501, "5.5.4", "Syntax: AUTH mechanism");
  std::string method = to_upper(printable(words[0].substr(0, kLongestShown)));
  bool within = co_await within_rate(Event::auth, params_.client_auth_rate_limit, "AUTH command rate");
  if (!within) co_return false;
  LoginServer::Choice choice = co_await shared_.logins->choose(method, client_);
  if (choice == LoginServer::Choice::needs_encryption) {
    co_return fail(538, "5.7.11", "Encryption required for requested authentication mechanism");
  }
  if (choice == LoginServer::Choice::unknown) {
    const smtp::Refusal refusal{504, "5.5.4", "Error: authentication mechanism is not offered"};
    co_return co_await login_failed(refusal, method, "Invalid authentication mechanism", "");
  }
  std::optional<std::string> initial;
  if (words.size() == 2) {
    bool empty = words[1] == "=";  // RFC 4954 4: there is an initial response, and it has no octets
    initial = base64_decode(empty ? std::string_view() : words[1]);
    if (!initial) {
      const smtp::Refusal refusal{501, "5.5.2", "Error: the response is not base64"};
      co_return co_await login_failed(refusal, method, "Invalid base64 data in initial response", "");
    }
  }
  co_return co_await log_in(std::move(method), std::move(initial));
}

/// The exchange with the authentication server; both sides' messages pass through decoded.
Task<bool> Session::log_in(std::string method, std::optional<std::string> initial) {
  AuthClient& server = shared_.logins->client();
  std::unique_ptr<AuthClient::Exchange> exchange;
  auth::AuthContext context = shared_.logins->context(client_, stream_.fd());
  AuthClient::Step step = co_await server.begin(&exchange, method, std::move(initial), std::move(context));
  for (int steps = 0; step.kind == AuthClient::Step::Kind::challenge; ++steps) {
    if (steps == kMostSteps) {
      step.kind = AuthClient::Step::Kind::done;
      step.reply.reason = "the authentication server asks without end";
      break;
    }
    reply_line("334 " + base64_encode(step.challenge) + "\r\n");
    std::optional<std::string> response = co_await read_response(method);
    if (!response) {
      server.cancel(*exchange);
      co_return false;
    }
    step = co_await server.go_on(exchange.get(), std::move(*response));
  }
  co_return co_await finish_login(method, step.reply);
}

/// The client's answer to a challenge, decoded. Nothing: it gave up, sent none or is gone; the reply has been given.
Task<std::optional<std::string>> Session::read_response(const std::string& method) {
  size_t limit = shared_.logins->settings().response_limit;
  Result<void> sent = co_await stream_.flush();
  Read line;
  line.status = ReadStatus::failed;
  if (sent) {
    waiting_ = true;
    waiting_since_ = event::Loop::current().now();
    stream_.set_timeout(shared_.patience().timeout);
    line = co_await stream_.read_line(limit + 2);
    waiting_ = false;
  }
  if (line.status == ReadStatus::too_long) {
    bool found = co_await skip_to_line_end(line.data.size());
    if (!found) hang_up();
    if (found) reply(500, "5.5.6", "SASL response limit exceeded");
    co_return std::nullopt;
  }
  if (line.status == ReadStatus::timed_out) reply(421, "4.4.2", params_.myhostname + " Error: timeout exceeded");
  if (!line) {
    if (end_reason_.empty() && !shared_.stopping) {
      end_reason_ = line.status == ReadStatus::timed_out ? "timeout" : "lost connection";
    }
    hang_up();
    co_return std::nullopt;
  }
  if (!accept_line(line.data)) {
    hang_up();
    co_return std::nullopt;
  }
  if (line_ == "*") {
    log::warning("{}: SASL {} authentication aborted", client_.label, method);
    reply(501, "5.7.0", "Authentication aborted");
    co_return std::nullopt;
  }
  auto response = base64_decode(line_);
  if (!response) {
    const smtp::Refusal refusal{501, "5.5.2", "Error: the response is not base64"};
    co_await login_failed(refusal, method, "Invalid base64 data in continued response", "");
  }
  co_return response;
}

Task<bool> Session::finish_login(const std::string& method, const auth::AuthReply& answer) {
  if (answer.status == AuthStatus::ok && !answer.user.empty()) {
    login_ = Login{printable(answer.user, true), method};
    reply(235, "2.7.0", "Authentication successful");
    co_return true;
  }
  if (answer.status == AuthStatus::failed) {
    std::string why = answer.reason.empty() ? "(reason unavailable)" : printable(answer.reason, true);
    const smtp::Refusal refusal{535, "5.7.8", "Error: authentication failed: " + why};
    co_return co_await login_failed(refusal, method, why, answer.user);
  }
  // Tools that ban clients by the log know these words of Postfix: this is no wrong password.
  std::string why = "Connection lost to authentication server: " +
                    (answer.status == AuthStatus::ok ? "it does not say who that is" : printable(answer.reason, true));
  const smtp::Refusal refusal{454, "4.7.0", "Temporary authentication failure: try again later"};
  co_return co_await login_failed(refusal, method, why, answer.user);
}

/// Logs and replies. Guessing takes the longer the more was guessed wrong in this session; our own trouble costs
/// nothing.
Task<bool> Session::login_failed(const smtp::Refusal& refusal, const std::string& method, std::string_view why,
                                 std::string_view user) {
  log::warning("{}: SASL {} authentication failed: {}, sasl_username={}", client_.label, method, why,
               user.empty() ? "(unavailable)" : printable(user.substr(0, kLongestShown), true));
  if (refusal.code == 535) {
    int delays = std::min(failed_logins_++, kMostDelays);
    if (delays > 0 && params_.error_sleep_time > Duration{}) co_await event::sleep(params_.error_sleep_time * delays);
  }
  co_return fail(refusal);
}

/// ", sasl_method=PLAIN, sasl_username=alice", for the line that begins a message.
std::string Session::login_for_log() const {
  std::string out;
  if (login_) out = fmt::format(", sasl_method={}, sasl_username={}", login_->method, login_->user);
  if (transaction_ && !transaction_->auth_sender.empty()) out += ", sasl_sender=" + transaction_->auth_sender;
  return out;
}

}  // namespace umaya::smtpd
