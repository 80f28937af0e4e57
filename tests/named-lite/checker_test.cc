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
       "z:5: error: x.other.test. is not in the zone ex.test.: it belongs into a zone of its own (or a final dot is "
       "one too many)\n"},
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
