#include "master/service.h"

#include <catch2/catch.hpp>

using namespace umaya;

static config::MasterService line(std::string_view text) {
  auto entry = config::parse_master_entry(text);
  REQUIRE(entry);
  auto service = config::interpret(*entry, {});
  REQUIRE(service);
  return *service;
}

TEST_CASE("service: workers share the process limit of their line", "[master][service]") {
  struct Case {
    std::string_view text;
    size_t workers, limit, share;
  };
  for (auto& c : {Case{"smtp inet n - n - 100 smtpd", 2, 2, 50}, Case{"smtp inet n - n - 3 smtpd", 2, 2, 2},
                  Case{"smtp inet n - n - 1 smtpd", 4, 1, 1}, Case{"smtp inet n - n - 0 smtpd", 4, 4, 0},
                  Case{"qmgr unix n - n 300 1 qmgr", 4, 1, 0}, Case{"local unix - n n - - local", 4, 1, 100},
                  Case{"cleanup unix n - n - 0 cleanup", 2, 2, 0}, Case{"anvil unix - - n - 1 anvil", 2, 1, 0},
                  Case{"tlsmgr unix - - y 1000? 1 tlsmgr", 2, 1, 0}}) {
    INFO(c.text);
    REQUIRE(master::worker_limit(line(c.text), c.workers) == c.limit);
    REQUIRE(master::session_share(line(c.text), c.workers) == c.share);
  }
}

TEST_CASE("service: what Postfix has and others do here is built in", "[master][service]") {
  REQUIRE(master::built_in(line("rewrite unix - - n - - trivial-rewrite")));
  REQUIRE(master::built_in(line("tlsproxy unix - - n - 0 tlsproxy")));
  REQUIRE_FALSE(master::built_in(line("tlsmgr unix - - y 1000? 1 tlsmgr")));
  REQUIRE_FALSE(master::built_in(line("smtp unix - - n - - smtp")));
}
