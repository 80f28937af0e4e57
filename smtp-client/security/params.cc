#include "smtp-client/security/params.h"

namespace umaya::smtp_client {

namespace {

/// smtp_tls_security_level, or what the switches from before it mean. Nothing set: may.
Result<tls::ClientLevel> main_level(const config::Config& config, const std::string& prefix, bool enforce_peername) {
  const std::string level_name = prefix + "tls_security_level";
  const std::string word = config.get(level_name);
  const bool old_switches = config.is_set(prefix + "enforce_tls") || config.is_set(prefix + "use_tls");
  if (!word.empty() && (config.is_set(level_name) || !old_switches)) {
    if (auto level = tls::parse_client_level(word)) return *level;
    return config.bad_value(level_name, "use none, may, encrypt, fingerprint, verify or secure");
  }
  UMAYA_TRY(const bool enforce, config.get_bool(prefix + "enforce_tls"));
  UMAYA_TRY(const bool use, config.get_bool(prefix + "use_tls"));
  if (enforce) return enforce_peername ? tls::ClientLevel::verify : tls::ClientLevel::encrypt;
  return use ? tls::ClientLevel::may : tls::ClientLevel::none;
}

}  // namespace

Result<> bind_security(const config::Config& config, Protocol protocol, TlsParams& tls, SaslParams& sasl) {
  const bool lmtp = protocol == Protocol::lmtp;
  UMAYA_CHECK(config::bind(config, lmtp ? kLmtpTlsBindings : kSmtpTlsBindings, tls));
  UMAYA_CHECK(config::bind(config, lmtp ? kLmtpSaslBindings : kSmtpSaslBindings, sasl));
  UMAYA_CHECK(config::bind(config, tls::kCommonBindings, tls.common));
  UMAYA_TRY(tls.level, main_level(config, lmtp ? "lmtp_" : "smtp_", tls.enforce_peername));
  tls.identity = tls::identity_files(config, lmtp ? "lmtp" : "smtp");
  return {};
}

}  // namespace umaya::smtp_client
