#include "named-lite/zone/zone_text.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "named-lite/zone/record_text.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

Lines parse(const std::string& text, Problems& problems, OpenFile open = {}) {
  ZoneTextOptions options{name("ex.test"), std::move(open)};
  RecordList records = parse_zone_text(text, "z", options, problems);
  Lines lines;
  for (const Record& record : records.records()) {
    lines.push_back(std::to_string(record.ttl) + " " + record_text(records, record));
  }
  return lines;
}

Lines parse(const std::string& text) {
  Problems problems;
  Lines lines = parse(text, problems);
  for (const Problem& problem : problems.all()) FAIL_CHECK(problem.text());
  return lines;
}

std::string first_problem(const std::string& text) {
  Problems problems;
  parse("$TTL 60\n" + text, problems);
  return problems.all().empty() ? "" : problems.all()[0].text();
}

}  // namespace

TEST_CASE("zone text: TTL and class stand in either order or not at all", "[named][zone]") {
  Lines expected = {"60 a IN A 1.2.3.4", "5 b IN A 1.2.3.4", "6 c IN A 1.2.3.4", "7 d IN A 1.2.3.4",
                    "60 e IN A 1.2.3.4"};
  CHECK(parse("$TTL 1m\na A 1.2.3.4\nb 5 IN A 1.2.3.4\nc IN 6 A 1.2.3.4\nd 7 A 1.2.3.4\ne in a 1.2.3.4\n") == expected);
}

TEST_CASE("zone text: blank owner, @, relative and absolute names", "[named][zone]") {
  Lines expected = {"60 @ IN NS ns1", "60 @ IN NS ns.other.test.", "60 a.b IN A 1.1.1.1", "60 a.b IN TXT \"x\"",
                    "60 c.sub IN CNAME @"};
  CHECK(parse("$TTL 60\n@ NS ns1\n\tNS ns.other.test.\na.b A 1.1.1.1 ; comment\n  TXT x\n$ORIGIN sub\n"
              "c CNAME ex.test.\n") == expected);
}

TEST_CASE("zone text: parentheses, comments and quotes hold a record together", "[named][zone]") {
  Lines lines = parse(
      "$TTL 60\n@ SOA ns1 host.master ( 1 ; serial\n 1h ;; refresh\n 15m\n 1w2d\n 300 )\n"
      "t TXT \"a ; b ( c\" \"d\\\"e\\065\" f\\ g\n");
  CHECK(lines ==
        Lines{"60 @ IN SOA ns1 host.master 1 3600 900 777600 300", "60 t IN TXT \"a ; b ( c\" \"d\\\"eA\" \"f g\""});
}

TEST_CASE("zone text: all simple types are read and written", "[named][zone]") {
  for (std::string line : {
           "@ IN MX 10 mail",
           "@ IN TXT \"a\" \"b\"",
           "@ IN AAAA 2001:db8::1",
           "x IN SRV 1 2 25 mail",
           "1 IN PTR host.",
           "h IN HINFO \"PC\" \"Linux\"",
           "r IN RP who.x. txt.y.",
           "c IN CAA 0 issue \"ca.example\"",
           "t IN TLSA 3 1 1 0011AABB",
           "d IN DS 1 8 2 AABBCCDD",
           "n IN NAPTR 1 2 \"s\" \"E2U\" \"\" r",
           "d IN DNAME t",
           "a IN AFSDB 1 db",
           "u IN URI 1 2 \"https://x/\"",
           "k IN DNSKEY 256 3 13 AAECAw==",
       }) {
    CHECK(parse("$TTL 60\n" + line + "\n") == Lines{"60 " + line});
  }
}

