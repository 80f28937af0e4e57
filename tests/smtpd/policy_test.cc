#include "smtpd/policy.h"

#include <catch2/catch.hpp>

#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

/// The reply to RCPT TO:<alice@example.test> (or another recipient), without CRLF.
static std::string rcpt(Bench& b, std::string sender = "s@sender.test", std::string recipient = "alice@example.test") {
  b.open();
  b.say("MAIL FROM:<" + sender + ">\r\n");
  std::string r = b.say("RCPT TO:<" + recipient + ">\r\n");
  return r.substr(0, r.find('\r'));
}

TEST_CASE("policy: access tables on client, HELO, sender and recipient, with parents and classes", "[smtpd][policy]") {
  Bench b(
      {"smtpd_client_restrictions = check_client_access inline:{198.51.100=WARN}",
       "smtpd_helo_restrictions = check_helo_access inline:{{evil.example.org=REJECT bad helo}}",
       "smtpd_sender_restrictions = check_sender_access inline:{{spam.test=550 5.7.0 spam}, {x@y.test=strict}, <>=OK}",
       "smtpd_restriction_classes = strict", "strict = reject_non_fqdn_recipient, defer",
       "smtpd_recipient_restrictions = inline:{{alice@=HOLD}, {bob@example.test=PREPEND X-Bob: yes}}"});
  CHECK(rcpt(b) == "250 2.1.5 Ok");
  CHECK(b.logged("warn: RCPT from unknown[198.51.100.7]: <unknown[198.51.100.7]>: Client host: WARN action"));
  CHECK(
      b.logged("hold: RCPT from unknown[198.51.100.7]: <alice@example.test>: Recipient address triggers HOLD action"));
  CHECK(rcpt(b, "a@sub.spam.test") == "550 5.7.0 <a@sub.spam.test>: Sender address rejected: spam");
  CHECK(rcpt(b, "x@y.test") == "450 4.3.2 <x@y.test>: Sender address rejected: Try again later");
  CHECK(rcpt(b, "") == "250 2.1.5 Ok");
  rcpt(b, "s@sender.test", "bob@example.test");
  b.say("DATA\r\n");
  b.say("x\r\n.\r\n");
  REQUIRE(b.cleanup.messages.size() == 1);
  CHECK(b.cleanup.messages[0].content.starts_with("X-Bob: yes\r\nReceived: "));
  b.connect();
  b.take();
  b.say("EHLO a.evil.example.org\r\n");
  b.say("MAIL FROM:<s@sender.test>\r\n");
  CHECK(b.say("RCPT TO:<alice@example.test>\r\n") ==
        "554 5.7.1 <a.evil.example.org>: Helo command rejected: bad helo\r\n");
}

TEST_CASE("policy: classes that name one another end, and each is compiled once", "[smtpd][policy]") {
  std::vector<std::string> settings = {"smtpd_recipient_restrictions = c0", "smtpd_restriction_classes = here there"};
  settings[1] += " c20";
  settings.push_back("here = there there");
  settings.push_back("there = here");
  settings.push_back("c20 = permit");
  for (int i = 0; i < 20; ++i) {
    std::string deeper = "c" + std::to_string(i + 1);
    settings[1] += " c" + std::to_string(i);
    settings.push_back("c" + std::to_string(i) + " = " + deeper + " " + deeper + " " + deeper);
  }
  Bench b(settings);
  CHECK(rcpt(b) == "250 2.1.5 Ok");
  settings[0] = "smtpd_recipient_restrictions = here";
  Bench loop(settings);
  CHECK(rcpt(loop).starts_with("451 4.3.5 "));
}

TEST_CASE("policy: actions reach cleanup", "[smtpd][policy]") {
  Bench b(
      {"smtpd_recipient_restrictions = check_sender_access inline:{{h@x.test=HOLD}, {f@x.test=FILTER "
       "smtp:[127.0.0.1]:10025}, "
       "{r@x.test=REDIRECT bob@example.test}, {b@x.test=BCC bob@example.test}, {d@x.test=DISCARD}}"});
  auto send = [&](std::string sender) {
    rcpt(b, sender);
    b.say("DATA\r\n");
    return b.say("x\r\n.\r\n");
  };
  send("h@x.test");
  send("f@x.test");
  send("r@x.test");
  send("b@x.test");
  REQUIRE(b.cleanup.messages.size() == 4);
  CHECK((b.cleanup.messages[0].options & services::cleanup::kHold) != 0);
  CHECK(b.cleanup.messages[1].submission.content_filter == "smtp:[127.0.0.1]:10025");
  CHECK(b.cleanup.messages[2].submission.redirect == "bob@example.test");
  CHECK(b.cleanup.messages[3].submission.bcc == std::vector<std::string>{"bob@example.test"});
  CHECK(send("d@x.test").starts_with("250 2.0.0 Ok: queued as"));
  CHECK(b.cleanup.messages.size() == 4);
}

