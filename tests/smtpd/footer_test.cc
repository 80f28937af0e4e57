#include <catch2/catch.hpp>

#include "smtpd/reject_footer.h"
#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

TEST_CASE("reject footer: names are replaced, lines begin where the template says", "[smtpd][footer]") {
  FooterFacts facts{"192.0.2.9", "4711", "Nov 22 15:42:00", "mx.example.test"};
  auto footer = [&](std::string_view text) { return with_footer("no", text, facts).value_or("wrong"); };
  CHECK(footer("call us") == "no\ncall us");
  CHECK(footer("\\c. Call us") == "no. Call us");
  CHECK(footer("\\c ($client_address:${client_port}x) $localtime\\n$server_name") ==
        "no (192.0.2.9:4711x) Nov 22 15:42:00\nmx.example.test");
  CHECK(footer("5$$") == "no\n5$");
  CHECK(footer("$sender") == "wrong");
  CHECK(footer("$") == "wrong");
  CHECK(with_footer("no", "$recipient", facts).error().what.starts_with("$recipient: use $client_address"));
}

TEST_CASE("session: smtpd_reject_footer stands behind refusals only, and not in the log", "[smtpd][session][footer]") {
  Bench b({"smtpd_reject_footer = \\c. Ask $server_name\\nfrom $client_address"});
  b.open("s@x.test");
  CHECK(b.say("RCPT TO:<nobody@example.test>\r\n") ==
        "550-5.1.1 <nobody@example.test>: Recipient address rejected: User unknown in local recipient table. "
        "Ask mx.example.test\r\n550 5.1.1 from 198.51.100.7\r\n");
  CHECK(b.say("RCPT TO:<alice@example.test>\r\n") == "250 2.1.5 Ok\r\n");
  CHECK_FALSE(b.logged("Ask mx.example.test"));
}

TEST_CASE("reject footer: values lose what smtpd_expansion_filter does not have", "[smtpd][footer]") {
  CHECK(without_escapes("\\t\\40!\\\\a\\q\\101x") == "\t !\\aqAx");
  CHECK(without_escapes("\\") == "\\");
  FooterFacts facts{"192.0.2.9", "1", "Nov 22 15:42:00", "mx.test", "0123456789.amxtes"};
  CHECK(*with_footer("no", "$client_address $localtime $server_name-:", facts) ==
        "no\n192.0.2.9 ____22_15_42_00 mx.test-:");
  Bench b({"smtpd_reject_footer = \\c $server_name", "smtpd_expansion_filter = mx.e\\141"});
  b.open();
  CHECK(b.say("RCPT TO:<x@y>\r\n") == "503 5.5.1 Error: need MAIL command mx.exam__e._e__\r\n");
}

TEST_CASE("session: smtpd_reject_footer_maps is asked with the whole reply, and smtpd_reject_footer is for the rest",
          "[smtpd][session][footer]") {
  Bench b({"smtpd_reject_footer = general"});
  table::Maps maps = table::Maps::open({}, "smtpd_reject_footer_maps",
                                       "inline:{ {550 5.1.1 <nobody@example.test>: Recipient address rejected: User "
                                       "unknown in local recipient table = \\c: ask $server_name} "
                                       "{503 5.5.1 Error: need MAIL command = bad $sender} }");
  b.shared->footer_maps = &maps;
  b.open();
  CHECK(b.say("RCPT TO:<alice@example.test>\r\n") == "503 5.5.1 Error: need MAIL command\r\n");
  CHECK(b.logged("smtpd_reject_footer_maps: \"bad $sender\": $sender: use $client_address"));
  b.say("MAIL FROM:<s@x.test>\r\n");
  CHECK(b.say("RCPT TO:<nobody@example.test>\r\n") ==
        "550 5.1.1 <nobody@example.test>: Recipient address rejected: User unknown in local recipient table: ask "
        "mx.example.test\r\n");
  CHECK(b.say("MAIL FROM:<s@x.test>\r\n") == "503-5.5.1 Error: nested MAIL command\r\n503 5.5.1 general\r\n");
  CHECK(b.say("NOOP\r\n") == "250 2.0.0 Ok\r\n");
  table::Maps broken = table::Maps::open({}, "smtpd_reject_footer_maps", "fail:gone");
  b.shared->footer_maps = &broken;
  CHECK(b.say("MAIL FROM:<s@x.test>\r\n") == "503-5.5.1 Error: nested MAIL command\r\n503 5.5.1 general\r\n");
  CHECK(b.logged("smtpd_reject_footer_maps: "));
}

TEST_CASE("session: smtpd_command_filter changes a command before anybody looks at it", "[smtpd][session][filter]") {
  Bench b;
  table::Maps filter = table::Maps::open({}, "smtpd_command_filter",
                                         "inline:{ {HELO = HELO domain.invalid} {what now? = NOOP} {GONE = QUIT} }");
  b.shared->command_filter = &filter;
  b.connect();
  b.take();
  CHECK(b.say("HELO\r\n") == "250 mx.example.test\r\n");
  CHECK(b.say("  what now?\r\n") == "250 2.0.0 Ok\r\n");
  CHECK(b.say("NOOP\r\n") == "250 2.0.0 Ok\r\n");
  CHECK(b.say("MAIL FROM:<s@x.test>\r\n") == "250 2.1.0 Ok\r\n");
  CHECK(b.say("GONE\r\n") == "221 2.0.0 Bye\r\n");
  CHECK(b.ended);
}

TEST_CASE("session: a command filter that cannot be asked is a temporary error", "[smtpd][session][filter]") {
  Bench b;
  table::Maps filter = table::Maps::open({}, "smtpd_command_filter", "fail:out of order");
  b.shared->command_filter = &filter;
  b.connect();
  b.take();
  CHECK(b.say("HELO x\r\n") == "451 4.3.0 Error: temporary lookup failure\r\n");
  CHECK(b.logged("smtpd_command_filter"));
}
