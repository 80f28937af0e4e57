#include "smtp-client/security/authenticate.h"

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::smtp_client {

using auth::SaslClient;
using event::Task;

namespace {

// shared_ptr: a worker that is still computing keeps the mechanism when the session is given up meanwhile.
using SharedClient = std::shared_ptr<SaslClient>;

Failure cannot_authenticate(const Session& session, std::string_view why) {
  Failure out;
  out.dsn = "4.7.0";
  out.is_site = true;
  out.text = "SASL authentication failed; cannot authenticate to server " + session.peer().name_and_address() + ": " +
             std::string(why);
  return out;
}

Failure rejected(const Session& session, const smtp::Reply& reply, const SaslParams& params, std::string_view where) {
  Failure out;
  out.diagnostic = reply_text(reply);
  out.dsn = dsn_of(reply);
  if (out.dsn.starts_with('2')) out.dsn = "4.5.0";
  if (params.soft_bounce) out.soften();
  out.is_site = true;
  out.text = "SASL " + std::string(where) + "authentication failed; server " + session.peer().name_and_address() +
             " said: " + out.diagnostic;
  return out;
}

/// What may be refused of a mechanism depends on how well the connection is protected.
uint8_t refused_properties(const Session& session, const SaslParams& params) {
  if (!session.tls) return params.options;
  const bool verified = session.tls->info.peer.trust == tls::Trust::verified;
  return verified ? params.verified_options : params.tls_options;
}

auth::SaslOffer offer_of(const Session& session, const Authentication& how) {
  auth::SaslOffer out;
  out.offered = session.can().auth_mechanisms;
  out.refuse = refused_properties(session, how.params);
  if (session.tls) {
    out.binding = {session.tls->binding_type, session.tls->binding};
    out.has_certificate = session.tls->has_certificate;
  }
  if (!how.filter.empty()) {
    out.allowed = [&how](std::string_view name) { return how.filter.matches(name) == table::Match::yes; };
  }
  return out;
}

/// "AUTH PLAIN base64", "AUTH LOGIN"; an empty initial response is "=" (RFC 4954 4).
void write_auth(Session& session, SaslClient& client) {
  std::string line = "AUTH " + std::string(client.name());
  if (auto first = client.initial()) {
    line += ' ';
    line += first->empty() ? "=" : base64_encode(first->reveal());
  }
  const Secret command(line + "\r\n");
  session.stream.write(command.reveal());
}

/// The response to the challenge that a 334 reply holds.
Task<Result<Secret>> respond(SharedClient client, const smtp::Reply& reply, event::WorkerPool& workers) {
  auto challenge = base64_decode(reply.lines.empty() ? std::string_view{} : trim(reply.lines[0]));
  if (!challenge) co_return permanent("malformed challenge");
  if (!client->is_slow(*challenge)) co_return client->respond(*challenge);
  auto work = [client, text = std::move(*challenge)] { return client->respond(text); };
  co_return co_await workers.run(std::move(work));
}

/// Sends what was written and reads the reply.
Task<ReplyOrLoss> exchange(Session& session, Duration limit) {
  auto loss = co_await session.send(limit);
  if (loss) co_return std::unexpected(*loss);
  co_return co_await session.reply(limit);
}

/// Gives up in the middle (RFC 4954 4): the server's answer to that does not matter.
Task<std::optional<Failure>> cancel(Session& session, std::string why, Duration limit) {
  Failure failure = cannot_authenticate(session, why);
  session.stream.write("*\r\n");
  ReplyOrLoss reply = co_await exchange(session, limit);
  (void)reply;
  co_return failure;
}

/// The conversation from AUTH to the server's verdict.
Task<std::optional<Failure>> converse(Session& session, SharedClient client, const Authentication& how) {
  constexpr std::string_view kDoing = "performing the AUTH handshake";
  write_auth(session, *client);
  ReplyOrLoss reply = co_await exchange(session, how.limit);
  for (int challenges = 0; reply && reply->severity() == 3; ++challenges) {
    Result<Secret> response = co_await respond(client, *reply, how.workers);
    if (response && challenges >= Authentication::kMostChallenges) response = permanent("too many challenges");
    if (!response) co_return co_await cancel(session, response.error().what, how.limit);
    const Secret line(base64_encode(response->reveal()) + "\r\n");
    session.stream.write(line.reveal());
    reply = co_await exchange(session, how.limit);
  }
  if (!reply) co_return lost(session.peer(), reply.error(), kDoing);
  if (reply->severity() != 2) {
    if (reply->code == 535) how.accounts.note_refusal(session.peer().host, how.account, *reply);
    co_return rejected(session, *reply, how.params, "");
  }
  if (!client->is_complete()) {
    co_return cannot_authenticate(session, "the server did not prove that it knows the password");
  }
  session.authenticated = true;
  co_return std::nullopt;
}

}  // namespace

Task<std::optional<Failure>> authenticate(Session& session, const Authentication& how) {
  if (!session.can().has(kAuth)) co_return std::nullopt;  // strangers to one another, as without an account
  if (auto before = how.accounts.refused(session.peer().host, how.account)) {
    co_return rejected(session, *before, how.params, "[CACHED] ");
  }
  how.filter.refresh();
  Account account{how.account.user, Secret(std::string(how.account.password.reveal()))};
  const auth::SaslOffer offer = offer_of(session, how);
  auto client = auth::choose_sasl_client(offer, std::move(account));
  if (!client) {
    Failure failure = cannot_authenticate(session, client.error().what);
    if (offer.offered.empty()) log::warning("{} offered null AUTH mechanism list", session.peer().relay());
    co_return failure;
  }
  SharedClient shared = std::move(*client);
  co_return co_await converse(session, std::move(shared), how);
}

}  // namespace umaya::smtp_client
