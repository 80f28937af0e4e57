#include "named-lite/zone/checker.h"

#include "tests/named-lite/zone_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const std::string kHead = "$TTL 60\n@ SOA ns1 root 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n";

/// What the checker says of a good zone with these lines more; they begin at line 5.
std::string said(const std::string& lines) {
  return check("ex.test", kHead + lines).text();
}

}  // namespace

TEST_CASE("checker: a good zone has nothing to report", "[named][checker]") {
  CHECK(said("@ MX 10 mail\nmail A 192.0.2.2\nwww CNAME ns1\n*.w CNAME www\nsub NS ns.sub\nns.sub A 192.0.2.3\n"
             "_25._tcp.mail TLSA 3 1 1 00\n@ MX 0 .\ndeep.w2 CNAME x.w\n") == "");
}

TEST_CASE("checker: the lab zone of K1 gets one clear line for each mistake", "[named][checker]") {
  Checked lab = check("c5.exp.info.kochi-tech.ac.jp",
                      "$TTL 100\n"
                      "@ IN SOA server.c5.exp.info.kochi-tech.ac.jp. root.server.c5.exp.info.kochi-tech.ac.jp. (\n"
                      "  2001062101 3600 900 604800 100 )\n"
                      "server IN NS server.c5.exp.info.kochi-tech.ac.jp.\n"
                      "c5.exp.info.kochi-tech.ac.jp IN MX server.c5.exp.info.kochi-tech.ac.jp.\n"
                      "server IN A 192.168.0.161\nwww IN CNAME server\n");
  CHECK(lab.problems.has_errors());
  CHECK(lab.text() ==
        "z:4: error: NS stands at server, but the name of the zone, @, has none: as written it gives "
        "server.c5.exp.info.kochi-tech.ac.jp. away to another server; write: @ IN NS server\n"
        "z:5:1: warning: the owner lacks its final dot: this means "
        "c5.exp.info.kochi-tech.ac.jp.c5.exp.info.kochi-tech.ac.jp.; write: c5.exp.info.kochi-tech.ac.jp. IN MX "
        "server.c5.exp.info.kochi-tech.ac.jp.\n"
        "z:5:36: error: MX without a preference: a number stands before the host name; write: "
        "c5.exp.info.kochi-tech.ac.jp. IN MX 10 server.c5.exp.info.kochi-tech.ac.jp.\n");
}

TEST_CASE("checker: the classic mistakes are named with a cure", "[named][checker]") {
  struct Case {
    const char* lines;
    const char* expected;
  };
  Case cases[] = {
      {"w CNAME ns1\n@ MX 10 w\n",
       "z:6:6: warning: MX names w, which is an alias (RFC 2181 10.3): name ns1 itself; write: @ IN MX 10 ns1\n"},
      {"@ MX 10 192.0.2.1\n",
       "z:5:6: warning: MX names a host, not an address: give 192.0.2.1 a name and write that name here\n"},
      {"@ MX 10 nowhere\n",
       "z:5:6: warning: MX names nowhere.ex.test., which has no address in this zone (is a final dot missing?); write: "
       "nowhere IN A …\n"},
      {"a CNAME ns1\na TXT x\n",
       "z:5: error: CNAME and TXT at a: an alias has no other data (RFC 1034 3.6.2); give the alias another name, or "
       "in place of the CNAME the address of its target\n"},
      {"a CNAME ns1\na CNAME ns1.x.\n",
       "z:5: error: two CNAME at a: an alias leads to one name\nz:6: error: two CNAME at a: an alias leads to one "
       "name\n"},
      {"my_host A 192.0.2.9\n",
       "z:5:11: warning: a host name holds letters, digits and hyphens only, not \"_\": my_host; write: my-host IN A "
       "192.0.2.9\n"},
      {"a CNAME gone\n", "z:5:9: warning: the alias leads to gone.ex.test., a name that does not exist\n"},
      {"b 9 A 192.0.2.1\nb 8 A 192.0.2.2\n",
       "z:6:7: warning: records of one name and type need one TTL: 9 of the first is used for b IN A 192.0.2.2\n"},
      {"x.other.test. A 192.0.2.1\n",
       "z:5:17: warning: x.other.test. is not in the zone ex.test. and is left out: it belongs into a zone of its own "
       "(or a final dot is one too many)\n"},
      {"@ SOA a b 1 2 3 4 5\n", "z:5: error: a second SOA: take one of the two away\n"},
  };
  for (const Case& each : cases) CHECK(said(each.lines) == each.expected);
}

TEST_CASE("checker: a zone without SOA or NS is not fit", "[named][checker]") {
  std::string text = check("ex.test", "$TTL 60\na A 1.2.3.4\n").text();
  CHECK(text.find("has no SOA") != std::string::npos);
  CHECK(text.find("has no name server (NS)") != std::string::npos);
  CHECK(check("ex.test", "").problems.has_errors());
}

