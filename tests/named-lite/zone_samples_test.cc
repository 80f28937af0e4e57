// Zones as they were written for BIND 4 and 8, and every type that ldns knows.
#include "named-lite/zone/image_records.h"
#include "named-lite/zone/record_text.h"
#include "named-lite/zone/zone_text.h"
#include "tests/named-lite/zone_support.h"

// Last, since it makes a macro of false.
#include <ldns/ldns.h>

using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

Lines parse(const std::string& apex, const std::string& text, Problems& problems) {
  RecordList records = parse_zone_text(text, "z", {name(apex), {}}, problems);
  Lines lines;
  for (const Record& record : records.records()) {
    lines.push_back(std::to_string(record.ttl) + " " + record_text(records, record));
  }
  return lines;
}

/// The records of a zone that has no mistake at all.
Lines sound(const std::string& apex, const std::string& text) {
  Checked zone = check(apex, text);
  CHECK(zone.text() == "");
  Problems problems;
  return parse(apex, text, problems);
}

}  // namespace

TEST_CASE("zone samples: a forward zone of 1998 with two MX, glue and a zone below", "[named][zone]") {
  Lines lines = sound("example.co.jp",
                      "$TTL 86400\n"
                      "@\tIN\tSOA\tns.example.co.jp. postmaster.example.co.jp. (\n"
                      "\t\t\t1998071501\t; Serial\n"
                      "\t\t\t10800\t\t; Refresh 3 hours\n"
                      "\t\t\t3600\t\t; Retry   1 hour\n"
                      "\t\t\t604800\t\t; Expire  1 week\n"
                      "\t\t\t86400 )\t\t; Minimum 24 hours\n"
                      ";\n"
                      "\t\tIN\tNS\tns.example.co.jp.\n"
                      "\t\tIN\tNS\tns2.provider.ad.jp.\n"
                      "\t\tIN\tMX\t10 mail.example.co.jp.\n"
                      "\t\tIN\tMX\t20 mail2.provider.ad.jp.\n"
                      ";\n"
                      "localhost\tIN\tA\t127.0.0.1\n"
                      "ns\t\tIN\tA\t192.0.2.1\n"
                      "\t\tIN\tHINFO\t\"PC/AT\" \"BSD/OS 3.1\"\n"
                      "mail\t86400\tIN\tA\t192.0.2.2\n"
                      "\tIN 3600\tMX\t10 mail\n"
                      "www\t\tIN\tCNAME\tns\n"
                      "sales\t\tIN\tNS\tns.sales\n"
                      "ns.sales\tIN\tA\t192.0.2.129\n");
  CHECK(lines.size() == 13);
  CHECK(lines[0] == "86400 @ IN SOA ns postmaster 1998071501 10800 3600 604800 86400");
  CHECK(lines[7] == "86400 ns IN HINFO \"PC/AT\" \"BSD/OS 3.1\"");
  CHECK(lines[9] == "3600 mail IN MX 10 mail");
}

TEST_CASE("zone samples: localhost, 127, a reverse zone and a /25 by RFC 2317", "[named][zone]") {
  CHECK(
      sound("localhost", "$TTL 1d\n@ 1D IN SOA @ root ( 42 3H 15M 1W 1D )\n 1D IN NS @\n 1D IN A 127.0.0.1\n").size() ==
      3);
  CHECK(sound("0.0.127.in-addr.arpa",
              "$TTL 1d\n@ IN SOA localhost. root.localhost. ( 1997022700 28800 14400 3600000 86400 )\n\tIN NS "
              "localhost.\n1\tIN PTR localhost.\n")
            .back() == "86400 1 IN PTR localhost.");
  Lines provider = sound("2.0.192.in-addr.arpa",
                         "$TTL 1d\n@ SOA ns.provider.test. root.provider.test. 1 2 3 4 5\n@ NS ns.provider.test.\n"
                         "$ORIGIN 2.0.192.in-addr.arpa.\n0/25 NS ns.customer.test.\n"
                         "$GENERATE 1-126 $ CNAME $.0/25\n200 PTR host.provider.test.\n");
  CHECK(provider.size() == 130);
  CHECK(provider[3] == "86400 1 IN CNAME 1.0/25");
  CHECK(sound("0/25.2.0.192.in-addr.arpa",
              "$TTL 1d\n@ SOA ns.customer.test. root.customer.test. 1 2 3 4 5\n@ NS ns.customer.test.\n1 PTR "
              "www.customer.test.\n")
            .size() == 3);
}

