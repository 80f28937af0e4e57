// NAME    security params - the parameters of the smtp and lmtp clients about TLS and SASL
//
// DESCRIPTION
//     As in ../params.h, both programs read the same members; bind_security() picks the names. The level is that of
//     smtp_tls_security_level; where main.cf has not set that one, smtp_enforce_tls and smtp_use_tls decide, and where
//     it has set none of them TLS is used when the server offers it.
#pragma once

#include <string>
#include <vector>

#include "libcommon/auth/sasl_client.h"
#include "libcommon/config/bind.h"
#include "libcommon/tls/client.h"
#include "smtp-client/destination.h"

namespace umaya::smtp_client {

struct TlsParams {
  tls::ClientLevel level = tls::ClientLevel::none;
  tls::LogLevel log_level = tls::LogLevel::none;
  bool enforce_peername = true, wrapper_mode = false, note_offer = false, connection_reuse = true, many_labels = true;
  std::string policy_maps, protocols, mandatory_protocols, ciphers = "medium", mandatory_ciphers = "medium";
  std::string exclude, mandatory_exclude, server_name;
  std::vector<std::string> verify_match, secure_match, fingerprint_match;
  std::string fingerprint_digest = "sha256", ca_file, ca_path;
  std::vector<std::string> trust_anchor_files;
  tls::IdentityFiles identity;
  std::string tlsmgr;  ///< its name in master.cf
  int verify_depth = 9;
  Duration starttls_timeout{}, session_timeout{};
  Duration minimal_backoff{};  ///< a message that waited this long may go in the clear when TLS fails
  tls::CommonSettings common;
};

struct SaslParams {
  bool enable = false, sender_dependent = false, soft_bounce = true, dummy_mail_auth = false;
  std::string password_maps, delimiter = ":", mechanism_filter, cache_name;
  uint8_t options = 0, tls_options = 0, verified_options = 0;  ///< auth::SaslRefusal
  Duration cache_time{};
};

namespace security {

inline Result<> set_list(std::vector<std::string>& out, const std::string& value, std::string_view separators) {
  for (std::string_view word : split(value, separators)) out.emplace_back(word);
  return {};
}
inline Result<> set_names(TlsParams& p, std::vector<std::string> TlsParams::*list, const std::string& value) {
  return set_list(p.*list, value, ", \t\r\n:");
}
inline Result<> set_verify_match(TlsParams& p, const std::string& value) {
  return set_names(p, &TlsParams::verify_match, value);
}
inline Result<> set_secure_match(TlsParams& p, const std::string& value) {
  return set_names(p, &TlsParams::secure_match, value);
}
/// A fingerprint is itself written with colons.
inline Result<> set_fingerprint_match(TlsParams& p, const std::string& value) {
  return set_list(p.fingerprint_match, value, ", \t\r\n|");
}
inline Result<> set_log_level(TlsParams& p, const std::string& value) {
  UMAYA_TRY(p.log_level, tls::parse_log_level(value));
  return {};
}
inline Result<uint8_t> parse_options(const std::string& value) {
  std::vector<std::string> words;
  UMAYA_CHECK(set_list(words, value, ", \t\r\n"));
  return auth::parse_sasl_options(words);
}
inline Result<> set_options(SaslParams& p, const std::string& value) {
  UMAYA_TRY(p.options, parse_options(value));
  return {};
}
inline Result<> set_tls_options(SaslParams& p, const std::string& value) {
  UMAYA_TRY(p.tls_options, parse_options(value));
  return {};
}
inline Result<> set_verified_options(SaslParams& p, const std::string& value) {
  UMAYA_TRY(p.verified_options, parse_options(value));
  return {};
}

}  // namespace security

// clang-format off
#define UMAYA_CLIENT_TLS_BINDINGS(PREFIX)                                          \
  {PREFIX "tls_loglevel", &security::set_log_level},                               \
  {PREFIX "tls_enforce_peername", &TlsParams::enforce_peername},                   \
  {PREFIX "tls_wrappermode", &TlsParams::wrapper_mode},                            \
  {PREFIX "tls_note_starttls_offer", &TlsParams::note_offer},                      \
  {PREFIX "tls_connection_reuse", &TlsParams::connection_reuse},                   \
  {PREFIX "tls_policy_maps", &TlsParams::policy_maps},                             \
  {PREFIX "tls_protocols", &TlsParams::protocols},                                 \
  {PREFIX "tls_mandatory_protocols", &TlsParams::mandatory_protocols},             \
  {PREFIX "tls_ciphers", &TlsParams::ciphers},                                     \
  {PREFIX "tls_mandatory_ciphers", &TlsParams::mandatory_ciphers},                 \
  {PREFIX "tls_exclude_ciphers", &TlsParams::exclude},                             \
  {PREFIX "tls_mandatory_exclude_ciphers", &TlsParams::mandatory_exclude},         \
  {PREFIX "tls_servername", &TlsParams::server_name},                              \
  {PREFIX "tls_verify_cert_match", &security::set_verify_match},                   \
  {PREFIX "tls_secure_cert_match", &security::set_secure_match},                   \
  {PREFIX "tls_fingerprint_cert_match", &security::set_fingerprint_match},         \
  {PREFIX "tls_fingerprint_digest", &TlsParams::fingerprint_digest},               \
  {PREFIX "tls_CAfile", &TlsParams::ca_file},                                      \
  {PREFIX "tls_CApath", &TlsParams::ca_path},                                      \
  {PREFIX "tls_trust_anchor_file", &TlsParams::trust_anchor_files},                \
  {PREFIX "tls_scert_verifydepth", &TlsParams::verify_depth},                      \
  {PREFIX "tls_session_cache_timeout", &TlsParams::session_timeout},               \
  {PREFIX "starttls_timeout", &TlsParams::starttls_timeout},                       \
  {"minimal_backoff_time", &TlsParams::minimal_backoff},                           \
  {"tlsmgr_service_name", &TlsParams::tlsmgr},                                     \
  {"tls_wildcard_matches_multiple_labels", &TlsParams::many_labels}

#define UMAYA_CLIENT_SASL_BINDINGS(PREFIX)                                         \
  {PREFIX "sasl_auth_enable", &SaslParams::enable},                                \
  {PREFIX "sender_dependent_authentication", &SaslParams::sender_dependent},       \
  {PREFIX "sasl_auth_soft_bounce", &SaslParams::soft_bounce},                      \
  {PREFIX "send_dummy_mail_auth", &SaslParams::dummy_mail_auth},                   \
  {PREFIX "sasl_password_maps", &SaslParams::password_maps},                       \
  {PREFIX "sasl_password_result_delimiter", &SaslParams::delimiter},               \
  {PREFIX "sasl_mechanism_filter", &SaslParams::mechanism_filter},                 \
  {PREFIX "sasl_security_options", &security::set_options},                        \
  {PREFIX "sasl_tls_security_options", &security::set_tls_options},                \
  {PREFIX "sasl_tls_verified_security_options", &security::set_verified_options},  \
  {PREFIX "sasl_auth_cache_name", &SaslParams::cache_name},                        \
  {PREFIX "sasl_auth_cache_time", &SaslParams::cache_time}
// clang-format on

inline constexpr auto kSmtpTlsBindings = config::bindings<TlsParams>({UMAYA_CLIENT_TLS_BINDINGS("smtp_")});
inline constexpr auto kLmtpTlsBindings = config::bindings<TlsParams>({UMAYA_CLIENT_TLS_BINDINGS("lmtp_")});
inline constexpr auto kSmtpSaslBindings = config::bindings<SaslParams>({UMAYA_CLIENT_SASL_BINDINGS("smtp_")});
inline constexpr auto kLmtpSaslBindings = config::bindings<SaslParams>({UMAYA_CLIENT_SASL_BINDINGS("lmtp_")});

/// Fills both from main.cf.
Result<> bind_security(const config::Config& config, Protocol protocol, TlsParams& tls, SaslParams& sasl);

}  // namespace umaya::smtp_client
