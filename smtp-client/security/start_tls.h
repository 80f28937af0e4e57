// NAME    start_tls - brings a session under TLS, as its policy asks
//
// SYNOPSIS
//     auto failure = co_await start_tls(session, hello, {.client = tls.get(), .request = security.tls, .limit = 300s});
//     if (failure && failure->is_tls) …          // not with TLS; where that is no must, another connection may do
//
// DESCRIPTION
//     start_tls(): after EHLO. STARTTLS, the handshake, EHLO again: what the server had said in the clear is forgotten,
//     and bytes that came behind its 220 are dropped (RFC 3207 4.2). secure_session(): the handshake alone, for a
//     server that expects it at once (wrapper mode).
//
//     Where the policy demands the right certificate, nothing is said to a server that does not show it but QUIT.
//
// ERRORS
//     4.7.4 not offered; 4.7.5 not possible, or not the right server; the server's own refusal. is_tls: the connection
//     is of no more use, but the server itself may be.
//
// LIMITS
//     smtp_starttls_timeout for the handshake as a whole.
#pragma once

#include "smtp-client/session.h"

namespace umaya::smtp_client {

struct TlsStep {
  tls::Client* client = nullptr;  ///< none: this process cannot do TLS
  tls::ClientRequest request{};   ///< its peer is filled in here
  Duration limit{};
  bool note_offer = false;  ///< smtp_tls_note_starttls_offer
};

event::Task<std::optional<Failure>> start_tls(Session& session, Hello hello, TlsStep step);
event::Task<std::optional<Failure>> secure_session(Session& session, TlsStep step);

}  // namespace umaya::smtp_client
