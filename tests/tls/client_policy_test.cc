#include "libcommon/tls/client_policy.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::tls;

namespace {

std::string why_not(std::string_view text) {
  auto policy = parse_client_policy(text);
  return policy ? "fine" : policy.error().what;
}

}  // namespace

TEST_CASE("tls policy: a line is a level and attributes", "[tls]") {
  auto policy = parse_client_policy(
      "secure match=.example.org:mail.example.net, protocols=>=TLSv1.2 ciphers=high exclude=MD5:RC4 "
      "servername=hostname connection_reuse=no match=third.example");
  REQUIRE(policy);
  CHECK(policy->level == ClientLevel::secure);
  CHECK(policy->match == std::vector<std::string>{".example.org", "mail.example.net", "third.example"});
  CHECK(policy->protocols == ">=TLSv1.2");
  CHECK(policy->ciphers == "high");
  CHECK(policy->exclude == "MD5:RC4");
  CHECK(policy->server_name == "hostname");
  CHECK(policy->connection_reuse == false);
  auto short_one = parse_client_policy("MAY");
  REQUIRE(short_one);
  CHECK(short_one->level == ClientLevel::may);
  CHECK_FALSE(short_one->protocols);
  CHECK_FALSE(short_one->connection_reuse);
}

TEST_CASE("tls policy: fingerprints are separated by bars", "[tls]") {
  auto policy = parse_client_policy("fingerprint match=AA:BB|CC:DD match=EE:FF");
  REQUIRE(policy);
  CHECK(policy->match == std::vector<std::string>{"AA:BB", "CC:DD", "EE:FF"});
}

TEST_CASE("tls policy: a line with a mistake is refused as a whole", "[tls]") {
  CHECK(why_not("") == "invalid empty policy");
  CHECK(why_not(" , ") == "invalid empty policy");
  CHECK(why_not("always") == "invalid security level \"always\"");
  CHECK(why_not("encrypt ciphers") == "malformed attribute/value pair \"ciphers\"");
  CHECK(why_not("encrypt ciphers=") == "empty value of attribute \"ciphers\"");
  CHECK(why_not("encrypt ciphers=high ciphers=low") == "attribute given twice: \"ciphers\"");
  CHECK(why_not("encrypt match=mx.example") == "attribute \"match\" is invalid at security level \"encrypt\"");
  CHECK(why_not("may match=mx.example") == "attribute \"match\" is invalid at security level \"may\"");
  CHECK(why_not("secure match=:") == "attribute \"match\" has an empty value \":\"");
  CHECK(why_not("secure tafile=/etc/x.pem").find("smtp_tls_trust_anchor_file") != std::string::npos);
  CHECK(why_not("secure policy_type=sts") == "invalid attribute name \"policy_type\"");
  CHECK(why_not("may connection_reuse=perhaps") == "connection_reuse is neither yes nor no: \"perhaps\"");
}

TEST_CASE("tls policy: attributes of a TLS that is not used do not matter", "[tls]") {
  auto policy = parse_client_policy("none ciphers=high whatever");
  REQUIRE(policy);
  CHECK(policy->level == ClientLevel::none);
}

TEST_CASE("tls policy: levels have an order and names", "[tls]") {
  for (std::string_view name :
       {"none", "may", "encrypt", "fingerprint", "half-dane", "dane", "dane-only", "verify", "secure"}) {
    auto level = parse_client_level(name);
    REQUIRE(level);
    CHECK(level_name(*level) == name);
  }
  CHECK_FALSE(is_mandatory(ClientLevel::may));
  CHECK(is_mandatory(ClientLevel::encrypt));
  CHECK_FALSE(must_match(ClientLevel::encrypt));
  CHECK(must_match(ClientLevel::fingerprint));
  CHECK(is_dane(ClientLevel::dane_only));
  CHECK_FALSE(is_dane(ClientLevel::verify));
}