TEST_CASE("checker: a mail address with @ in the SOA is explained", "[named][checker]") {
  std::string text = check("ex.test", "$TTL 60\n@ SOA ns1 root@ex.test. 1 2 3 4 5\n@ NS ns1\nns1 A 1.2.3.4\n").text();
  CHECK(text.find("a dot in place of the @") != std::string::npos);
  CHECK(text.find("write: @ IN SOA ns1 root.ex.test.") != std::string::npos);
}

TEST_CASE("checker: a record that stands there twice is named, also when only its case differs", "[named][checker]") {
  CHECK(said("a A 192.0.2.9\nb A 192.0.2.9\na A 192.0.2.9\n") ==
        "z:7:5: warning: this record stands there twice: take one away (a IN A 192.0.2.9)\n");
  CHECK(said("a CNAME ns1\n@ MX 1 ns1\n@ MX 1 NS1\n") ==
        "z:7:6: warning: this record stands there twice: take one away (@ IN MX 1 NS1)\n");
  std::string many;
  for (int i = 0; i < 50; ++i) many += "m A 10.0.0." + std::to_string(i) + "\n";
  CHECK(said(many) == "");
  CHECK(said(many + "m A 10.0.0.7\n") ==
        "z:55:5: warning: this record stands there twice: take one away (m IN A 10.0.0.7)\n");
}

TEST_CASE("checker: a set that no message can hold is an error (D27)", "[named][checker]") {
  std::string many;
  for (int i = 0; i < 10000; ++i) many += "m A 10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\n";
  Checked zone = check("ex.test", kHead + many);
  CHECK(zone.problems.has_errors());
  CHECK(zone.text().find("need 160000 octets") != std::string::npos);
}

TEST_CASE("checker: missing glue is named, beside the delegation only when siblings are asked for",
          "[named][checker]") {
  CHECK(said("sub NS ns.sub\n") ==
        "z:5:8: warning: NS names ns.sub.ex.test., which nobody can find without its address: glue is missing; write: "
        "ns.sub IN A …\n");
  const std::string sibling = "sub NS ns.sub\nns.sub A 192.0.2.9\nother NS ns2.sub\n";
  CHECK(said(sibling).find("NS names ns2.sub.ex.test.") != std::string::npos);
  CheckPolicy policy;
  policy.sibling = false;
  CHECK(check("ex.test", kHead + sibling, {}, policy).text() == "");
  policy.integrity = false;
  CHECK(check("ex.test", kHead + "sub NS ns.sub\n@ MX 1 nowhere\n", {}, policy).text() == "");
}

TEST_CASE("checker: BIND's options decide what a finding is", "[named][checker]") {
  struct Case {
    const char* lines;
    CheckAction CheckPolicy::*option;
  };
  for (const Case& each :
       {Case{"my_host A 192.0.2.9\n", &CheckPolicy::names}, Case{"@ MX 10 192.0.2.1\n", &CheckPolicy::mx},
        Case{"w CNAME ns1\n@ MX 10 w\n", &CheckPolicy::mx_cname},
        Case{"w CNAME ns1\n_x._tcp SRV 1 1 1 w\n", &CheckPolicy::srv_cname},
        Case{"a A 192.0.2.9\na A 192.0.2.9\n", &CheckPolicy::dup_records},
        Case{"@ TXT \"v=spf1 foo -all\"\n", &CheckPolicy::spf}}) {
    INFO(each.lines);
    for (CheckAction action : {CheckAction::ignore, CheckAction::warn, CheckAction::fail}) {
      CheckPolicy policy;
      policy.*each.option = action;
      Checked zone = check("ex.test", kHead + each.lines, {}, policy);
      CHECK(zone.problems.all().empty() == (action == CheckAction::ignore));
      CHECK(zone.problems.has_errors() == (action == CheckAction::fail));
    }
  }
}

TEST_CASE("checker: a serial that does not rise is named with the one to write", "[named][checker]") {
  Checked served = check("ex.test", kHead);
  CheckPolicy policy;
  policy.in_service = served.image.get();
  CHECK(check("ex.test", kHead, {}, policy).text() == "");
  CHECK(
      check("ex.test", kHead + "a A 192.0.2.9\n", {}, policy).text() ==
      "z:2:7: warning: the zone has changed but its serial has not: secondaries will not fetch it; write: @ IN SOA ns1 "
      "root 2 2 3 4 5\n");
  std::string lower = kHead;
  lower.replace(lower.find("root 1"), 6, "root 4294967295");
  CHECK(
      check("ex.test", lower, {}, policy).text() ==
      "z:2:7: warning: the serial is lower than 1, which is served now: secondaries will not fetch it; write: @ IN SOA "
      "ns1 root 2 2 3 4 5\n");
  std::string higher = kHead;
  higher.replace(higher.find("root 1"), 6, "root 2");
  CHECK(check("ex.test", higher + "a A 192.0.2.9\n", {}, policy).text() == "");
}