TEST_CASE("policy: syntax and names of HELO, sender and recipient", "[smtpd][policy]") {
  Bench b(
      {"smtpd_recipient_restrictions = reject_non_fqdn_sender, reject_non_fqdn_recipient, "
       "reject_non_fqdn_helo_hostname, "
       "reject_invalid_helo_hostname"});
  CHECK(rcpt(b, "a@short") == "504 5.5.2 <a@short>: Sender address rejected: need fully-qualified address");
  CHECK(rcpt(b, "a@x.org", "alice") == "504 5.5.2 <alice>: Recipient address rejected: need fully-qualified address");
  CHECK(rcpt(b, "a@x.org", "postmaster").starts_with("250"));
  CHECK(rcpt(b, "", "alice@example.test").starts_with("250"));
  auto helo = [&](std::string name) {
    b.connect();
    b.take();
    b.say("EHLO " + name + "\r\n");
    b.say("MAIL FROM:<a@x.org>\r\n");
    return b.say("RCPT TO:<alice@example.test>\r\n").substr(0, 9);
  };
  CHECK(helo("short") == "504 5.5.2");
  CHECK(helo("[1.2.3.4]") == "250 2.1.5");
  CHECK(helo("[IPv6:2001:db8::1]") == "250 2.1.5");
  CHECK(helo("[1.2.3]") == "501 5.5.2");
  CHECK(helo("a..b") == "504 5.5.2");
  CHECK(helo("mx.example.test") == "250 2.1.5");
}

TEST_CASE("policy: unknown domains are refused, null MX too, trouble with DNS is temporary", "[smtpd][policy]") {
  Bench b({"smtpd_sender_restrictions = reject_unknown_sender_domain",
           "smtpd_helo_restrictions = reject_unknown_helo_hostname"});
  b.resolver.a("client.example.org", "198.51.100.7").a("good.test", "192.0.2.1").mx("mail.test", 10, "mx.mail.test");
  b.resolver.mx("null.test", 0, ".");
  b.resolver.fail("broken.test", dns::Type::mx, dns::Status::fail);
  CHECK(rcpt(b, "a@good.test").starts_with("250"));
  CHECK(rcpt(b, "a@mail.test").starts_with("250"));
  CHECK(rcpt(b, "a@example.test").starts_with("250"));
  CHECK(rcpt(b, "a@none.test") == "450 4.1.8 <a@none.test>: Sender address rejected: Domain not found");
  CHECK(rcpt(b, "a@null.test") ==
        "550 5.7.27 <a@null.test>: Sender address rejected: Domain null.test does not accept mail (nullMX)");
  CHECK(rcpt(b, "a@broken.test") == "450 4.1.8 <a@broken.test>: Sender address rejected: Domain not found");
  // The deferral waits: a definite refusal of the recipient wins.
  CHECK(rcpt(b, "a@broken.test", "nosuch@example.test").starts_with("450"));
}

TEST_CASE("policy: warn_if_reject only warns, defer_if_permit waits for the end, soft_bounce softens",
          "[smtpd][policy]") {
  Bench w({"smtpd_recipient_restrictions = warn_if_reject reject"});
  CHECK(rcpt(w) == "250 2.1.5 Ok");
  CHECK(
      w.logged("reject_warning: RCPT from unknown[198.51.100.7]: 554 5.7.1 <alice@example.test>: Recipient address "
               "rejected: Access denied"));
  Bench d({"smtpd_client_restrictions = defer_if_permit"});
  CHECK(rcpt(d).starts_with("450 4.7.0"));
  CHECK(rcpt(d, "s@x.test", "v@foreign.test").starts_with("454 4.7.1"));
  Bench s({"soft_bounce = yes", "smtpd_recipient_restrictions = reject"});
  CHECK(rcpt(s).starts_with("454 4.7.1"));
  Bench r({"smtpd_recipient_restrictions = defer_if_reject, reject"});
  CHECK(rcpt(r).starts_with("450 4.7.0"));
}

