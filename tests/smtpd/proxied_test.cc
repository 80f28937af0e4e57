#include <catch2/catch.hpp>

#include "smtpd/client_attributes.h"
#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

static std::string text_of(std::string_view arguments, const AttributeCommand& command) {
  auto parsed = parse_client_attributes(arguments, command);
  if (!parsed) return parsed.error().text;
  std::string out;
  for (const ClientAttribute& a : *parsed) {
    out += std::to_string(static_cast<int>(a.name)) + (a.known == Known::yes ? "=" + a.value : "?") + " ";
  }
  return out;
}

TEST_CASE("client attributes: names, addresses, ports and words are checked and brought into form",
          "[smtpd][xclient]") {
  CHECK(text_of("NAME=mx.example.org addr=IPv6:2001:DB8:0::1 PORT=25", kXclient) ==
        "0=mx.example.org 2=2001:db8::1 3=25 ");
  CHECK(text_of("NAME=[unavailable] REVERSE_NAME=[TEMPUNAVAIL] PROTO=esmtp", kXclient) == "0? 1? 4=esmtp ");
  CHECK(text_of("HELO=a+20<b>+22", kXclient) == "5=a??b?? ");
  CHECK(text_of("SOURCE=local IDENT=4F0A PROTO=UUCP", kXforward) == "7=LOCAL 6=4F0A 4=UUCP ");
  CHECK(text_of("", kXclient) == "Syntax: XCLIENT attribute=value...");
  CHECK(text_of("NAME", kXclient) == "Error: attribute=value expected");
  CHECK(text_of("SOURCE=LOCAL", kXclient) == "Bad XCLIENT attribute name: SOURCE");
  CHECK(text_of("REVERSE_NAME=x.test", kXforward) == "Bad XFORWARD attribute name: REVERSE_NAME");
  CHECK(text_of("NAME=-bad-", kXclient) == "Bad NAME syntax: -bad-");
  CHECK(text_of("ADDR=192.0.2.300", kXclient) == "Bad ADDR syntax: 192.0.2.300");
  CHECK(text_of("ADDR=IPV6:192.0.2.3", kXclient) == "Bad ADDR syntax: IPV6:192.0.2.3");
  CHECK(text_of("PORT=65536", kXclient) == "Bad PORT syntax: 65536");
  CHECK(text_of("PROTO=UUCP", kXclient) == "Bad PROTO syntax: UUCP");
  CHECK(text_of("HELO=", kXclient) == "Bad attribute value syntax: ");
  CHECK(text_of("HELO=" + std::string(256, 'x'), kXclient).starts_with("Bad attribute value syntax: "));
  CHECK(text_of("HELO=a+0Ab", kXclient) == "Bad attribute value syntax: a+0Ab");
}

namespace {

struct Proxied : Bench {
  explicit Proxied(std::vector<std::string> settings = {}) : Bench(std::move(settings)) {
    table::Options options;
    auto hosts = [&](const char* list) {
      return table::MatchList::parse(options, "hosts", list, table::MatchKind::client);
    };
    shared->xclient_hosts = hosts("198.51.100.7");
    shared->xforward_hosts = hosts("198.51.100.7");
    shared->classify = [](Client& c) {
      c.trusted = c.address_text == "192.0.2.77";
      c.label = c.name + "[" + c.address_text + "]";
    };
  }
};

}  // namespace

TEST_CASE("session: XCLIENT begins the session anew as that client, with its rights", "[smtpd][session][xclient]") {
  Proxied b({"mynetworks = 192.0.2.77"});
  b.connect();
  b.take();
  CHECK(b.say("EHLO filter.test\r\n").find("XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT") != std::string::npos);
  CHECK(b.say("XCLIENT NAME=inside.example.test ADDR=192.0.2.77 HELO=pc PROTO=ESMTP\r\n") ==
        "220 mx.example.test ESMTP Umaya\r\n");
  CHECK(b.say("MAIL FROM:<s@x.test>\r\n").starts_with("250 "));
  CHECK(b.say("RCPT TO:<a@foreign.test>\r\n").starts_with("250 "));  // permit_mynetworks
  CHECK(b.say("DATA\r\n").starts_with("354 "));
  CHECK(b.say("x\r\n.\r\n").starts_with("250 "));
  REQUIRE(b.cleanup.messages.size() == 1);
  CHECK(b.cleanup.messages[0].envelope.attribute("client_address") == "192.0.2.77");
  CHECK(b.cleanup.messages[0].content.find("from pc (inside.example.test [192.0.2.77])") != std::string::npos);
  CHECK(b.logged("XCLIENT from unknown[198.51.100.7]"));
  // That client is not one of smtpd_authorized_xclient_hosts.
  CHECK(b.say("XCLIENT ADDR=192.0.2.1\r\n") == "550 5.7.0 Error: insufficient authorization\r\n");
  CHECK(b.say("EHLO x\r\n").find("XCLIENT") == std::string::npos);
}