TEST_CASE("checker: names that a wildcard does not reach are listed", "[named][checker]") {
  CHECK(said("*.w MX 10 ns1\na.w A 192.0.2.2\nb.w A 192.0.2.3\nb.w MX 1 ns1\nc.d.w A 192.0.2.4\n_x.w TXT y\n") ==
        "z:5:8: warning: the wildcard *.w does not reach names that exist (RFC 4592): no MX for a.w, c.d.w; write: a.w "
        "IN "
        "MX 10 ns1\n");
  CHECK(said("a.*.w A 192.0.2.2\n") ==
        "z:5:9: warning: the asterisk in a.*.w is no wildcard: it would have to be the first label (RFC 4592 2.1.1)\n");
  CheckPolicy policy;
  policy.wildcard = false;
  CHECK(check("ex.test", kHead + "a.*.w A 192.0.2.2\n*.w MX 10 ns1\n", {}, policy).text() == "");
  std::string many = "*.m MX 10 ns1\n";
  for (int i = 0; i < 30; ++i) many += "h" + std::to_string(i) + ".m A 192.0.2.2\n";
  CHECK(said(many).find("h9.m and 20 more; write") != std::string::npos);
}

TEST_CASE("checker: addresses without PTR are named when the reverse zone is served here", "[named][checker]") {
  CheckPolicy policy;
  policy.has_ptr = [](std::string_view wire) -> std::optional<bool> {
    std::string text = name_text(wire);
    if (text == "1.2.0.192.in-addr.arpa.") return true;
    if (text.ends_with(".2.0.192.in-addr.arpa.") || text.ends_with(".8.b.d.0.1.0.0.2.ip6.arpa.")) return false;
    return std::nullopt;
  };
  auto reverse = [&](const std::string& lines) {
    Problems problems;
    RecordList records = parse_zone_text(kHead + lines, "z", {name("ex.test"), {}}, problems);
    check_reverse(records, compile_zone(records, 7), problems, policy);
    std::string text;
    for (const Problem& problem : problems.all()) text += problem.text() + "\n";
    return text;
  };
  CHECK(reverse("a A 192.0.2.9\nb A 10.0.0.1\nc AAAA 2001:db8::1\n") ==
        "z:5:5: warning: the reverse zone has no PTR for 192.0.2.9; write: 9.2.0.192.in-addr.arpa. IN PTR a.ex.test.\n"
        "z:7:8: warning: the reverse zone has no PTR for 2001:db8::1; write: "
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. IN PTR c.ex.test.\n");
  std::string many;
  for (int i = 10; i < 40; ++i) many += "h" + std::to_string(i) + " A 192.0.2." + std::to_string(i) + "\n";
  std::string text = reverse(many);
  CHECK(text.find("20 more addresses have no PTR") != std::string::npos);
}

TEST_CASE("checker: SPF records that receivers reject are explained", "[named][checker]") {
  CHECK(said("@ TXT \"v=spf1 mx ip4:192.0.2.0/24 include:_spf.example.net ~all\"\n@ TXT \"other\"\n") == "");
  CHECK(said("@ TXT \"v=spf1 \" \"ip:192.0.2.1 -all\"\n") ==
        "z:5:8: warning: SPF: \"ip\" is not a mechanism: receivers reject the whole record (RFC 7208 4.6); write: @ IN "
        "TXT "
        "\"v=spf1 ip4:192.0.2.1 -all\"\n");
  CHECK(said("@ TXT \"v=spf1 -all\"\n@ TXT \"v=spf1 mx -all\"\n").find("a second record at @") != std::string::npos);
  CHECK(said("@ SPF \"v=spf1 -all\"\n").find("write: @ IN TXT \"v=spf1 -all\"") != std::string::npos);
  std::string many = "@ TXT \"v=spf1";
  for (int i = 0; i < 11; ++i) many += " include:s" + std::to_string(i) + ".x.net";
  CHECK(said(many + " -all\"\n").find("SPF: 11 DNS lookups are needed") != std::string::npos);
  // What an included record of this zone needs counts, too.
  CHECK(
      said("@ TXT \"v=spf1 include:i.ex.test a mx -all\"\ni TXT \"v=spf1 a mx a:b.c a:d.e a:f.g a:h.i a:j.k mx:l.m\"\n")
          .find("SPF: 11 DNS lookups are needed") != std::string::npos);
  CHECK(said("@ TXT \"v=spf1 include:ex.test -all\"\n").find("lookups") != std::string::npos);
}
