#include "smtpd/params.h"

#include <catch2/catch.hpp>

#include "smtpd/lmtp/params.h"

using namespace umaya;

TEST_CASE("smtpd params: every bound name is a parameter of fitting kind, marked as used", "[smtpd][params]") {
  CHECK(config::check_bindings(smtpd::kBindings) == std::vector<std::string>{});
  CHECK(config::check_bindings(smtpd::kPolicyBindings) == std::vector<std::string>{});
  CHECK(config::check_bindings(smtpd::kLmtpBindings) == std::vector<std::string>{});
}

TEST_CASE("S40 smtpd params: 300 s of patience, 10 s and one error only under stress", "[smtpd][params][attack]") {
  auto config = config::Config::from_text("myhostname = mx.example.test\n");
  REQUIRE(config);
  auto ease = smtpd::patience_under(*config, smtpd::Stress::no);
  auto stress = smtpd::patience_under(*config, smtpd::Stress::yes);
  REQUIRE(ease);
  REQUIRE(stress);
  CHECK(ease->timeout == std::chrono::seconds(300));
  CHECK(ease->hard_error_limit == 20);
  CHECK(stress->timeout == std::chrono::seconds(10));
  CHECK(stress->hard_error_limit == 1);
  auto own = config::Config::from_text("myhostname = mx.example.test\nsmtpd_timeout = 5m\n");
  CHECK(smtpd::patience_under(*own, smtpd::Stress::yes)->timeout == std::chrono::seconds(300));
}
