#include "pop3d/login.h"

#include <string.h>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::pop3d {

event::Task<std::optional<LoggedIn>> Login::run() {
  begun_ = monotonic_now();
  client_.set_timeout(params_.login_timeout);
  client_.set_deadline(begun_ + params_.login_timeout);
  if (encryption_ != nullptr && !link_.tls) encryption_ready_ = co_await encryption_->ready();
  co_await greet();
  co_await converse();
  if (logged_in_) {
    auto sent = co_await client_.flush();  // what was answered before, when commands came together
    if (!sent) co_return std::nullopt;
    client_.set_deadline(TimePoint::max());
    co_return std::move(logged_in_);
  }
  client_.flush_now();
  if (failures_ == 0) log_end(how_);
  co_return std::nullopt;
}

void Login::log_end(std::string_view how) const {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(monotonic_now() - begun_).count();
  log::info("pop3-login: Disconnected: {} (no auth attempts in {} secs): user=<>, {}", how, seconds, link_.log_text());
}

event::Task<void> Login::converse() {
  Next next = Next::go_on;
  while (next == Next::go_on && !logged_in_) {
    if (client_.buffered().find('\n') == std::string_view::npos) {
      auto sent = co_await client_.flush();
      if (!sent) co_return;
    }
    event::Read line = co_await client_.read_line(kMostSaslLine);
    const bool too_long = line.status == event::ReadStatus::too_long ||
                          (line && line.data.size() > kMostLine && !istarts_with(line.data, "AUTH "));
    if (line.status == event::ReadStatus::timed_out) {
      how_ = "Inactivity";
      client_.write("-ERR [SYS/TEMP] Log in sooner.\r\n");
    }
    if (too_long) {
      how_ = "Line too long";
      client_.write("-ERR The line is too long.\r\n");
    }
    if (!line || too_long) co_return;
    std::string text(line.data);
    next = co_await dispatch(std::move(text));
  }
}

Login::Next Login::complain(std::string_view text) {
  client_.write("-ERR ");
  client_.write(text);
  client_.write("\r\n");
  if (++bad_commands_ < params_.bad_command_limit) return Next::go_on;
  how_ = "Too many bad commands";
  return Next::hang_up;
}

Login::Next Login::refuse_plaintext() {
  return complain("[AUTH] No passwords over a line that is not encrypted: use STLS or another mechanism.");
}

event::Task<Login::Next> Login::dispatch(std::string line) {
  Command command = parse_command(line);
  const VerbInfo* verb = find_verb(command.verb);
  if (++commands_ > kMostCommands) {
    how_ = "Too many commands";
    client_.write("-ERR Too many commands without a log-in.\r\n");
    co_return Next::hang_up;
  }
  if (verb == nullptr) co_return complain("Unknown command.");
  if (!allowed_in(*verb, State::authorization)) co_return complain("Log in first.");
  if (locked() && !verb->without_tls) co_return complain("Use STLS first.");
  if (!fits(command, *verb)) co_return complain("Wrong number of arguments.");
  switch (verb->verb) {
    case Verb::capa:
      co_return co_await capa();
    case Verb::stls:
      co_return co_await stls();
    case Verb::user:
      co_return user(command);
    case Verb::pass: {
      Secret password{std::string(command.rest)};
      explicit_bzero(line.data(), line.size());
      co_return co_await pass(std::move(password));
    }
    case Verb::apop: {
      std::string name(command.arguments[0]), digest(command.arguments[1]);
      co_return co_await apop(std::move(name), std::move(digest));
    }
    case Verb::auth: {
      Next next = co_await auth(&command);
      explicit_bzero(line.data(), line.size());
      co_return next;
    }
    case Verb::utf8:
      co_return utf8();
    case Verb::lang:
      client_.write(language_answer(command.arguments));
      co_return Next::go_on;
    default:
      how_ = "Logged out";
      client_.write("+OK Bye.\r\n");
      co_return Next::hang_up;
  }
}

event::Task<Login::Next> Login::capa() {
  Abilities abilities;
  abilities.stls = stls_offered();
  abilities.locked = locked();
  abilities.user = !plaintext_refused();
  std::vector<auth::Mechanism> mechanisms = co_await offered();
  for (const auth::Mechanism& mechanism : mechanisms) {
    if (usable(mechanism)) abilities.mechanisms.push_back(mechanism.name);
  }
  client_.write(capability_answer(abilities, params_));
  co_return Next::go_on;
}

event::Task<Login::Next> Login::stls() {
  if (link_.tls) co_return complain("TLS stands already.");
  if (!stls_offered()) co_return complain("TLS is not available.");
  if (utf8_) co_return complain("STLS comes before UTF8.");
  client_.write("+OK Begin TLS.\r\n");
  auto sent = co_await client_.flush();
  if (!sent) co_return Next::hang_up;
  auto info = co_await encryption_->accept(&client_, link_.remote);
  if (!info) {
    how_ = "TLS handshake failed";
    log::info("pop3-login: TLS handshake failed ({}): user=<>, {}", info.error().what, link_.log_text());
    co_return Next::hang_up;
  }
  note_tls(link_, *info);
  user_.reset();
  co_return Next::go_on;
}

Login::Next Login::user(const Command& command) {
  if (plaintext_refused()) return refuse_plaintext();
  user_ = std::string(command.rest);
  client_.write("+OK\r\n");
  return Next::go_on;
}

/// RFC 6856 section 2.1.
Login::Next Login::utf8() {
  utf8_ = true;
  client_.write("+OK Headers and texts are UTF-8.\r\n");
  return Next::go_on;
}

}  // namespace umaya::pop3d
