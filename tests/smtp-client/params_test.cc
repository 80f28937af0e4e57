#include "smtp-client/params.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::smtp_client;

TEST_CASE("smtp client params: every bound name is a parameter that is marked as used", "[smtp-client]") {
  CHECK(config::check_bindings(kSmtpBindings) == std::vector<std::string>{});
  CHECK(config::check_bindings(kLmtpBindings) == std::vector<std::string>{});
}
