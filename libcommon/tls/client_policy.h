// NAME    client_policy - how much a client asks of TLS, and the lines of smtp_tls_policy_maps
//
// SYNOPSIS
//     UMAYA_TRY(tls::ClientPolicy policy, tls::parse_client_policy("secure match=.example.org ciphers=high"));
//     if (tls::must_match(policy.level)) …
//
// DESCRIPTION
//     A line is a level and attributes, separated by blanks or commas: match= (names, or fingerprints, in any number),
//     protocols=, ciphers=, exclude=, servername=, connection_reuse=. What an attribute does not say is left to
//     main.cf.
//
// ERRORS
//     A line with anything wrong in it is refused as a whole: half of what was meant would be less safe than nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::tls {

/// In the order of growing demands (smtp_tls_security_level).
enum class ClientLevel : uint8_t { none, may, encrypt, fingerprint, half_dane, dane, dane_only, verify, secure };

std::optional<ClientLevel> parse_client_level(std::string_view word);
std::string_view level_name(ClientLevel level);
/// Mail is not sent in the clear.
inline bool is_mandatory(ClientLevel level) {
  return level >= ClientLevel::encrypt;
}
/// The server must show the right certificate.
inline bool must_match(ClientLevel level) {
  return level >= ClientLevel::fingerprint;
}
/// The right certificate is known by name and issuer, not by its fingerprint.
inline bool is_by_name(ClientLevel level) {
  return level == ClientLevel::verify || level == ClientLevel::secure;
}
inline bool is_dane(ClientLevel level) {
  return level == ClientLevel::half_dane || level == ClientLevel::dane || level == ClientLevel::dane_only;
}

struct ClientPolicy {
  ClientLevel level = ClientLevel::none;
  std::vector<std::string> match{};  ///< empty: as main.cf says
  std::optional<std::string> protocols{}, ciphers{}, exclude{}, server_name{};
  std::optional<bool> connection_reuse{};
};

/// Reads what smtp_tls_policy_maps has for a destination. The error's text stands behind the table's name in the log.
Result<ClientPolicy> parse_client_policy(std::string_view text);

}  // namespace umaya::tls