TEST_CASE("zone samples: habits of BIND 4 and 8 are read", "[named][zone]") {
  Problems problems;
  // No $TTL, class before TTL, parentheses wherever they please, small letters, names with \@.
  Lines lines = parse("ex.test",
                      "ex.test. in soa ns.ex.test. root.ex.test. (\n7 1h 1800 (\n"
                      "300 5 )\n",
                      problems);
  CHECK(problems.has_errors());  // a parenthesis inside of a parenthesis is none of them
  Problems fine;
  lines = parse("ex.test",
                "ex.test. in soa ns.ex.test. first\\.last.ex.test.\t(7\n\t1h 30m\n\t1w\n\t1d)\n"
                "\tin\t600\tns\tns\n(\n ns ) a 192.0.2.1 ; odd, but one record\nx ( in\n a\n) 192.0.2.2\n"
                "info txt no quotes here\ny 1h30m in cname x\nz TXT \\@ \\\"\n",
                fine);
  CHECK(lines == Lines{"86400 @ IN SOA ns first\\.last 7 3600 1800 604800 86400", "600 @ IN NS ns",
                       "600 ns IN A 192.0.2.1", "600 x IN A 192.0.2.2", "600 info IN TXT \"no\" \"quotes\" \"here\"",
                       "5400 y IN CNAME x", "5400 z IN TXT \"@\" \"\\\"\""});
  CHECK_FALSE(fine.has_errors());
}

TEST_CASE("zone samples: D31 a mistake does not spoil the names behind it", "[named][zone]") {
  Problems problems;
  Lines lines =
      parse("ex.test",
            "$TTL 60\ngood A 1.1.1.1\nbad..name A 1.1.1.1\n A 2.2.2.2\nnext A 3.3.3.3\n TXT x\n$ORIGIN sub..\n"
            "after A 4.4.4.4\n",
            problems);
  // What hangs on the bad name is left out, not given to another.
  CHECK(lines ==
        Lines{"60 good IN A 1.1.1.1", "60 next IN A 3.3.3.3", "60 next IN TXT \"x\"", "60 after IN A 4.4.4.4"});
  CHECK(problems.errors() == 2);
}

TEST_CASE("zone samples: D31 long lines, long names and edge sizes", "[named][zone]") {
  Problems problems;
  std::string label(63, 'l');
  std::string longest = label + "." + label + "." + label + "." + std::string(53, 'm');  // 255 octets with ex.test
  std::string text = "$TTL 60\n" + longest + " A 1.1.1.1\nx NSEC3 1 0 10 - " + std::string(32, '0') + " A\n";
  text += "m" + longest + " A 1.1.1.1\n";
  text += "big TXT";
  for (int i = 0; i < 255; ++i) text += " \"" + std::string(255, 't') + "\"";
  text += "\nlong TXT " + std::string(size_t{8} << 20, 'x') + "\n";
  text += "apl APL 1:0.0.0.0/0 !2:2001:db8::/128\nloc LOC 90 0 0.000 S 180 0 0.000 W -100000.00m 0.00m 0.00m 0.00m\n";
  text += "hip HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p\n";
  text += "svc SVCB 1 . key65535=x mandatory=alpn alpn=h2,h3 port=65535\nend A 9.9.9.9\n";
  Lines lines = parse("ex.test", text, problems);
  CHECK(lines.front() == "60 " + longest + " IN A 1.1.1.1");
  CHECK(lines.back() == "60 end IN A 9.9.9.9");
  CHECK(problems.errors() == 2);  // the name of 256 octets, the text of 8 MiB
  parse("ex.test", "$TTL 60\n" + std::string(size_t{8} << 20, 'x') + " A 1.1.1.1\n", problems);
  for (const Problem& problem : problems.all()) CHECK(problem.text().size() < 2500);
}

TEST_CASE("zone samples: D30 $GENERATE inside of itself and at its limits", "[named][zone]") {
  Problems fine;
  CHECK(parse("ex.test", "$TTL 60\n$GENERATE 0-65535 h$ A 1.1.1.1\n", fine).size() == 65536);
  CHECK_FALSE(fine.has_errors());
  for (const char* bad : {"$GENERATE 0-65536 h$ A 1.1.1.1", "$GENERATE 1-2 ${${0}} A 1.1.1.1",
                          "$GENERATE 1-2 ${0,1000000000,d} A 1.1.1.1", "$GENERATE 1-2 $$GENERATE A",
                          "$GENERATE 0-18446744073709551615 $ A 1.1.1.1", "$GENERATE 1-2 ${-5} A 1.1.1.1"}) {
    INFO(bad);
    Problems problems;
    CHECK(parse("ex.test", std::string("$TTL 60\n") + bad + "\n", problems).empty());
    CHECK(problems.has_errors());
  }
}