TEST_CASE("zone text: D31 unknown types are read as RFC 3597 says, lies about the length are not", "[named][zone]") {
  CHECK(parse("$TTL 60\nx TYPE65280 \\# 4 01 0203 04\n") == Lines{"60 x IN TYPE65280 \\# 4 01020304"});
  CHECK(parse("$TTL 60\nx A \\# 4 01020304\n") == Lines{"60 x IN A 1.2.3.4"});
  CHECK(first_problem("x A \\# 5 0102030405").find("not the data of") != std::string::npos);
  CHECK(first_problem("x TYPE9999 \\# 5 01").find("announces 5") != std::string::npos);
  CHECK(first_problem("x CNAME \\# 3 056162").find("not the data of") != std::string::npos);
}

TEST_CASE("zone text: rare types go through ldns", "[named][zone]") {
  CHECK(parse("$TTL 60\nx HTTPS 1 . alpn=h2\n") == Lines{"60 x IN HTTPS \\# 10 00010000010003026832"});
  CHECK(parse("$TTL 60\nx LOC 35 0 0 N 135 0 0 E 10m\n").size() == 1);
  CHECK(first_problem("x HTTPS nonsense").find("HTTPS needs") != std::string::npos);
}

TEST_CASE("zone text: every fault has file, line, column and cure", "[named][zone]") {
  CHECK(first_problem("@ MX mail\n") ==
        "z:2:6: error: MX without a preference: a number stands before the host name; write: @ MX 10 mail");
  CHECK(first_problem("@ CNMAE mail\n") == "z:2:3: error: \"CNMAE\" is not a record type; write: @ CNAME mail");
  CHECK(first_problem("a A 1.2.3.4.\n") ==
        "z:2:5: error: \"1.2.3.4.\" is not an IPv4 address: it has no final dot; write: a A 1.2.3.4");
  CHECK(first_problem("a.ex.test MX 10 b\n") ==
        "z:2:1: warning: the owner lacks its final dot: this means a.ex.test.ex.test.; write: a.ex.test. MX 10 b");
  CHECK(first_problem("a MX 10 b.ex.test ; c\n") ==
        "z:2:9: warning: the final dot is missing: this means b.ex.test.ex.test.; write: a MX 10 b.ex.test.");
}

TEST_CASE("zone text: D31 broken text is refused and the rest is still read", "[named][zone]") {
  for (const std::string& bad : Lines{"a TXT \"open",
                                      "a A ) 1.2.3.4",
                                      "a ( ( A 1.2.3.4 ) )",
                                      "a\001 A 1.2.3.4",
                                      "a 99999999999 A 1.2.3.4",
                                      "a TXT \\999",
                                      "a..b A 1.2.3.4",
                                      "a A",
                                      "a",
                                      "a TXT",
                                      std::string("a\0b A 1.2.3.4", 13),
                                      "$TTL x",
                                      "$ORIGIN a..b",
                                      "$WHAT",
                                      "a CH A 1.2.3.4",
                                      "a TYPE0 \\# 0",
                                      "a ANY x",
                                      "a DS 1 2 3 xyz",
                                      "a SRV 1 2 70000 b",
                                      "a MX 10 b c"}) {
    Problems problems;
    Lines lines = parse("$TTL 60\nbefore A 1.1.1.1\n" + bad + "\nafter A 2.2.2.2\n", problems);
    INFO(bad);
    CHECK(problems.errors() >= 1);
    CHECK(lines.front() == "60 before IN A 1.1.1.1");
    CHECK(lines.back() == "60 after IN A 2.2.2.2");
  }
  Problems problems;
  Lines lines = parse("$TTL 60\n@ SOA a b ( 1 2 3\n 4 5\nafter A 2.2.2.2\n", problems);
  CHECK(problems.errors() == 1);
  CHECK(lines == Lines{"60 after IN A 2.2.2.2"});
}

TEST_CASE("zone text: CRLF and a byte order mark do no harm", "[named][zone]") {
  CHECK(parse("\xEF\xBB\xBF$TTL 60\r\na A 1.2.3.4\r\n") == Lines{"60 a IN A 1.2.3.4"});
}

