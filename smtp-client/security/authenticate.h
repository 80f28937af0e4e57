// NAME    authenticate - AUTH: proves to a server who we are (RFC 4954)
//
// SYNOPSIS
//     Authentication how{.accounts = rules.accounts, .account = *security.account, …};
//     auto failure = co_await authenticate(session, how);
//
// DESCRIPTION
//     Uses the strongest mechanism that the server offers and the configuration allows (libcommon/auth/sasl_client.h).
//     A mechanism that takes long goes to a worker. A server's "yes" without the proof that the mechanism demands is an
//     error. Neither the user's name nor the password stands in any text.
//
// ERRORS
//     The server's refusal, which keeps the mail (smtp_sasl_auth_soft_bounce) or not; 4.7.0 when there is no mechanism,
//     or the server breaks the rules of one.
//
// LIMITS
//     kMostChallenges challenges, each within the limit of a reply.
#pragma once

#include "libcommon/event/worker_pool.h"
#include "libcommon/table/match_list.h"
#include "smtp-client/security/accounts.h"
#include "smtp-client/session.h"

namespace umaya::smtp_client {

struct Authentication {
  static constexpr int kMostChallenges = 20;

  Accounts& accounts;
  const Account& account;
  const SaslParams& params;
  table::MatchList& filter;  ///< smtp_sasl_mechanism_filter
  event::WorkerPool& workers;
  Duration limit{};
};

/// co_await: nothing when the server knows us now.
event::Task<std::optional<Failure>> authenticate(Session& session, const Authentication& how);

}  // namespace umaya::smtp_client