TEST_CASE("zone samples: each type that ldns knows has its name here", "[named][zone]") {
  for (int number = 1; number < 65536; ++number) {
    const ldns_rr_descriptor* known = ldns_rr_descript(static_cast<uint16_t>(number));
    bool meta = (number >= 128 && number < 256) || number == type::kOpt;
    if (known == nullptr || known->_type != number || meta) continue;
    INFO(known->_name);
    CHECK(type_from_text(known->_name).value_or(0) == number);
    CHECK(type_text(static_cast<uint16_t>(number)) == known->_name);
  }
}

TEST_CASE("zone samples: what we read is what ldns reads", "[named][zone]") {
  for (std::string line : {"A 192.0.2.1",
                           "NS ns.x.",
                           "MD a.x.",
                           "MF a.x.",
                           "CNAME c.x.",
                           "SOA a.x. b.x. 1 2 3 4 5",
                           "MB a.x.",
                           "MG a.x.",
                           "MR a.x.",
                           "PTR p.x.",
                           "HINFO a b",
                           "MINFO a.x. b.x.",
                           "MX 10 m.x.",
                           "TXT a \"b c\"",
                           "RP a.x. b.x.",
                           "AFSDB 1 a.x.",
                           "X25 311061700956",
                           "ISDN 150862028003217 004",
                           "RT 10 a.x.",

                           "KEY 256 3 8 AQID",
                           "PX 10 a.x. b.x.",
                           "GPOS 1.0 2.0 3.0",
                           "AAAA 2001:db8::1",
                           "SRV 1 2 3 s.x.",
                           "NAPTR 1 2 s E2U r n.x.",
                           "KX 10 k.x.",
                           "DNAME d.x.",
                           "DS 1 8 2 aabbcc",
                           "SSHFP 1 1 aabb",
                           "DNSKEY 256 3 13 AAECAw==",
                           "DHCID AAECAw==",
                           "TLSA 3 1 1 aabb",
                           "SMIMEA 3 1 1 aabb",
                           "CDS 1 8 2 aabbcc",
                           "CDNSKEY 256 3 13 AAECAw==",
                           "OPENPGPKEY AAECAw==",
                           "TALINK a.x. b.x.",
                           "SPF \"v=spf1 -all\"",
                           "L32 10 10.1.2.0",
                           "LP 10 l.x.",
                           "URI 1 2 \"https://x/\"",
                           "CAA 0 issue \"ca.x\"",
                           "DLV 1 8 2 aabbcc",
                           "LOC 35 0 0 N 135 0 0 E 10m",
                           "APL 1:192.0.2.0/24",
                           "CERT 1 2 3 AAECAw==",
                           "NSEC3PARAM 1 0 5 aabb",
                           "EUI48 00-00-5e-00-53-2a",
                           "EUI64 00-00-5e-ef-10-00-00-2a",
                           "NID 10 0014:4fff:ff20:ee64",
                           "L64 10 2001:0db8:1140:1000",
                           "NSEC n.x. A MX",
                           "CSYNC 66 3 A NS",
                           "HTTPS 1 . alpn=h2"}) {
    INFO(line);
    Problems problems;
    RecordList ours = parse_zone_text("$TTL 60\n@ " + line + "\n", "z", {name("x."), {}}, problems);
    REQUIRE(ours.records().size() == 1);
    ldns_rr* record = nullptr;
    REQUIRE(ldns_rr_new_frm_str(&record, ("x. 60 IN " + line).c_str(), 60, nullptr, nullptr) == LDNS_STATUS_OK);
    uint8_t* wire = nullptr;
    size_t size = 0;
    REQUIRE(ldns_rr2wire(&wire, record, LDNS_SECTION_ANSWER, &size) == LDNS_STATUS_OK);
    constexpr size_t kHead = 3 + 2 + 2 + 4 + 2;
    CHECK(same_rdata(ours.records()[0].type, ours.rdata(ours.records()[0]),
                     std::string_view(reinterpret_cast<const char*>(wire) + kHead, size - kHead)));
    free(wire);
    ldns_rr_free(record);
  }
}