TEST_CASE("zone text: without $TTL the SOA's minimum is used, with one warning", "[named][zone]") {
  Problems problems;
  Lines lines = parse("@ SOA a b 1 2 3 4 99\nx A 1.2.3.4\n", problems);
  CHECK(lines == Lines{"99 @ IN SOA a b 1 2 3 4 99", "99 x IN A 1.2.3.4"});
  REQUIRE(problems.all().size() == 1);
  CHECK(problems.all()[0].text() ==
        "z:1: warning: no TTL is set, so 99 seconds are used: put a $TTL line at the top of the file; write: $TTL 99");
}

TEST_CASE("zone text: D29 $INCLUDE stays beneath the directory and ends", "[named][zone]") {
  namespace fs = std::filesystem;
  std::string root = fs::temp_directory_path() / ("umaya_include_" + std::to_string(getpid()));
  fs::create_directories(root + "/zones/sub");
  std::ofstream(root + "/secret") << "s A 1.1.1.1\n";
  std::ofstream(root + "/zones/sub/part") << "p A 2.2.2.2\n$ORIGIN other\nq A 3.3.3.3\n";
  std::ofstream(root + "/zones/self") << "$INCLUDE self\n";
  mkfifo((root + "/zones/pipe").c_str(), 0600);
  fs::create_symlink(root + "/secret", root + "/zones/link");
  OpenFile open = open_beneath(root + "/zones");
  Problems fine;
  Lines lines = parse("$TTL 60\no A 1.1.1.1\n$INCLUDE sub/part here\n A 4.4.4.4\nr A 5.5.5.5\n", fine, open);
  CHECK_FALSE(fine.has_errors());
  CHECK(lines == Lines{"60 o IN A 1.1.1.1", "60 p.here IN A 2.2.2.2", "60 q.other.here IN A 3.3.3.3",
                       "60 o IN A 4.4.4.4", "60 r IN A 5.5.5.5"});
  Problems full;
  CHECK(parse("$TTL 60\n$INCLUDE " + root + "/zones/sub/part\n", full, open).size() == 2);
  for (const std::string& bad :
       Lines{"../secret", root + "/secret", std::string("/etc/passwd"), std::string("pipe"), std::string("link"),
             std::string("self"), std::string("sub"), std::string("missing")}) {
    Problems problems;
    CHECK(parse("$TTL 60\n$INCLUDE " + bad + "\n", problems, open).empty());
    INFO(bad);
    CHECK(problems.errors() == 1);
  }
  fs::remove_all(root);
}

TEST_CASE("zone text: D30 $GENERATE makes its lines and is bounded", "[named][zone]") {
  CHECK(parse("$TTL 60\n$GENERATE 1-3 $ CNAME $.0-127\n") ==
        Lines{"60 1 IN CNAME 1.0-127", "60 2 IN CNAME 2.0-127", "60 3 IN CNAME 3.0-127"});
  CHECK(parse("$TTL 60\n$GENERATE 2-6/2 h${10,4,d} A 10.0.0.$\n") ==
        Lines{"60 h0012 IN A 10.0.0.2", "60 h0014 IN A 10.0.0.4", "60 h0016 IN A 10.0.0.6"});
  CHECK(parse("$TTL 60\n$GENERATE 26-26 ${0,3,n} CNAME x\\$$\n") == Lines{"60 a.1 IN CNAME x\\$26"});
  for (std::string bad : {"0-2147483647 $ A 1.2.3.4", "1-2/0 $ A 1.2.3.4", "2-1 $ A 1.2.3.4", "x $ A 1.2.3.4",
                          "1-2 ${0,1000,d} A 1.2.3.4", "1-2 ${0,1,z} A 1.2.3.4", "1-2 ${ A 1.2.3.4", "1-2 $"}) {
    INFO(bad);
    CHECK(first_problem("$GENERATE " + bad).find("$GENERATE") != std::string::npos);
  }
}
