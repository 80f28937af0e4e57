#include "queue-manager/params.h"

#include <catch2/catch.hpp>

#include "queue-manager/transports.h"

using namespace umaya;
using namespace umaya::qmgr;

TEST_CASE("qmgr params: every bound name is a parameter of a fitting kind", "[qmgr][params]") {
  for (const std::string& problem : config::check_bindings(kBindings)) FAIL_CHECK(problem);
}

TEST_CASE("qmgr params: the limits of a transport come from its own parameters, else from the defaults",
          "[qmgr][params]") {
  auto config = config::Config::from_text(
      "default_destination_concurrency_limit = 15\nslow_destination_concurrency_limit = 2\n"
      "slow_destination_rate_delay = 10s\ndefault_destination_concurrency_positive_feedback = 1/concurrency\n");
  REQUIRE(config);
  Params params;
  REQUIRE(config::bind(*config, kBindings, params));
  auto master = config::MasterCf::parse("slow unix - - n - 7 smtp\nsmtp unix - - n - - smtp\n", "master.cf");
  REQUIRE(master);
  TransportLimits slow = limits_of(*config, &*master, "slow", params);
  CHECK(slow.window.maximum == 2);
  CHECK(slow.destination_pause == std::chrono::seconds(10));
  CHECK(slow.max_deliveries == 7);
  TransportLimits smtp = limits_of(*config, &*master, "smtp", params);
  CHECK(smtp.window.maximum == 15);
  CHECK(smtp.window.initial == 5);
  CHECK(smtp.window.positive.at(10) == Approx(0.1));
  CHECK(smtp.recipient_limit == 50);
  CHECK(smtp.max_deliveries == 100);
  CHECK(smtp.dead_time == std::chrono::seconds(300));
  CHECK(limits_of(*config, &*master, "local", params).recipient_limit == 1);
  CHECK(limits_of(*config, &*master, "local", params).window.maximum == 2);
}

TEST_CASE("qmgr params: a batch of local deliveries counts as one", "[qmgr][params]") {
  auto config = config::Config::from_text("local_destination_concurrency_limit = 2\n");
  REQUIRE(config);
  Params params;
  REQUIRE(config::bind(*config, kBindings, params));
  auto master = config::MasterCf::parse("local unix - n n - - local\n", "master.cf");
  REQUIRE(master);
  CHECK(limits_of(*config, &*master, "local", params).window.maximum == 16);
}
