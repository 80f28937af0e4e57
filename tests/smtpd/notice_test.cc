#include "smtpd/notice.h"

#include <catch2/catch.hpp>

#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

TEST_CASE("notice: the class of a refusal follows from its status code", "[smtpd][notice]") {
  CHECK(trouble_of(250, "2.0.0", "no") == kNoTrouble);
  CHECK(trouble_of(452, "4.3.1", "no") == kResource);
  CHECK(trouble_of(451, "4.3.0", "no") == kSoftware);
  CHECK(trouble_of(451, "4.3.5", "no") == kSoftware);
  CHECK(trouble_of(552, "5.3.4", "no") == kPolicy);
  CHECK(trouble_of(554, "5.7.1", "no") == kPolicy);
  CHECK(trouble_of(550, "5.1.1", "no") == kPolicy);
  CHECK(trouble_of(503, "5.5.1", "no") == kProtocol);
  CHECK(trouble_of(501, "", "no") == kProtocol);
  CHECK(trouble_of(421, "4.4.2", "no") == kNoTrouble);
  CHECK(trouble_of(421, "4.3.2", "no") == kNoTrouble);
  CHECK(trouble_of(451, "4.3.0", "<a@b>: Temporary lookup failure") == kData);
  CHECK(trouble_of(451, "4.3.0", "Error: temporary lookup failure") == kData);
  CHECK(trouble_of(451, "4.3.0", "Error: queue file write error") == kSoftware);
  CHECK(notify_mask({"resource", "software"}) == (kResource | kSoftware));
  CHECK(notify_mask({"bounce", "2bounce", "delay"}) == kPolicy);
  CHECK(notify_mask({"Protocol", "data"}) == (kProtocol | kData));
}

TEST_CASE("notice: a transcript is bounded, keeps both ends, and carries no strange bytes", "[smtpd][notice]") {
  Transcript t;
  t.add_in("first\x1b[31m\xff");
  t.add_out("250-one\r\n250 two\r\n");
  CHECK(t.text() == " In:  first?[31m?\r\n Out: 250-one\r\n Out: 250 two\r\n");
  for (int i = 0; i < 10000; ++i)
    t.add_in("NOOP " + std::to_string(i) + std::string(static_cast<size_t>(i) % 700, 'x'));
  t.add_in("last");
  CHECK(t.text().size() <= 9000);
  CHECK(t.text().starts_with(" In:  first?"));
  CHECK(t.text().ends_with(" In:  last\r\n"));
  CHECK(t.text().find(" ...\r\n") != std::string::npos);
}

TEST_CASE("session: postmaster hears of the asked-for classes only, with the transcript", "[smtpd][session][notice]") {
  Bench b({"error_notice_recipient = admin@example.test"});
  b.shared->notify = kPolicy;
  b.open();
  b.say("NONSENSE\r\n");
  b.say("QUIT\r\n");
  CHECK(b.cleanup.messages.empty());
  b.open("s@x.test");
  b.say("RCPT TO:<nobody@example.test>\r\n");
  b.say("QUIT\r\n");
  REQUIRE(b.cleanup.messages.size() == 1);
  const Received& notice = b.cleanup.messages[0];
  CHECK(notice.envelope.sender == "double-bounce");
  CHECK(notice.recipients.at(0).address == "admin@example.test");
  CHECK((notice.options & services::cleanup::kBounce) != 0);
  CHECK(notice.content.find("Subject: Umaya SMTP server: errors from unknown[198.51.100.7]\r\n") != std::string::npos);
  CHECK(notice.content.find(" In:  RCPT TO:<nobody@example.test>\r\n Out: 550 5.1.1 <nobody@") != std::string::npos);
  CHECK(b.ended);
}

TEST_CASE("session: the transcript begins anew with each message, and tells of a broken end",
          "[smtpd][session][notice]") {
  Bench b;
  b.shared->notify = kProtocol;
  b.open("s@x.test");
  b.say("RCPT TO:<alice@example.test>\r\n");
  b.say("DATA\r\n");
  b.say("x\r\n.\r\n");
  b.say("NONSENSE\r\n");
  b.disconnect();
  REQUIRE(b.cleanup.messages.size() == 2);
  CHECK(b.cleanup.messages[1].content.find("MAIL FROM") == std::string::npos);
  CHECK(b.cleanup.messages[1].content.find(" In:  NONSENSE\r\n") != std::string::npos);
  CHECK(b.cleanup.messages[1].content.find("Session aborted, reason: lost connection\r\n") != std::string::npos);
}

TEST_CASE("session: notify_classes=data tells postmaster of tables that cannot be asked, and of nothing else",
          "[smtpd][session][notice]") {
  Bench b({"smtpd_sender_restrictions = check_sender_access fail:gone", "error_notice_recipient = admin@example.test"});
  b.shared->notify = kData;
  b.open("s@x.test");
  b.say("RCPT TO:<alice@example.test>\r\nNONSENSE\r\nQUIT\r\n");
  REQUIRE(b.cleanup.messages.size() == 1);
  CHECK(b.cleanup.messages[0].content.find(" Out: 451 4.3.0 <s@x.test>: Temporary lookup failure\r\n") !=
        std::string::npos);
  b.shared->next_notice = {};
  b.open();
  b.say("NONSENSE\r\nRCPT TO:<x@y>\r\nQUIT\r\n");
  CHECK(b.cleanup.messages.size() == 1);
}
