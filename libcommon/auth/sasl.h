// NAME    sasl - messages of the SASL mechanisms that need no state: PLAIN, LOGIN, CRAM-MD5, APOP, EXTERNAL
//
// DESCRIPTION
//     Readers of foreign messages give nothing for what is malformed, or has a part longer than 1024 octets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libcommon/auth/cram_md5.h"
#include "libcommon/base/secret.h"

namespace umaya::auth {

struct PlainCredentials {
  std::string authorize_as;  ///< empty: the same as user
  std::string user;
  Secret password;
};

/// RFC 4616: [authzid] NUL authcid NUL passwd; nothing when malformed or when a part is longer than 1024 octets.
std::optional<PlainCredentials> parse_sasl_plain(std::string_view message);
/// The message of a client.
std::string make_sasl_plain(std::string_view user, std::string_view password);

/// CRAM-MD5 (RFC 2195): "<random.seconds@host>".
std::string make_cram_challenge(std::string_view host);
/// What a client shows instead of a password.
struct SaslProof {
  std::string user;
  std::string proof;  ///< 16 octets
};
/// The client's "user hexadecimal"; the user may have blanks.
std::optional<SaslProof> parse_cram_response(std::string_view message);
bool verify_cram(std::string_view challenge, const CramKeys& keys, const SaslProof& shown);

/// APOP (RFC 1939) as the authentication protocol carries it: challenge NUL user NUL 16 octets of digest.
struct ApopMessage {
  std::string challenge;
  SaslProof shown;
};
std::optional<ApopMessage> parse_apop(std::string_view message);
bool verify_apop(std::string_view password, const ApopMessage& message);

/// EXTERNAL (RFC 4422 A): the name to act as; an empty message stands for the name in the certificate.
std::optional<std::string> parse_external(std::string_view message);

/// What a server asks for in LOGIN, in this order.
inline constexpr std::string_view kLoginUserPrompt = "Username:";
inline constexpr std::string_view kLoginPasswordPrompt = "Password:";

}  // namespace umaya::auth
