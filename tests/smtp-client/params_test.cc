#include "smtp-client/params.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::smtp_client;

TEST_CASE("smtp client params: every bound name is a parameter that is marked as used", "[smtp-client]") {
  CHECK(config::check_bindings(kSmtpBindings) == std::vector<std::string>{});
  CHECK(config::check_bindings(kLmtpBindings) == std::vector<std::string>{});
  CHECK(config::check_bindings(kSmtpTlsBindings) == std::vector<std::string>{});
  CHECK(config::check_bindings(kLmtpTlsBindings) == std::vector<std::string>{});
  CHECK(config::check_bindings(kSmtpSaslBindings) == std::vector<std::string>{});
  CHECK(config::check_bindings(kLmtpSaslBindings) == std::vector<std::string>{});
}

TEST_CASE("smtp client params: TLS is used when it is offered, unless main.cf says otherwise", "[smtp-client]") {
  const auto level = [](const std::string& main_cf, Protocol protocol = Protocol::smtp) {
    auto config = config::Config::from_text(main_cf);
    Params params;
    auto bound = bind_params(*config, protocol, params);
    return bound ? std::string(tls::level_name(params.tls.level)) : bound.error().what;
  };
  CHECK(level("") == "may");
  CHECK(level("", Protocol::lmtp) == "may");
  CHECK(level("smtp_tls_security_level = encrypt") == "encrypt");
  CHECK(level("smtp_tls_security_level = none") == "none");
  CHECK(level("smtp_tls_security_level =") == "none");
  CHECK(level("smtp_use_tls = yes") == "may");
  CHECK(level("smtp_use_tls = no") == "none");
  CHECK(level("smtp_enforce_tls = yes") == "verify");
  CHECK(level("smtp_enforce_tls = yes\nsmtp_tls_enforce_peername = no") == "encrypt");
  CHECK(level("smtp_enforce_tls = yes\nsmtp_tls_security_level = may") == "may");
  CHECK(level("lmtp_tls_security_level = secure", Protocol::lmtp) == "secure");
  CHECK(level("smtp_tls_security_level = always").find("use none, may, encrypt") != std::string::npos);
  CHECK(level("smtp_sasl_security_options = noplain").find("noplaintext") != std::string::npos);
}
