#include "smtp-client/session.h"

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::smtp_client {

using event::Task;

namespace {

Failure loop_failure(const Session& session, const Hello& hello) {
  Failure out;
  out.is_site = true;
  log::warning("host {} replied to HELO/EHLO with my own hostname {}", session.peer().relay(), hello.own_name);
  if (session.peer().is_best_mx) {
    out.dsn = "5.4.6";
    out.text = "mail for " + hello.nexthop + " loops back to myself";
  } else {
    out.dsn = "4.4.6";
    out.text = "host " + session.peer().name_and_address() + " greeted me with my own hostname";
  }
  return out;
}

/// Whether to go on after the greeting; its text tells whether the server may know ESMTP.
Task<std::optional<Failure>> read_greeting(Session& session, const Hello& hello, bool& esmtp) {
  ReplyOrLoss greeting = co_await session.reply(hello.timeout);
  if (!greeting) co_return lost(session.peer(), greeting.error(), "receiving the initial server greeting");
  if (greeting->severity() == 2) {
    for (const std::string& line : greeting->lines) {
      for (std::string_view word : split(line, " \t")) esmtp = esmtp || iequals(word, "ESMTP");
    }
    co_return std::nullopt;
  }
  session.throttled = true;
  Failure failure = refused(session.peer(), *greeting);
  if (hello.skip_5xx_greeting) failure.soften();
  co_return failure;
}

/// Sends one hello command and reads its reply.
Task<ReplyOrLoss> hello_command(Session& session, std::string verb, const Hello& hello) {
  session.stream.write(verb + ' ' + hello.name + "\r\n");
  auto loss = co_await session.send(hello.timeout);
  if (loss) co_return std::unexpected(*loss);
  co_return co_await session.reply(hello.timeout);
}

}  // namespace

Task<ReplyOrLoss> Session::reply(Duration limit) {
  smtp::LineMender mend;
  if (reply_filter) mend = [this](std::string_view line) { return filtered(line); };
  ReplyOrLoss reply = co_await smtp::read_reply(stream, limit, reply_filter ? &mend : nullptr);
  if (!reply) dead = true;  // what follows cannot be understood any more
  co_return reply;
}

/// A line of a reply as smtp_reply_filter wants it read: the mending of servers that break the protocol.
std::string Session::filtered(std::string_view line) {
  table::Lookup found = reply_filter->find(line);
  if (found.is_error()) log::warning("{}: {}", reply_filter->title(), found.error().what);
  return found.found() ? std::string(found.value()) : std::string(line);
}

Task<std::optional<Loss>> Session::send(Duration limit) {
  stream.set_deadline(monotonic_now() + limit);
  Result<void> sent = co_await stream.flush();
  if (sent) co_return std::nullopt;
  dead = true;
  co_return sent.error().sys_errno == ETIMEDOUT ? Loss::timed_out : Loss::closed;
}

void Session::quit() {
  if (dead) return;
  dead = true;
  stream.write("QUIT\r\n");
  stream.flush_now();
}

Task<std::optional<Failure>> greet(Session& session, Hello hello) {
  bool esmtp = hello.always_ehlo;
  std::optional<Failure> failure = co_await read_greeting(session, hello, esmtp);
  if (failure) co_return failure;
  if (!esmtp) hello.never_ehlo = true;
  co_return co_await say_hello(session, std::move(hello));
}

Task<std::optional<Failure>> say_hello(Session& session, Hello hello) {
  Capabilities unknown;
  session.set_capabilities(std::move(unknown));
  const bool lmtp = hello.protocol == Protocol::lmtp;
  const std::string extended = lmtp ? "LHLO" : "EHLO";
  if (lmtp || !hello.never_ehlo) {
    ReplyOrLoss reply = co_await hello_command(session, extended, hello);
    if (!reply) co_return lost(session.peer(), reply.error(), "performing the " + extended + " handshake");
    if (reply->severity() == 2) {
      session.set_capabilities(parse_capabilities(*reply, hello.discard));
    } else if (lmtp || reply->code == 421) {
      session.throttled = true;
      co_return refused(session.peer(), *reply);
    }
  }
  if (!session.can().has(kEsmtp)) {
    ReplyOrLoss reply = co_await hello_command(session, "HELO", hello);
    if (!reply) co_return lost(session.peer(), reply.error(), "performing the HELO handshake");
    if (reply->severity() != 2) {
      session.throttled = true;
      co_return refused(session.peer(), *reply);
    }
    Capabilities plain;
    auto words = split(reply->lines.empty() ? std::string_view{} : std::string_view(reply->lines[0]), " \t");
    if (!words.empty()) plain.server_name = words[0];
    session.set_capabilities(std::move(plain));
  }
  if (!hello.own_name.empty() && iequals(session.can().server_name, hello.own_name)) {
    co_return loop_failure(session, hello);
  }
  co_return std::nullopt;
}

}  // namespace umaya::smtp_client
