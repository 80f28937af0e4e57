// NAME    server_settings - what smtpd_tls_* and pop3_tls_* say about the server's side of TLS
//
// SYNOPSIS
//     UMAYA_TRY(tls::Level level, tls::server_level(config, "smtpd"));
//     UMAYA_TRY(tls::ServerSettings settings, tls::server_settings(config, "smtpd", level == tls::Level::encrypt));
//
// DESCRIPTION
//     A service's parameters are PREFIX_tls_NAME; those of pop3 have smtpd's as their defaults. enforce: the client has
//     no other way than TLS (level encrypt, or TLS from the first byte): then the mandatory protocols and ciphers
//     count.
//
// ERRORS
//     Permanent, with file, line, parameter and cure.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/config/config.h"
#include "libcommon/tls/identity/files.h"
#include "libcommon/tls/session_info.h"
#include "libcommon/tls/settings.h"

namespace umaya::tls {

enum class Level : uint8_t { none, may, encrypt };

/// PREFIX_tls_security_level, or what smtpd_use_tls and smtpd_enforce_tls say where it is empty.
Result<Level> server_level(const config::Config& config, std::string_view prefix);

struct ServerSettings {
  CommonSettings common;
  IdentityFiles files;     ///< the self-signed certificate when none is configured
  bool has_names = false;  ///< tls_server_sni_maps has something in it
  Protocols protocols;
  std::string ciphers, eecdh_grade, dh_file;
  bool ask_certificate = false;      ///< of the client
  bool require_certificate = false;  ///< for the caller to enforce: accept() only asks for one
  int64_t verify_depth = 9;
  std::string ca_file, ca_path;
  std::string fingerprint_digest;
  Duration session_lifetime{};  ///< zero: nothing is resumed
  std::string ticket_cipher;    ///< empty: no tickets
  int64_t log_level = 0;
  Detail detail = Detail::full;  ///< what accept() tells of a connection
};

Result<ServerSettings> server_settings(const config::Config& config, std::string_view prefix, bool enforce);

}  // namespace umaya::tls
