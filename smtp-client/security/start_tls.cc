#include "smtp-client/security/start_tls.h"

#include "libcommon/log/log.h"

namespace umaya::smtp_client {

using event::Task;

namespace {

Failure tls_failure(std::string dsn, std::string text) {
  Failure out;
  out.dsn = std::move(dsn);
  out.text = std::move(text);
  out.is_site = true;
  return out;
}

/// Why a session that was to have TLS goes on without, if that is not allowed.
std::optional<Failure> without_tls(const Session& session, const TlsStep& step) {
  if (!tls::is_mandatory(step.request.level)) return std::nullopt;
  if (session.can().has(kStartTls)) {
    return tls_failure("4.7.5", "TLS is required, but our TLS engine is unavailable");
  }
  return tls_failure("4.7.4", "TLS is required, but was not offered by host " + session.peer().name_and_address());
}

/// The server has taken STARTTLS back although it had offered it.
Failure refused_tls(const Session& session, const smtp::Reply& reply) {
  Failure out = said(session.peer(), reply, "STARTTLS");
  out.text =
      "TLS is required, but host " + session.peer().name_and_address() + " refused to start TLS: " + out.diagnostic;
  out.is_site = true;
  return out;
}

}  // namespace

Task<std::optional<Failure>> secure_session(Session& session, TlsStep step) {
  if (!step.client) co_return tls_failure("4.7.5", "TLS is required, but our TLS engine is unavailable");
  step.request.peer = session.peer().relay();
  const tls::ClientLevel level = step.request.level;
  auto connection = co_await step.client->connect(&session.stream, std::move(step.request), step.limit);
  if (!connection) {
    session.dead = true;  // who knows what the server reads now
    Failure failure = tls_failure("4.7.5", "Cannot start TLS: handshake failure");
    failure.is_tls = true;
    co_return failure;
  }
  session.tls = std::move(*connection);
  const tls::Trust trust = session.tls->info.peer.trust;
  if (tls::is_by_name(level) && trust < tls::Trust::trusted) {
    co_return tls_failure("4.7.5", "Server certificate not trusted");
  }
  if (tls::must_match(level) && trust != tls::Trust::verified) {
    co_return tls_failure("4.7.5", "Server certificate not verified");
  }
  co_return std::nullopt;
}

Task<std::optional<Failure>> start_tls(Session& session, Hello hello, TlsStep step) {
  const bool offered = session.can().has(kStartTls);
  if (step.request.level == tls::ClientLevel::none) {
    if (offered && step.note_offer) log::info("Host offered STARTTLS: [{}]", session.peer().host);
    co_return std::nullopt;
  }
  if (!offered || !step.client) co_return without_tls(session, step);
  session.stream.write("STARTTLS\r\n");
  auto loss = co_await session.send(hello.timeout);
  if (loss) co_return lost(session.peer(), *loss, "sending the STARTTLS command");
  ReplyOrLoss reply = co_await session.reply(hello.timeout);
  if (!reply) co_return lost(session.peer(), reply.error(), "receiving the STARTTLS response");
  if (reply->severity() != 2) {
    if (tls::is_mandatory(step.request.level)) co_return refused_tls(session, *reply);
    session.forget(kStartTls);
    co_return std::nullopt;
  }
  std::optional<Failure> failure = co_await secure_session(session, std::move(step));
  if (failure) co_return failure;
  hello.never_ehlo = false;
  failure = co_await say_hello(session, std::move(hello));
  if (failure && session.dead) failure->is_tls = true;  // such a server is no better than one that cannot do TLS
  co_return failure;
}

}  // namespace umaya::smtp_client
