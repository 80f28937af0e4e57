// NAME    settings - Postfix's words for protocols and ciphers, put into an SSL context
//
// SYNOPSIS
//     UMAYA_CHECK(config::bind(config, tls::kCommonBindings, common));
//     UMAYA_TRY(tls::ContextPtr context, tls::make_context(common, tls::Role::server));
//     UMAYA_TRY(tls::Protocols protocols, tls::parse_protocols(">=TLSv1.2"));
//     tls::set_protocols(context.get(), protocols);
//     UMAYA_TRY(std::string ciphers, tls::cipher_list(common, "medium", "aNULL, MD5"));
//     UMAYA_CHECK(tls::set_ciphers(context.get(), ciphers));
//
// DESCRIPTION
//     What the server's and the client's side of TLS have in common. Ciphers are those of TLS 1.2 and older; TLS 1.3
//     has its own few good ones. Whatever is configured, there is no renegotiation and no compression.
//
// ERRORS
//     Permanent, naming the word that is not understood and what may stand there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "libcommon/config/bind.h"
#include "libcommon/tls/transport.h"

struct evp_md_st;

namespace umaya::tls {

enum class Role : uint8_t { server, client };

/// The tls_* parameters that hold for servers and clients alike.
struct CommonSettings {
  std::string high_cipherlist, medium_cipherlist, null_cipherlist;
  std::string auto_curves, strong_curve, ultra_curve, ffdhe_groups;
  std::string ssl_options, disable_workarounds;
  bool preempt_cipherlist = false, append_default_ca = false;
};

inline constexpr auto kCommonBindings = config::bindings<CommonSettings>({
    {"tls_high_cipherlist", &CommonSettings::high_cipherlist},
    {"tls_medium_cipherlist", &CommonSettings::medium_cipherlist},
    {"tls_null_cipherlist", &CommonSettings::null_cipherlist},
    {"tls_eecdh_auto_curves", &CommonSettings::auto_curves},
    {"tls_eecdh_strong_curve", &CommonSettings::strong_curve},
    {"tls_eecdh_ultra_curve", &CommonSettings::ultra_curve},
    {"tls_ffdhe_auto_groups", &CommonSettings::ffdhe_groups},
    {"tls_ssl_options", &CommonSettings::ssl_options},
    {"tls_disable_workarounds", &CommonSettings::disable_workarounds},
    {"tls_preempt_cipherlist", &CommonSettings::preempt_cipherlist},
    {"tls_append_default_CA", &CommonSettings::append_default_ca},
});

/// Versions that may be spoken.
struct Protocols {
  int least = 0, most = 0;  ///< TLS1_2_VERSION …; 0: no limit
  uint64_t excluded = 0;    ///< SSL_OP_NO_…
};
/// ">=TLSv1.2, <=TLSv1.3", "!SSLv3, !TLSv1", "TLSv1.2 TLSv1.3", versions also as 0x0303; empty: no limit.
Result<Protocols> parse_protocols(std::string_view list);
void set_protocols(ssl_ctx_st* context, const Protocols& protocols);
void set_protocols(ssl_st* ssl, const Protocols& protocols);

/// The OpenSSL list of a grade (high, medium, null; low and export are medium, as in Postfix), without the named
/// ciphers. exclude: names separated by comma, white space or colon.
Result<std::string> cipher_list(const CommonSettings& common, std::string_view grade, std::string_view exclude);
Result<void> set_ciphers(ssl_ctx_st* context, const std::string& list);

/// A context with options, modes and groups as configured; without certificate, protocols and ciphers.
Result<ContextPtr> make_context(const CommonSettings& common, Role role);
/// The groups of an eecdh grade (auto, strong, ultra), for set_groups(); make_context() has set those of auto.
Result<std::string> groups_of(const CommonSettings& common, std::string_view grade);
/// Groups for the key exchange; names that this OpenSSL does not know are passed over. An error when none is left.
Result<void> set_groups(ssl_ctx_st* context, std::string_view names);
/// Authorities that certificates are checked against: CAfile, CApath, and the system's when append_default is set.
Result<void> load_trust(ssl_ctx_st* context, const std::string& ca_file, const std::string& ca_path,
                        bool append_default);

/// The digest for fingerprints ("sha256"). Lives for ever.
Result<const evp_md_st*> find_digest(const std::string& name);

}  // namespace umaya::tls
