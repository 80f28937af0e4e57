#include "authd/mechanisms.h"

#include <cstdlib>

#include "libcommon/auth/sasl.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::authd {

using auth::AuthStatus;
using auth::Hash;
using auth::ScramServer;
using event::Task;

namespace {

constexpr size_t kMostName = 1024;

Outcome given_up() {
  Outcome outcome;
  outcome.gave_up = true;
  return outcome;
}

/// A failure for which no password was looked at; it counts like a wrong one.
Outcome refused(Authenticator* authenticator, const Request& request, std::string user, std::string reason,
                std::string code = {}) {
  Outcome outcome;
  outcome.verdict.status = AuthStatus::failed;
  outcome.verdict.user = std::move(user);
  outcome.verdict.reason = std::move(reason);
  outcome.code = std::move(code);
  authenticator->settle(outcome.verdict, auth::fresh_scram_nonce(), request.origin);
  return outcome;
}

Outcome in_trouble(std::string user, const Error& error) {
  Outcome outcome;
  outcome.verdict.user = std::move(user);
  outcome.verdict.reason = error.what;
  return outcome;
}

/// The initial response, or the answer to this challenge where the client sent none.
Task<std::optional<Secret>> first_message(Conversation* conversation, Request* request, std::string_view challenge) {
  if (request->initial) co_return std::move(request->initial);
  co_return co_await conversation->ask(std::string(challenge));
}

Task<Outcome> check_password(std::string user, Secret password, Request* request, Authenticator* authenticator) {
  Outcome outcome;
  Attempt attempt{std::move(user), std::move(password), request->origin};
  outcome.verdict = co_await authenticator->check(std::move(attempt));
  co_return outcome;
}

Task<Outcome> run_plain(Conversation* conversation, Request* request, Authenticator* authenticator) {
  auto message = co_await first_message(conversation, request, "");
  if (!message) co_return given_up();
  auto credentials = auth::parse_sasl_plain(message->reveal());
  if (!credentials) co_return refused(authenticator, *request, "", "PLAIN: malformed message");
  if (!credentials->authorize_as.empty() && credentials->authorize_as != credentials->user) {
    co_return refused(authenticator, *request, credentials->user, "wants to act as another user", "authz_fail");
  }
  co_return co_await check_password(std::move(credentials->user), std::move(credentials->password), request,
                                    authenticator);
}

Task<Outcome> run_login(Conversation* conversation, Request* request, Authenticator* authenticator) {
  auto user = co_await first_message(conversation, request, auth::kLoginUserPrompt);
  if (!user) co_return given_up();
  auto password = co_await conversation->ask(std::string(auth::kLoginPasswordPrompt));
  if (!password) co_return given_up();
  if (user->reveal().size() > kMostName || password->reveal().size() > kMostName) {
    co_return refused(authenticator, *request, "", "LOGIN: message too long");
  }
  std::string name(user->reveal());
  co_return co_await check_password(std::move(name), std::move(*password), request, authenticator);
}

Task<Outcome> run_scram(Hash hash, ScramServer::Plus plus, Conversation* conversation, Request* request,
                        Authenticator* authenticator) {
  auto message = co_await first_message(conversation, request, "");
  if (!message) co_return given_up();
  ScramServer scram(hash, plus, request->binding);
  auto names = scram.read_first(message->reveal());
  if (!names) co_return refused(authenticator, *request, "", names.error().what);
  if (!names->authorize_as.empty() && names->authorize_as != names->user) {
    co_return refused(authenticator, *request, names->user, "wants to act as another user", "authz_fail");
  }
  auto subject = co_await authenticator->find(names->user, request->origin);
  if (!subject) co_return in_trouble(names->user, subject.error());
  auto keys = co_await authenticator->scram_keys(&*subject, hash, request->origin);
  if (!keys) co_return in_trouble(names->user, keys.error());
  auto answer = co_await conversation->ask(scram.challenge(*keys, auth::fresh_scram_nonce()));
  if (!answer) co_return given_up();
  Result<bool> right = scram.read_final(answer->reveal(), *keys);
  if (!right) co_return refused(authenticator, *request, subject->tried, right.error().what);
  Outcome outcome;
  outcome.verdict = authenticator->judge(*subject, right, request->origin);
  // The proof of a wrong password is another one each time: each counts.
  authenticator->settle(outcome.verdict, answer->reveal(), request->origin);
  if (outcome.verdict.status == AuthStatus::ok) outcome.last_word = scram.last_word();
  co_return outcome;
}

template <Hash hash, ScramServer::Plus plus>
Task<Outcome> run_scram_kind(Conversation* conversation, Request* request, Authenticator* authenticator) {
  return run_scram(hash, plus, conversation, request, authenticator);
}

Task<Outcome> run_external(Conversation* conversation, Request* request, Authenticator* authenticator) {
  auto message = co_await first_message(conversation, request, "");
  if (!message) co_return given_up();
  auto wanted = auth::parse_external(message->reveal());
  const std::string& name = request->cert_user;
  if (name.empty()) co_return refused(authenticator, *request, "", "EXTERNAL without a verified certificate");
  if (!wanted) co_return refused(authenticator, *request, name, "EXTERNAL: malformed message");
  auto subject = co_await authenticator->find(name, request->origin);
  if (!subject) co_return in_trouble(name, subject.error());
  bool other = !wanted->empty() && *wanted != name && *wanted != subject->user;
  if (other) co_return refused(authenticator, *request, name, "wants to act as another user", "authz_fail");
  Outcome outcome;
  outcome.verdict = authenticator->judge(*subject, true, request->origin);
  authenticator->settle(outcome.verdict, "", request->origin);
  co_return outcome;
}

/// The stored password as it is; one that nobody has for nobody.
std::string secret_of(const Subject& subject) {
  const auto& account = subject.account;
  auto plain = account && account->entry.password ? account->entry.password->plain() : std::nullopt;
  return plain ? std::string(*plain) : auth::fresh_scram_nonce();
}

/// Keys for CRAM-MD5, stored or made; some that nobody knows for nobody.
Result<auth::CramKeys> cram_keys_of(const Subject& subject) {
  const auto& account = subject.account;
  bool stored = account && account->entry.password && account->entry.password->has_cram_keys();
  if (stored) return account->entry.password->cram_keys();
  Secret secret(secret_of(subject));
  return auth::make_cram_keys(secret.reveal());
}

/// verify: whether the client has shown that it knows what is stored for the subject.
template <class Verify>
Task<Outcome> judge_proof(std::string user, Request* request, Authenticator* authenticator, Verify verify) {
  auto subject = co_await authenticator->find(user, request->origin);
  if (!subject) co_return in_trouble(user, subject.error());
  Result<bool> right = verify(*subject);
  Outcome outcome;
  outcome.verdict = authenticator->judge(*subject, right, request->origin);
  authenticator->settle(outcome.verdict, auth::fresh_scram_nonce(), request->origin);
  co_return outcome;
}

Task<Outcome> run_cram_md5(Conversation* conversation, Request* request, Authenticator* authenticator) {
  std::string challenge = auth::make_cram_challenge(authenticator->host());
  if (request->initial) co_return refused(authenticator, *request, "", "CRAM-MD5 has no initial response");
  auto message = co_await conversation->ask(challenge);
  if (!message) co_return given_up();
  auto shown = auth::parse_cram_response(message->reveal());
  if (!shown) co_return refused(authenticator, *request, "", "CRAM-MD5: malformed message");
  auto verify = [challenge, shown](const Subject& subject) -> Result<bool> {
    UMAYA_TRY(auth::CramKeys keys, cram_keys_of(subject));
    return auth::verify_cram(challenge, keys, *shown);
  };
  co_return co_await judge_proof(shown->user, request, authenticator, std::move(verify));
}

Task<Outcome> run_apop(Conversation*, Request* request, Authenticator* authenticator) {
  auto apop = request->initial ? auth::parse_apop(request->initial->reveal()) : std::nullopt;
  if (!apop) co_return refused(authenticator, *request, "", "APOP: malformed message");
  auto verify = [apop](const Subject& subject) -> Result<bool> {
    Secret secret(secret_of(subject));
    return auth::verify_apop(secret.reveal(), *apop);
  };
  co_return co_await judge_proof(apop->shown.user, request, authenticator, std::move(verify));
}

struct Runner {
  std::string_view name;
  Task<Outcome> (*run)(Conversation*, Request*, Authenticator*);
};

constexpr auto kNo = ScramServer::Plus::no;
constexpr auto kYes = ScramServer::Plus::yes;

constexpr Runner kRunners[] = {
    {"PLAIN", run_plain},
    {"LOGIN", run_login},
    {"SCRAM-SHA-1", run_scram_kind<Hash::sha1, kNo>},
    {"SCRAM-SHA-1-PLUS", run_scram_kind<Hash::sha1, kYes>},
    {"SCRAM-SHA-256", run_scram_kind<Hash::sha256, kNo>},
    {"SCRAM-SHA-256-PLUS", run_scram_kind<Hash::sha256, kYes>},
    {"EXTERNAL", run_external},
    {"CRAM-MD5", run_cram_md5},
    {"APOP", run_apop},
};

}  // namespace

Task<Outcome> run_mechanism(std::string_view name, Conversation* conversation, Request* request,
                            Authenticator* authenticator) {
  for (const Runner& runner : kRunners) {
    if (runner.name == name) return runner.run(conversation, request, authenticator);
  }
  std::abort();  // a name that is in one of the two lists only
}

}  // namespace umaya::authd
