#include <catch2/catch.hpp>

#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

namespace {

struct Row {
  int number;
  std::string helo, sender, recipient;  ///< as they stand between the brackets
};

// L = example.test, M = mx.example.test, A = 192.0.2.25, F = foreign.test, X = outside.test
const std::vector<Row> kRows = {
    {1, "outside.test", "a@outside.test", "v@foreign.test"},
    {2, "outside.test", "a@example.test", "v@foreign.test"},
    {3, "outside.test", "a@localhost", "v@foreign.test"},
    {4, "outside.test", "a", "v@foreign.test"},
    {5, "outside.test", "", "v@foreign.test"},
    {6, "outside.test", "a@mx.example.test", "v@foreign.test"},
    {7, "outside.test", "a@[192.0.2.25]", "v@foreign.test"},
    {8, "example.test", "a@example.test", "v%foreign.test@mx.example.test"},
    {9, "outside.test", "a@mx.example.test", "v%foreign.test@[192.0.2.25]"},
    {10, "outside.test", "a@mx.example.test", "\"v@foreign.test\""},
    {11, "outside.test", "a@mx.example.test", "\"v%foreign.test\""},
    {12, "outside.test", "a@mx.example.test", "v@foreign.test@mx.example.test"},
    {13, "outside.test", "a@mx.example.test", "\"v@foreign.test\"@mx.example.test"},
    {14, "outside.test", "a@[192.0.2.25]", "v@foreign.test@[192.0.2.25]"},
    {15, "outside.test", "a@mx.example.test", "@mx.example.test:v@foreign.test"},
    {16, "outside.test", "a@[192.0.2.25]", "@[192.0.2.25]:v@foreign.test"},
    {17, "outside.test", "a@mx.example.test", "foreign.test!v"},
    {18, "outside.test", "a@mx.example.test", "foreign.test!v@mx.example.test"},
    {19, "outside.test", "a@[192.0.2.25]", "foreign.test!v@[192.0.2.25]"},
    {20, "outside.test", "a@example.test", "@example.test,@mx.example.test:v@foreign.test"},
    {21, "mx.example.test", "a@example.test", "v@foreign.test."},
    {22, "localhost", "a@example.test", "v@[203.0.113.9]"},
    {23, "[127.0.0.1]", "a@example.test", "v@[IPv6:2001:db8::9]"},
    {24, "outside.test", "a@example.test", "u+v%foreign.test@example.test"},
    {25, "outside.test", "a@foreign.test", "postmaster@foreign.test"},
    {26, "outside.test", "a@foreign.test", "v@backup-of-somebody.test"},
    {29, "outside.test", "a@example.test", "v@foreign.test@example.test"},
};

int code_of(std::string_view reply) {
  return reply.size() < 3 ? 0 : std::atoi(std::string(reply.substr(0, 3)).c_str());
}

void check_refused(Bench& b, const Row& row, std::string_view before = {}) {
  b.connect();
  b.take();
  b.say("EHLO " + row.helo + "\r\n");
  if (!before.empty()) b.say(before);
  b.say("MAIL FROM:<" + row.sender + ">\r\n");
  int code = code_of(b.say("RCPT TO:<" + row.recipient + ">\r\n"));
  INFO("relay row " << row.number << " gave " << code);
  CHECK((code == 550 || code == 554 || code == 501 || code == 553));
  CHECK(code_of(b.say("DATA\r\n")) == 554);
  CHECK(code_of(b.say("RCPT TO:<alice@example.test>\r\n")) == 250);
  b.say("DATA\r\n");
  CHECK(code_of(b.say("x\r\n.\r\n")) == 250);
}

}  // namespace

TEST_CASE("S24 G1 open-relay table: 30 combinations are refused and queue nothing for foreign domains",
          "[smtpd][attack]") {
  Bench b({"smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination", "smtpd_hard_error_limit = 1000"});
  for (const Row& row : kRows) check_refused(b, row);
  // 27: a mapped loopback address is no better than its bytes, and a forged PTR proves nothing.
  b.client.reverse_name = "mx.example.test";
  b.client.name_status = NameStatus::forged;
  check_refused(b, {27, "mx.example.test", "a@example.test", "v@foreign.test"});
  // 28: nothing that came before opens the relay.
  for (auto before :
       {"AUTH PLAIN AHgAeQ==\r\n", "RSET\r\n", "STARTTLS\r\n", "MAIL FROM:<a@example.test> AUTH=<x>\r\n"}) {
    b.connect();
    b.take();
    b.say("EHLO outside.test\r\n");
    b.say(before);
    b.say("RSET\r\n");
    b.say("MAIL FROM:<a@example.test>\r\n");
    CHECK(code_of(b.say("RCPT TO:<v@foreign.test>\r\n")) == 554);
  }
  // 29: nothing hides behind a NUL or an encoded line feed.
  b.connect();
  b.take();
  b.say("EHLO outside.test\r\n");
  b.say("MAIL FROM:<a@example.test>\r\n");
  CHECK(code_of(b.say(std::string_view("RCPT TO:<v@foreign.test\0@example.test>\r\n", 41))) == 500);
  CHECK(code_of(b.say("RCPT TO:<\"v@foreign.test\n\"@example.test>\r\n")) >= 500);
  b.open("a@example.test");
  // 30: the twin of L in other letters is L when the canonical forms are equal.
  CHECK(code_of(b.say("RCPT TO:<alice@EXAMPLE.Test>\r\n")) == 250);
  CHECK(code_of(b.say("RCPT TO:<alice@ex\xd0\xb0mple.test>\r\n")) == 553);
  for (const Received& m : b.cleanup.messages) {
    for (const auto& r : m.recipients) CHECK(r.address == "alice@example.test");
  }
}

TEST_CASE("G1 relay control: the eight inside and outside combinations", "[smtpd][policy]") {
  Bench b({"smtpd_hard_error_limit = 1000"});
  auto ask = [&](bool inside, std::string sender, std::string recipient) {
    b.client.trusted = inside;
    b.open(sender);
    return code_of(b.say("RCPT TO:<" + recipient + ">\r\n"));
  };
  for (std::string sender : {"a@example.test", "a@outside.test"}) {
    CHECK(ask(true, sender, "v@foreign.test") == 250);
    CHECK(ask(true, sender, "alice@example.test") == 250);
    CHECK(ask(false, sender, "v@foreign.test") == 454);  // Postfix's default: defer_unauth_destination
    CHECK(ask(false, sender, "alice@example.test") == 250);
    CHECK(ask(false, sender, "x@relay.test") == 250);
    CHECK(ask(false, sender, "info@virtual.test") == 250);
    CHECK(ask(false, sender, "nobody@virtual.test") == 550);
  }
}
