#include "named-lite/check/spf.h"

#include <catch2/catch.hpp>

using namespace umaya::named;

namespace {

/// The first fault and its cure, joined; empty when there is none.
std::string fault(const std::string& text) {
  SpfFindings found = check_spf(text);
  if (found.faults.empty()) return "";
  return found.faults[0].what + (found.faults[0].cure.empty() ? "" : " => " + found.faults[0].cure);
}

}  // namespace

TEST_CASE("spf: records are told from other text", "[named][spf]") {
  CHECK(is_spf("v=spf1"));
  CHECK(is_spf("V=SPF1 -all"));
  CHECK_FALSE(is_spf("v=spf10 -all"));
  CHECK_FALSE(is_spf("v=spf2.0/pra"));
  CHECK_FALSE(is_spf(" v=spf1"));
}

TEST_CASE("spf: what RFC 7208 allows has no fault", "[named][spf]") {
  for (const char* text :
       {"v=spf1", "v=spf1 -all", "v=spf1 +mx ~all", "v=spf1 a:mail.example.org/24//64 mx/28 ?all",
        "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all", "v=spf1 redirect=_spf.example.org",
        "v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all", "v=spf1 include:%{d2}.example.org exp=explain.%{d} -all",
        "v=spf1  mx   -all ", "v=spf1 ptr:example.org -all", "v=spf1 moo=cow -all"}) {
    INFO(text);
    CHECK(fault(text) == "");
  }
}

TEST_CASE("spf: mistakes are named with the record to write", "[named][spf]") {
  CHECK(fault("v=spf1 ipv4:192.0.2.1 -all").ends_with("=> v=spf1 ip4:192.0.2.1 -all"));
  CHECK(fault("v=spf1 192.0.2.1 -all").ends_with("=> v=spf1 ip4:192.0.2.1 -all"));
  CHECK(fault("v=spf1 ip4:2001:db8::1 -all").ends_with("=> v=spf1 ip6:2001:db8::1 -all"));
  CHECK(fault("v=spf1 inclde:a.example -all").ends_with("=> v=spf1 include:a.example -all"));
  CHECK(fault("v=spf1 include=a.example -all").ends_with("=> v=spf1 include:a.example -all"));
  CHECK(fault("v=spf1 a:192.0.2.1 -all").ends_with("=> v=spf1 ip4:192.0.2.1 -all"));
  CHECK(fault("v=spf1 ip4:192.0.2.300 -all").find("not an address") != std::string::npos);
  CHECK(fault("v=spf1 ip4:192.0.2.0/33 -all").find("a length that is none") != std::string::npos);
  CHECK(fault("v=spf1 a/24/64 -all").find("a length that is none") != std::string::npos);
  CHECK(fault("v=spf1 -all mx").find("behind `all`") != std::string::npos);
  CHECK(fault("v=spf1 include -all").find("needs a value") != std::string::npos);
  CHECK(fault("v=spf1 exists:%{x} -all").find("macro") != std::string::npos);
  CHECK(fault("v=spf1 include:user@a.example -all").find("not the name of a domain") != std::string::npos);
  CHECK(fault("v=spf1 redirect=a.example -all").find("no effect beside `all`") != std::string::npos);
  CHECK(fault("v=spf1 redirect=a.example redirect=b.example").find("twice") != std::string::npos);
}

TEST_CASE("spf: lookups are counted as receivers do", "[named][spf]") {
  CHECK(check_spf("v=spf1 a mx ptr include:a.b exists:c.d redirect=e.f").lookups == 6);
  CHECK(check_spf("v=spf1 ip4:192.0.2.1 ip6:::1 exp=x.y -all").lookups == 0);
  CHECK(check_spf("v=spf1 include:a.b redirect=c.d").names == std::vector<std::string>{"a.b", "c.d"});
}

TEST_CASE("spf: any octets are read without harm", "[named][spf]") {
  for (int c = 0; c < 256; ++c) {
    for (const char* pattern :
         {"v=spf1 ?", "v=spf1 a?", "v=spf1 a:?", "v=spf1 ?=", "v=spf1 ip4:?/?", "v=spf1 include:%{?}"}) {
      std::string text = pattern;
      for (char& each : text) {
        if (each == '?') each = static_cast<char>(c);
      }
      check_spf(text);
    }
  }
}
