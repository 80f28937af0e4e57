// The part of a log-in that asks the authentication server: PASS, APOP, AUTH, and what they say of the greeting.
#include <unistd.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "pop3d/login.h"

namespace umaya::pop3d {

using auth::AuthClient;
using auth::AuthStatus;

namespace {

constexpr std::string_view kApop = "APOP";

}  // namespace

/// What the server offers; nothing while it cannot be asked, which is told at the log-in.
event::Task<std::vector<auth::Mechanism>> Login::offered() {
  auto mechanisms = co_await auth_.mechanisms();
  if (!mechanisms) co_return std::vector<auth::Mechanism>();
  co_return std::move(*mechanisms);
}

bool Login::usable(const auth::Mechanism& mechanism) const {
  if (mechanism.is_private || mechanism.name == kApop) return false;
  if (mechanism.plaintext && plaintext_refused()) return false;
  if (mechanism.channel_binding && channel_binding().empty()) return false;
  if (mechanism.name == "EXTERNAL" && link_.cert_username.empty()) return false;
  return true;
}

std::string Login::channel_binding() const {
  return link_.tls && encryption_ != nullptr ? encryption_->channel_binding(client_) : std::string();
}

auth::AuthContext Login::context() const {
  auth::AuthContext context;
  context.service = "pop3";
  context.local = link_.local;
  context.remote = link_.remote;
  context.local_port = link_.local_port;
  context.remote_port = link_.remote_port;
  context.secured = link_.secured();
  context.keep = context.seal = true;
  context.cert_username = link_.cert_username;
  return context;
}

auth::AuthContext Login::bound_context() const {
  auth::AuthContext bound = context();
  bound.channel_binding_data = channel_binding();
  if (!bound.channel_binding_data.empty()) bound.channel_binding_type = "tls-exporter";
  return bound;
}

/// With a time stamp when APOP is offered (RFC 1939 section 7).
event::Task<void> Login::greet() {
  std::vector<auth::Mechanism> mechanisms = co_await offered();
  bool has_apop = std::any_of(mechanisms.begin(), mechanisms.end(), [](const auto& m) { return m.name == kApop; });
  std::string greeting = "+OK Umaya ready.";
  if (has_apop && !locked()) {
    char bytes[12];
    random_bytes(bytes);
    timestamp_ = "<" + to_lower(hex_encode({bytes, sizeof bytes})) + "." + std::to_string(getpid()) + "." +
                 std::to_string(wall_seconds()) + "@" + params_.myhostname + ">";
    greeting += " " + timestamp_;
  }
  client_.write(greeting + "\r\n");
}

event::Task<Login::Next> Login::pass(Secret password) {
  if (plaintext_refused()) co_return refuse_plaintext();
  if (!user_) co_return complain("USER comes before PASS.");
  std::string name = std::move(*user_);
  user_.reset();
  auth::AuthContext asked = context();
  auth::AuthReply reply = co_await auth_.check_plain(name, std::move(password), std::move(asked));
  co_return verdict(reply, "PLAIN", name);
}

event::Task<Login::Next> Login::apop(std::string name, std::string digest) {
  auto octets = hex_decode(digest);
  if (timestamp_.empty()) co_return complain("APOP is not offered.");
  if (!octets || octets->size() != 16) co_return complain("The digest has 32 hexadecimal digits.");
  std::string message = timestamp_ + '\0' + name + '\0' + *octets;
  std::unique_ptr<AuthClient::Exchange> exchange;
  auth::AuthContext asked = context();
  std::optional<std::string> initial(std::move(message));
  auto step = co_await auth_.begin(&exchange, std::string(kApop), std::move(initial), std::move(asked));
  if (step.kind == AuthClient::Step::Kind::challenge) {
    auth_.cancel(*exchange);
    step.reply = {};
  }
  co_return verdict(step.reply, kApop, name);
}

/// RFC 5034 section 4; without a mechanism the list of those there are (RFC 1734 had none, but clients ask).
event::Task<Login::Next> Login::auth(const Command* command) {
  std::vector<auth::Mechanism> mechanisms = co_await offered();
  if (command->arguments.empty()) {
    std::vector<std::string> names;
    for (const auth::Mechanism& mechanism : mechanisms) {
      if (usable(mechanism)) names.push_back(mechanism.name);
    }
    client_.write(mechanism_answer(names));
    co_return Next::go_on;
  }
  std::string name = to_upper(command->arguments[0]);
  auto found = std::find_if(mechanisms.begin(), mechanisms.end(), [&](const auto& m) { return m.name == name; });
  if (found != mechanisms.end() && found->plaintext && plaintext_refused()) co_return refuse_plaintext();
  if (mechanisms.empty()) co_return complain("[SYS/TEMP] The authentication server does not answer; try again later.");
  if (found == mechanisms.end() || !usable(*found)) co_return complain("This mechanism is not offered.");
  std::optional<std::string> initial;
  if (command->arguments.size() == 2) {
    initial = command->arguments[1] == "=" ? std::optional<std::string>("") : base64_decode(command->arguments[1]);
    if (!initial) co_return complain("The initial response is no base64.");
  }
  co_return co_await exchange(std::move(name), std::move(initial));
}

event::Task<Login::Next> Login::exchange(std::string mechanism, std::optional<std::string> initial) {
  user_.reset();
  std::unique_ptr<AuthClient::Exchange> exchange;
  auth::AuthContext asked = bound_context();
  AuthClient::Step step = co_await auth_.begin(&exchange, mechanism, std::move(initial), std::move(asked));
  for (int round = 0; step.kind == AuthClient::Step::Kind::challenge; ++round) {
    client_.write("+ " + base64_encode(step.challenge) + "\r\n");
    Next next = Next::go_on;
    std::optional<std::string> response = co_await client_response(&next);
    if (!response || round > 8) {
      auth_.cancel(*exchange);
      co_return next;
    }
    step = co_await auth_.go_on(exchange.get(), std::move(*response));
  }
  co_return verdict(step.reply, mechanism, step.reply.user);
}

/// The client's next line within AUTH, decoded; nothing when it gave up or sent something else.
event::Task<std::optional<std::string>> Login::client_response(Next* next) {
  auto sent = co_await client_.flush();
  event::Read line = co_await client_.read_line(kMostSaslLine);
  if (!sent || !line) {
    if (line.status == event::ReadStatus::too_long) client_.write("-ERR The line is too long.\r\n");
    *next = Next::hang_up;
    co_return std::nullopt;
  }
  std::string_view text = line.data.substr(0, line.data.size() - 1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text == "*") {
    *next = complain("Cancelled.");
    co_return std::nullopt;
  }
  std::optional<std::string> response = base64_decode(text);
  if (!response) *next = complain("This is no base64.");
  co_return response;
}

/// Says with a code whether trying again can help (RFC 3206).
Login::Next Login::verdict(const auth::AuthReply& reply, std::string_view method, std::string_view name) {
  if (reply.status == AuthStatus::ok) {
    log::info("pop3-login: Login: user=<{}>, method={}, {}", reply.user, method, link_.log_text());
    logged_in_ = LoggedIn{reply.user, reply.ticket, utf8_};
    return Next::hang_up;
  }
  std::string shown = printable(name.substr(0, 80), true);
  if (reply.status == AuthStatus::temporary) {
    log::warning("pop3-login: Aborted login (temporary failure: {}): user=<{}>, method={}, {}", reply.reason, shown,
                 method, link_.log_text());
    client_.write("-ERR [SYS/TEMP] Temporary trouble with authentication; try again later.\r\n");
    return ++bad_commands_ < params_.bad_command_limit ? Next::go_on : Next::hang_up;
  }
  ++failures_;
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(monotonic_now() - begun_).count();
  log::info("pop3-login: Aborted login (auth failed, {} attempts in {} secs): user=<{}>, method={}, {}", failures_,
            seconds, shown, method, link_.log_text());
  client_.write("-ERR [AUTH] Authentication failed.\r\n");
  return failures_ >= kMostFailures ? Next::hang_up : Next::go_on;
}

}  // namespace umaya::pop3d
