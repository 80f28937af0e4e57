#include "pop3d/login.h"

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::pop3d {

using auth::AuthStatus;

event::Task<std::optional<LoggedIn>> Login::run() {
  client_.set_timeout(params_.login_timeout);
  client_.set_deadline(monotonic_now() + params_.login_timeout);
  client_.write("+OK Umaya ready.\r\n");
  while (true) {
    if (client_.buffered().find('\n') == std::string_view::npos) {
      auto sent = co_await client_.flush();
      if (!sent) co_return std::nullopt;
    }
    event::Read line = co_await client_.read_line(kMostLine);
    if (line.status == event::ReadStatus::timed_out) client_.write("-ERR [SYS/TEMP] Log in sooner.\r\n");
    if (line.status == event::ReadStatus::too_long) client_.write("-ERR The line is too long.\r\n");
    if (!line) break;
    pass_given_ = false;
    Command command = parse_command(line.data);
    std::string password;
    Next next = dispatch(command);
    if (pass_given_) password = command.rest;
    if (pass_given_) next = co_await pass(std::move(password));
    if (logged_in_) {
      client_.set_deadline(TimePoint::max());
      co_return std::move(logged_in_);
    }
    if (next == Next::hang_up) break;
  }
  client_.flush_now();
  co_return std::nullopt;
}

Login::Next Login::complain(std::string_view text) {
  client_.write("-ERR " + std::string(text) + "\r\n");
  return ++bad_commands_ >= params_.bad_command_limit ? Next::hang_up : Next::go_on;
}

void Login::capabilities() {
  client_.write("+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n");
  if (!plaintext_refused()) client_.write("USER\r\n");
  client_.write(".\r\n");
}

Login::Next Login::dispatch(const Command& command) {
  const VerbInfo* verb = find_verb(command.verb);
  if (verb == nullptr || !allowed_in(*verb, State::authorization)) {
    return complain(verb == nullptr ? "Unknown command." : "Log in first: USER and PASS.");
  }
  bool takes_rest = verb->most_arguments == VerbInfo::kAny;
  if (command.arguments.size() < verb->least_arguments ||
      (!takes_rest && command.arguments.size() > verb->most_arguments)) {
    return complain("Wrong number of arguments.");
  }
  switch (verb->verb) {
    case Verb::quit:
      client_.write("+OK Bye.\r\n");
      return Next::hang_up;
    case Verb::capa:
      capabilities();
      return Next::go_on;
    case Verb::user:
      if (plaintext_refused()) return complain("[AUTH] No passwords over a line that is not encrypted.");
      user_ = std::string(command.rest);
      client_.write("+OK\r\n");
      return Next::go_on;
    case Verb::pass:
      if (!user_) return complain("USER comes before PASS.");
      pass_given_ = true;
      return Next::go_on;
    default:
      return complain("Log in first: USER and PASS.");
  }
}

event::Task<Login::Next> Login::pass(std::string password) {
  auth::AuthContext context{"pop3", link_.local, link_.remote, link_.secured, true};
  Secret secret{std::move(password)};
  auth::AuthReply reply = co_await auth_.check_plain(*user_, std::move(secret), std::move(context));
  if (reply.status != AuthStatus::ok) co_return failed(reply);
  log::info("Login: user=<{}>, method=PLAIN, rip={}, lip={}{}", reply.user, link_.remote, link_.local,
            link_.secured ? ", secured" : "");
  logged_in_ = LoggedIn{reply.user, reply.ticket};
  co_return Next::hang_up;
}

/// Says with a code whether trying again can help (RFC 3206).
Login::Next Login::failed(const auth::AuthReply& reply) {
  std::string shown = printable(user_->substr(0, 80), true);
  user_.reset();
  if (reply.status == AuthStatus::temporary) {
    log::warning("Aborted login (temporary failure: {}): user=<{}>, method=PLAIN, rip={}, lip={}", reply.reason, shown,
                 link_.remote, link_.local);
    client_.write("-ERR [SYS/TEMP] Temporary trouble with authentication; try again later.\r\n");
    return Next::go_on;
  }
  ++failures_;
  log::info("Aborted login (auth failed, {} attempts): user=<{}>, method=PLAIN, rip={}, lip={}", failures_, shown,
            link_.remote, link_.local);
  client_.write("-ERR [AUTH] Authentication failed.\r\n");
  return failures_ >= kMostFailures ? Next::hang_up : Next::go_on;
}

}  // namespace umaya::pop3d