TEST_CASE("session: strangers may use neither XCLIENT nor XFORWARD", "[smtpd][session][xclient]") {
  Bench b;
  b.open();
  CHECK(b.say("EHLO x\r\n").find("XFORWARD") == std::string::npos);
  CHECK(b.say("XCLIENT ADDR=127.0.0.1\r\n") == "550 5.7.0 Error: insufficient authorization\r\n");
  CHECK(b.say("XFORWARD NAME=mx.example.org\r\n") == "550 5.7.0 Error: insufficient authorization\r\n");
  b.say("MAIL FROM:<s@x.test>\r\n");
  CHECK(b.say("RCPT TO:<a@foreign.test>\r\n").find("Relay access denied") != std::string::npos);
}

TEST_CASE("session: a rejected XCLIENT client is refused at once without smtpd_delay_reject",
          "[smtpd][session][xclient]") {
  Proxied b({"smtpd_delay_reject = no", "smtpd_client_restrictions = check_client_access inline:{192.0.2.66=REJECT}"});
  b.open();
  CHECK(b.say("XCLIENT ADDR=192.0.2.66 NAME=[UNAVAILABLE]\r\n").starts_with("554 5.7.1 <unknown[192.0.2.66]>"));
  CHECK(b.say("EHLO x\r\n").starts_with("503 5.7.0 "));
}

TEST_CASE("session: XFORWARD names the client of one message in log and queue file", "[smtpd][session][xforward]") {
  Proxied b;
  b.open();
  CHECK(b.say("XFORWARD NAME=mx.sender.test ADDR=203.0.113.9\r\n") == "250 2.0.0 Ok\r\n");
  CHECK(b.say("XFORWARD PORT=4711 HELO=mx IDENT=ABC123 SOURCE=LOCAL PROTO=ESMTP\r\n") == "250 2.0.0 Ok\r\n");
  b.say("MAIL FROM:<s@x.test>\r\n");
  CHECK(b.say("XFORWARD NAME=other.test\r\n") == "503 5.5.1 Error: MAIL transaction in progress\r\n");
  b.say("RCPT TO:<alice@example.test>\r\n");
  CHECK(b.logged("client=unknown[198.51.100.7], orig_queue_id=ABC123, orig_client=mx.sender.test[203.0.113.9]"));
  b.say("DATA\r\n");
  CHECK(b.say("x\r\n.\r\n").starts_with("250 "));
  const services::Envelope& first = b.cleanup.messages.at(0).envelope;
  CHECK(first.attribute("client_name") == "mx.sender.test");
  CHECK(first.attribute("client_port") == "4711");
  CHECK(first.attribute("log_ident") == "ABC123");
  CHECK(first.attribute("rewrite_context") == "local");
  CHECK((b.cleanup.messages[0].options & services::cleanup::kRewriteLocally) != 0);
  CHECK(first.attribute("log_message_origin") == "mx.sender.test[203.0.113.9]");
  b.say("MAIL FROM:<s@x.test>\r\nRCPT TO:<alice@example.test>\r\n");
  b.say("DATA\r\n");
  CHECK(b.say("x\r\n.\r\n").starts_with("250 "));
  CHECK(b.cleanup.messages.at(1).envelope.attribute("client_address") == "198.51.100.7");
  CHECK(b.cleanup.messages[1].envelope.attribute("rewrite_context") == "remote");
}

TEST_CASE("session: XFORWARD of an unknown name never shows that of the session", "[smtpd][session][xforward]") {
  Proxied b;
  b.open();
  b.say("XFORWARD ADDR=203.0.113.9\r\n");
  b.say("MAIL FROM:<s@x.test>\r\nRCPT TO:<alice@example.test>\r\n");
  b.say("DATA\r\n");
  b.say("x\r\n.\r\n");
  const services::Envelope& e = b.cleanup.messages.at(0).envelope;
  CHECK(e.attribute("client_name") == "unknown");
  CHECK(e.attribute("helo_name").empty());
}
