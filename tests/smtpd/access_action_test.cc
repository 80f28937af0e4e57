#include "smtpd/access_action.h"

#include <catch2/catch.hpp>

using namespace umaya::smtpd;

TEST_CASE("access action: every action of access(5)", "[smtpd][access]") {
  CHECK(parse_access_action("OK").kind == ActionKind::permit);
  CHECK(parse_access_action("relay").kind == ActionKind::permit);
  CHECK(parse_access_action("12345").kind == ActionKind::permit);
  CHECK(parse_access_action("dunno").kind == ActionKind::dunno);
  CHECK(parse_access_action("REJECT go away").text == "go away");
  CHECK(parse_access_action("REJECT 5.7.9 go away").dsn == "5.7.9");
  CHECK(parse_access_action("REJECT 4.7.9 go away").text == "4.7.9 go away");
  CHECK(parse_access_action("defer_if_permit 4.2.0 later").dsn == "4.2.0");
  AccessAction r = parse_access_action("550 5.1.1 no such user");
  CHECK(r.kind == ActionKind::reply);
  CHECK(r.code == 550);
  CHECK(r.dsn == "5.1.1");
  CHECK(r.text == "no such user");
  CHECK(parse_access_action("HOLD").kind == ActionKind::hold);
  CHECK(parse_access_action("FILTER smtp:[x]:25").text == "smtp:[x]:25");
  CHECK(parse_access_action("PREPEND X-A: b").text == "X-A: b");
  CHECK(parse_access_action("permit_mynetworks, reject").kind == ActionKind::restrictions);
}

TEST_CASE("access action: arguments of the wrong form are errors of the table, not decisions", "[smtpd][access]") {
  for (auto bad : {"", "  ", "FILTER smtp", "REDIRECT nobody", "BCC x", "PREPEND no header"}) {
    CHECK(parse_access_action(bad).kind == ActionKind::invalid);
  }
}

TEST_CASE("S42 access action: a status code with nothing after it", "[smtpd][access][attack]") {
  AccessAction a = parse_access_action("REJECT 5.7.2");
  CHECK(a.dsn == "5.7.2");
  CHECK(a.text.empty());
  CHECK(parse_access_action("550").text.empty());
}