TEST_CASE("policy: a mistake in the configuration is 451 4.3.5 and never a permit", "[smtpd][policy]") {
  for (auto list : {"no_such_restriction", "check_client_access", "sleep x", "loop"}) {
    Bench b({std::string("smtpd_recipient_restrictions = ") + list, "smtpd_restriction_classes = loop", "loop = loop"});
    CHECK(rcpt(b).starts_with("451 4.3.5 "));
    CHECK_FALSE(b.policy->complaints().empty());
  }
  Bench t({"smtpd_recipient_restrictions = check_sender_access inline:{s@sender.test=gibberish_word}"});
  CHECK(rcpt(t).starts_with("451 4.3.5 "));
  Bench f({"smtpd_recipient_restrictions = check_sender_access fail:x"});
  CHECK(rcpt(f) == "451 4.3.0 <s@sender.test>: Temporary lookup failure");
  Bench g;
  CHECK(rcpt(g, "s@x.test", "v@fails.test") == "451 4.3.0 <v@fails.test>: Temporary lookup failure");
}

TEST_CASE("policy: client names by their three states", "[smtpd][policy]") {
  Bench b({"smtpd_client_restrictions = reject_unknown_client_hostname"});
  b.client.name_status = NameStatus::forged;
  CHECK(rcpt(b) == "450 4.7.25 Client host rejected: cannot find your hostname, [198.51.100.7]");
  b.client.name_status = NameStatus::ok;
  CHECK(rcpt(b).starts_with("250"));
  Bench r({"smtpd_client_restrictions = reject_unknown_reverse_client_hostname", "unknown_client_reject_code = 550"});
  r.client.reverse_status = NameStatus::absent;
  CHECK(rcpt(r) == "550 5.7.1 Client host rejected: cannot find your reverse hostname, [198.51.100.7]");
  r.client.reverse_status = NameStatus::temporary;
  CHECK(rcpt(r).starts_with("450 4.7.1"));
}

TEST_CASE("policy: without delay each list answers at its own command", "[smtpd][policy]") {
  Bench b({"smtpd_delay_reject = no", "smtpd_helo_restrictions = reject_non_fqdn_helo_hostname",
           "smtpd_sender_restrictions = check_sender_access inline:{bad.test=REJECT}"});
  b.connect();
  CHECK(b.take().starts_with("220"));
  CHECK(b.say("EHLO short\r\n").starts_with("504 5.5.2"));
  CHECK(b.say("EHLO good.example.org\r\n").starts_with("250"));
  CHECK(b.say("MAIL FROM:<a@bad.test>\r\n").starts_with("554 5.7.1"));
  CHECK(b.say("MAIL FROM:<a@good.test>\r\n").starts_with("250"));
  Bench c({"smtpd_delay_reject = no", "smtpd_client_restrictions = check_client_access inline:{198.51.100.7=REJECT}"});
  c.connect();
  CHECK(c.take() == "554 5.7.1 <unknown[198.51.100.7]>: Client host rejected: Access denied\r\n");
  CHECK(c.say("EHLO x\r\n") == "503 5.7.0 Error: access denied for unknown[198.51.100.7]\r\n");
  CHECK(c.say("QUIT\r\n").starts_with("221"));
}

TEST_CASE("policy: restrictions at DATA and after it", "[smtpd][policy]") {
  Bench b({"smtpd_data_restrictions = reject_multi_recipient_bounce"});
  rcpt(b, "");
  b.say("RCPT TO:<bob@example.test>\r\n");
  CHECK(b.say("DATA\r\n") == "550 5.5.3 <DATA>: Data command rejected: Multi-recipient bounce\r\n");
  Bench e({"smtpd_end_of_data_restrictions = check_sender_access inline:{s@sender.test=REJECT}"});
  rcpt(e);
  e.say("DATA\r\n");
  CHECK(e.say("x\r\n.\r\n") == "554 5.7.1 <s@sender.test>: Sender address rejected: Access denied\r\n");
  CHECK(e.cleanup.messages.empty());
  // S10: what was refused at the end leaves nothing behind.
  CHECK(e.say("DATA\r\n").starts_with("503"));
}

TEST_CASE("policy: OK for a recipient with route characters opens no relay", "[smtpd][policy][attack]") {
  Bench b({"smtpd_relay_restrictions = check_recipient_access inline:{example.test=OK}, reject_unauth_destination"});
  CHECK(rcpt(b, "a@x.test", "v%foreign.test@example.test").starts_with("554 5.7.1"));
  CHECK(rcpt(b, "a@x.test", "alice@example.test").starts_with("250"));
}
