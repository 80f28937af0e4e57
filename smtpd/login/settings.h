// NAME    settings - the smtpd_sasl_* parameters
#pragma once

#include <cstdint>
#include <string>

#include "libcommon/config/bind.h"

namespace umaya::smtpd {

/// Properties of mechanisms: the first four keep a mechanism out that has one, the others those that have it not.
enum LoginOption : uint8_t {
  kNoPlaintext = 1,
  kNoActive = 2,
  kNoDictionary = 4,
  kNoAnonymous = 8,
  kForwardSecrecy = 16,
  kMutualAuth = 32
};

struct LoginSettings {
  bool enable = false;
  std::string type, path, service;
  uint8_t options = 0;      ///< LoginOption of smtpd_sasl_security_options
  uint8_t tls_options = 0;  ///< smtpd_sasl_tls_security_options
  std::string mechanism_filter, exceptions;
  uint64_t response_limit = 0;  ///< octets of a response, in base64
  bool show_in_header = false;
  bool broken_clients = false;
  bool only_encrypted = false;  ///< smtpd_tls_auth_only
};

/// Words of smtpd_sasl_security_options; an error names the word that is none.
Result<uint8_t> parse_login_options(std::string_view words);
Result<> set_login_options(LoginSettings& settings, const std::string& value);
Result<> set_login_tls_options(LoginSettings& settings, const std::string& value);

inline constexpr auto kLoginBindings = config::bindings<LoginSettings>({
    {"smtpd_sasl_auth_enable", &LoginSettings::enable},
    {"smtpd_sasl_type", &LoginSettings::type},
    {"smtpd_sasl_path", &LoginSettings::path},
    {"smtpd_sasl_service", &LoginSettings::service},
    {"smtpd_sasl_security_options", &set_login_options},
    {"smtpd_sasl_tls_security_options", &set_login_tls_options},
    {"smtpd_sasl_mechanism_filter", &LoginSettings::mechanism_filter},
    {"smtpd_sasl_exceptions_networks", &LoginSettings::exceptions},
    {"smtpd_sasl_response_limit", &LoginSettings::response_limit},
    {"smtpd_sasl_authenticated_header", &LoginSettings::show_in_header},
    {"broken_sasl_auth_clients", &LoginSettings::broken_clients},
    {"smtpd_tls_auth_only", &LoginSettings::only_encrypted},
});

}  // namespace umaya::smtpd
