// NAME    mechanisms - the server's side of every SASL mechanism, as straight code over a conversation
//
// SYNOPSIS
//     Outcome outcome = co_await run_mechanism("PLAIN", &conversation, &request, &authenticator);
//
// DESCRIPTION
//     PLAIN (RFC 4616), LOGIN, SCRAM-SHA-1 and SCRAM-SHA-256, each also with channel binding (-PLUS, RFC 5802, 7677),
//     EXTERNAL (RFC 4422), CRAM-MD5 (RFC 2195), APOP (RFC 1939). Which of them are offered: auth/mechanism_list.h.
//
// OWNERSHIP
//     All pointers outlive the task.
//
// ERRORS
//     An empty status of Conversation::ask (the client has given up, or sent nonsense) ends the mechanism.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "authd/authenticator.h"
#include "libcommon/auth/scram.h"

namespace umaya::authd {

/// The other side of an exchange.
class Conversation {
 public:
  virtual ~Conversation() = default;
  /// Sends a challenge and gives the answer, decoded; nothing when the client has given up.
  virtual event::Task<std::optional<Secret>> ask(std::string challenge) = 0;
};

/// What the service says about its client.
struct Request {
  Origin origin;
  std::optional<Secret> initial{};  ///< initial response
  std::string cert_user{};          ///< name in the verified certificate of the client; empty: none
  auth::ChannelBinding binding{};
};

/// How an exchange ended.
struct Outcome {
  Verdict verdict{};
  std::string last_word{};  ///< the server's proof, to be sent with the success
  std::string code{};       ///< "authz_fail", for services
  bool gave_up = false;     ///< the client did; no answer is due
};

/// name: one that auth::find_mechanism() knows.
event::Task<Outcome> run_mechanism(std::string_view name, Conversation* conversation, Request* request,
                                   Authenticator* authenticator);

}  // namespace umaya::authd
