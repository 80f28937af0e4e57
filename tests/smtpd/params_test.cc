#include "smtpd/params.h"

#include <catch2/catch.hpp>

using namespace umaya;

TEST_CASE("smtpd params: every bound name is a parameter of fitting kind, marked as used", "[smtpd][params]") {
  CHECK(config::check_bindings(smtpd::kBindings) == std::vector<std::string>{});
}
