#include "queue-manager/simple_agent.h"

#include <catch2/catch.hpp>

#include "libcommon/fs/file.h"
#include "queue-manager/site_log.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::qmgr;
using services::delivery::Status;

TEST_CASE("simple agent: error, retry and discard read code and text from the next hop", "[qmgr][agent]") {
  struct Row {
    AgentKind kind;
    const char* nexthop;
    Status status;
    const char* dsn;
    const char* text;
  };
  const Row rows[] = {{AgentKind::error, "5.1.1 no such user", Status::bounced, "5.1.1", "no such user"},
                      {AgentKind::error, "4.2.0 later", Status::deferred, "4.2.0", "later"},
                      {AgentKind::error, "gone away", Status::bounced, "5.0.0", "gone away"},
                      {AgentKind::error, "", Status::bounced, "5.0.0", ""},
                      {AgentKind::error, "5.1.1234 x", Status::bounced, "5.0.0", "5.1.1234 x"},
                      {AgentKind::retry, "5.1.1 not yet", Status::deferred, "4.1.1", "not yet"},
                      {AgentKind::retry, "not yet", Status::deferred, "4.0.0", "not yet"},
                      {AgentKind::discard, "silently", Status::sent, "2.0.0", "silently"}};
  for (const Row& row : rows) {
    CAPTURE(row.nexthop);
    Decision decision = decide(row.kind, row.nexthop);
    CHECK(decision.status == row.status);
    CHECK(decision.dsn == row.dsn);
    CHECK(decision.text == row.text);
  }
}

TEST_CASE("site log: ids are kept once, and no site name leaves the directory", "[qmgr][flush]") {
  test::TempDirectory root;
  CHECK(site_file_name("Mail.Example.com") == "mail_example_com");
  CHECK(site_file_name("[192.0.2.1]") == "192_0_2_1");
  for (const char* bad : {"", "../x", "a b", "a\nb"}) CHECK(site_file_name(bad).empty());
  REQUIRE(add_to_site_log(root.path(), "a.example", "ABCDEF1"));
  REQUIRE(add_to_site_log(root.path(), "a.example", "ABCDEF2"));
  REQUIRE(add_to_site_log(root.path(), "A.example", "ABCDEF1"));
  CHECK_FALSE(add_to_site_log(root.path(), "a.example", "../../x"));
  CHECK(*take_site_log(root.path(), "a.example") == std::vector<std::string>{"ABCDEF1", "ABCDEF2"});
  CHECK(take_site_log(root.path(), "a.example")->empty());
  CHECK(parse_site_log("ABCDEF1\n/etc/passwd\nABCDEF1\nABCDEF2").size() == 2);
}
