// NAME    sasl_client - the client's side of SASL: proves to a server who we are
//
// SYNOPSIS
//     auto client = auth::choose_sasl_client({.offered = {"PLAIN", "SCRAM-SHA-256"}, .refuse = auth::kNoPlaintext, …},
//                                            {"user", Secret("password")});
//     if (!client) …                                    // nothing that both sides may use
//     auto first = (*client)->initial();                // nothing: the server begins
//     auto answer = (*client)->respond(challenge);      // error: stop, the server is not to be trusted
//     … the server said yes …  (*client)->is_complete() // else it did not prove what it had to prove
//
// DESCRIPTION
//     PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), EXTERNAL (RFC 4422 A), SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC
//     7677) and their -PLUS forms over a channel binding (RFC 5929, RFC 9266). Pure functions of bytes: base64 and the
//     lines of a protocol are the caller's. Names and passwords beyond ASCII are sent as they are written, in UTF-8.
//
//     Of the mechanisms that both sides have the strongest is used: SCRAM with channel binding, SCRAM, CRAM-MD5, PLAIN,
//     LOGIN; EXTERNAL when there is a certificate and no password.
//
// ERRORS
//     respond(): the server breaks the mechanism's rules or does not know the password. Texts never hold a secret.
//
// LIMITS
//     A challenge of SCRAM has at most 4 KiB. Its iteration count lies between 4096 (RFC 7677 4) and 1,000,000: what a
//     hostile server may cost us is bounded, and so is what it may save itself in guessing the password.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/base/secret.h"

namespace umaya::auth {

struct SaslCredentials {
  std::string user;
  Secret password;  ///< empty: only EXTERNAL can be used
};

/// What ties an exchange to the TLS connection that it runs in.
struct ChannelBinding {
  std::string type{};  ///< "tls-exporter", "tls-unique"; empty: none
  std::string data{};
};

class SaslClient {
 public:
  virtual ~SaslClient() = default;
  /// As it stands in the AUTH command.
  virtual std::string_view name() const = 0;
  /// The initial response; nothing when the server has to speak first. Asked once, before respond().
  virtual std::optional<Secret> initial() { return std::nullopt; }
  /// The response to a challenge.
  virtual Result<Secret> respond(std::string_view challenge) = 0;
  /// Whether respond() to this challenge takes milliseconds: call it in a worker then.
  virtual bool is_slow(std::string_view) const { return false; }
  /// Whether the server has proved all that the mechanism makes it prove: without that its "yes" counts for nothing.
  virtual bool is_complete() const { return true; }
};

/// Properties of mechanisms that a configuration may refuse; or'ed (smtp_sasl_security_options).
enum SaslRefusal : uint8_t {
  kNoPlaintext = 1,   ///< shows the password
  kNoActive = 2,      ///< open to an active attacker without a dictionary
  kNoDictionary = 4,  ///< what is seen on the wire lets passwords be guessed
  kNoAnonymous = 8,
  kMutualAuth = 16,      ///< required: the server proves itself, too
  kForwardSecrecy = 32,  ///< required
};
/// Reads noplaintext, noactive, nodictionary, noanonymous, mutual_auth, forward_secrecy. Error: another word.
Result<uint8_t> parse_sasl_options(std::span<const std::string> words);

struct SaslOffer {
  std::vector<std::string> offered{};  ///< by the server, upper case
  uint8_t refuse = 0;                  ///< SaslRefusal
  ChannelBinding binding{};            ///< of the TLS connection, if there is one
  bool has_certificate = false;        ///< we have shown a client certificate
  /// smtp_sasl_mechanism_filter; none: all may be used.
  std::function<bool(std::string_view mechanism)> allowed{};
};

/// The best mechanism that both sides may use; error: there is none ("no mechanism available").
Result<std::unique_ptr<SaslClient>> choose_sasl_client(const SaslOffer& offer, SaslCredentials credentials);

/// One mechanism of kScramNames, for choose_sasl_client() and tests. nonce: empty for a fresh one.
std::unique_ptr<SaslClient> make_scram_client(std::string_view mechanism, SaslCredentials credentials,
                                              ChannelBinding binding, std::string_view gs2_flag,
                                              std::string nonce = {});

}  // namespace umaya::auth
