#include "libcommon/tls/server_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/tls/identity/self_signed.h"

namespace umaya::tls {

Result<Level> server_level(const config::Config& config, std::string_view prefix) {
  std::string parameter = std::string(prefix) + "_tls_security_level";
  std::string word = config.get(parameter);
  if (word.empty()) {
    UMAYA_TRY(bool enforce, config.get_bool("smtpd_enforce_tls"));
    UMAYA_TRY(bool use, config.get_bool("smtpd_use_tls"));
    return enforce ? Level::encrypt : use ? Level::may : Level::none;
  }
  if (iequals(word, "none")) return Level::none;
  if (iequals(word, "may")) return Level::may;
  // A server has nobody to verify: Postfix takes the client's levels as encrypt, too.
  for (std::string_view known : {"encrypt", "verify", "secure", "fingerprint", "dane", "dane-only"}) {
    if (iequals(word, known)) return Level::encrypt;
  }
  return config.bad_value(parameter, "use none, may or encrypt");
}

namespace {

/// Reads the parameters of one service.
class Reader {
 public:
  Reader(const config::Config& config, std::string_view prefix) : config_(config), prefix_(prefix) {}
  std::string name(std::string_view rest) const { return prefix_ + std::string(rest); }
  std::string get(std::string_view rest) const { return config_.get(name(rest)); }
  Result<bool> flag(std::string_view rest) const { return config_.get_bool(name(rest)); }

  Result<Protocols> protocols(std::string_view rest) const {
    auto parsed = parse_protocols(get(rest));
    if (!parsed) return config_.bad_value(name(rest), parsed.error().what);
    return parsed;
  }

  /// The cipher list of a grade, without those that a server of ours never offers: no RSA key exchange, since private
  /// keys only sign; no finite-field groups unless some are configured; nothing without a certificate.
  Result<std::string> ciphers(const CommonSettings& common, std::string_view rest, bool enforce, bool dh) const {
    std::string exclude = get("_tls_exclude_ciphers");
    if (enforce) exclude += " " + get("_tls_mandatory_exclude_ciphers");
    exclude += " kRSA aNULL PSK SRP";
    if (!dh) exclude += " DHE";
    auto list = cipher_list(common, get(rest), exclude);
    if (!list) return config_.bad_value(name(rest), list.error().what);
    // Those without authenticated encryption last.
    return *list + ":+SHA384:+SHA256:+SHA1";
  }

 private:
  const config::Config& config_;
  std::string prefix_;
};

Result<int64_t> log_level(const Reader& reader, const config::Config& config) {
  std::string word = reader.get("_tls_loglevel");
  auto number = parse_int(word.empty() ? "0" : word);
  if (!number || *number < 0 || *number > 4)
    return config.bad_value(reader.name("_tls_loglevel"), "use 0, 1, 2, 3 or 4");
  return *number;
}

Result<void> read_verification(const Reader& reader, const config::Config& config, ServerSettings& out) {
  UMAYA_TRY(out.require_certificate, reader.flag("_tls_req_ccert"));
  UMAYA_TRY(out.ask_certificate, reader.flag("_tls_ask_ccert"));
  out.ask_certificate |= out.require_certificate;
  UMAYA_TRY(out.verify_depth, config.get_int(reader.name("_tls_ccert_verifydepth")));
  out.ca_file = reader.get("_tls_CAfile");
  out.ca_path = reader.get("_tls_CApath");
  out.fingerprint_digest = reader.get("_tls_fingerprint_digest");
  if (auto digest = find_digest(out.fingerprint_digest); !digest) {
    return config.bad_value(reader.name("_tls_fingerprint_digest"), digest.error().what);
  }
  return {};
}

}  // namespace

Result<ServerSettings> server_settings(const config::Config& config, std::string_view prefix, bool enforce) {
  Reader reader(config, prefix);
  ServerSettings out;
  UMAYA_CHECK(config::bind(config, kCommonBindings, out.common));
  out.files = identity_files(config, prefix);
  if (out.files.empty()) out.files = self_signed_files(config);
  out.has_names = !config.get("tls_server_sni_maps").empty();
  UMAYA_TRY(out.protocols, reader.protocols(enforce ? "_tls_mandatory_protocols" : "_tls_protocols"));
  out.dh_file = reader.get("_tls_dh1024_param_file");
  out.eecdh_grade = reader.get("_tls_eecdh_grade");
  std::string_view grade = enforce ? "_tls_mandatory_ciphers" : "_tls_ciphers";
  UMAYA_TRY(out.ciphers, reader.ciphers(out.common, grade, enforce, !out.dh_file.empty()));
  UMAYA_CHECK(read_verification(reader, config, out));
  UMAYA_TRY(out.session_lifetime, config.get_time(reader.name("_tls_session_cache_timeout")));
  out.ticket_cipher = config.get("tls_session_ticket_cipher");
  UMAYA_TRY(out.log_level, log_level(reader, config));
  return out;
}

}  // namespace umaya::tls
