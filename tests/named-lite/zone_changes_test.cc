#include "named-lite/zone/change_image.h"
#include "named-lite/zone/image_differences.h"
#include "named-lite/zone/merge_changes.h"
#include "tests/named-lite/update_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const std::string kZone =
    "$TTL 60\n@ SOA ns1 root 7 2 3 4 5\n@ NS ns1\n@ MX 10 mail.deep.in\nns1 A 192.0.2.1\n"
    "mail.deep.in AAAA 2001:db8::1\nwww CNAME mail.deep.in\n*.w MX 5 x.w\n_s._tcp SRV 0 1 143 mail.deep.in\nd DNAME t\n"
    "t 300 TXT \"one\" \"two\"\nu TYPE65280 \\# 2 0102\n";

/// From serial 7 to 8 with these lines.
ZoneChange change(const Lines& removed, const Lines& added) {
  ZoneChange out{7, 8, {record("@ SOA ns1 root 7 2 3 4 5")}, {record("@ SOA ns1 root 8 2 3 4 5")}};
  for (const std::string& line : removed) out.removed.push_back(record(line));
  for (const std::string& line : added) out.added.push_back(record(line));
  return out;
}

std::string error_of(const ZoneChange& wrong) {
  auto after = apply_change(image_of(kZone), wrong);
  return after ? "applied" : after.error().what;
}

}  // namespace

TEST_CASE("image records: a zone comes out of its image as it went in", "[named][zone]") {
  CHECK(lines_of(*image_of(kZone)) == Lines{"*.w 60 MX 5 x.w", "@ 60 MX 10 mail.deep.in", "@ 60 NS ns1",
                                            "@ 60 SOA ns1 root 7 2 3 4 5", "_s._tcp 60 SRV 0 1 143 mail.deep.in",
                                            "d 60 DNAME t", "mail.deep.in 60 AAAA 2001:db8::1", "ns1 60 A 192.0.2.1",
                                            "t 300 TXT \"one\" \"two\"", "u 60 TYPE65280 \\# 2 0102",
                                            "www 60 CNAME mail.deep.in"});
  CHECK(records_of(*image_of(kZone)).records()[0].type == type::kSoa);
}

TEST_CASE("zone changes: the new image is what compiling the new zone would give", "[named][zone]") {
  auto after = apply_change(image_of(kZone), change({"www CNAME mail.deep.in", "ns1 A 192.0.2.1"},
                                                    {"ns1 A 192.0.2.7", "new.name 30 A 192.0.2.8", "www A 192.0.2.9"}));
  REQUIRE(after);
  CHECK((*after)->header().serial == 8);
  CHECK(lines_of(**after) == Lines{"*.w 60 MX 5 x.w", "@ 60 MX 10 mail.deep.in", "@ 60 NS ns1",
                                   "@ 60 SOA ns1 root 8 2 3 4 5", "_s._tcp 60 SRV 0 1 143 mail.deep.in", "d 60 DNAME t",
                                   "mail.deep.in 60 AAAA 2001:db8::1", "new.name 30 A 192.0.2.8", "ns1 60 A 192.0.2.7",
                                   "t 300 TXT \"one\" \"two\"", "u 60 TYPE65280 \\# 2 0102", "www 60 A 192.0.2.9"});
  Checked again = check("ex.test.", kZone);
  CHECK(find_node(**after, name("name.ex.test.").wire()) != nullptr);  // an empty non-terminal
}

TEST_CASE("zone changes: D22 a change that does not fit leaves everything as it was", "[named][zone]") {
  CHECK(error_of(change({"www CNAME other"}, {})) == "www.ex.test. CNAME is to be removed, and is not there");
  CHECK(error_of(change({"none A 192.0.2.1"}, {})) == "none.ex.test. A is to be removed, and is not there");
  CHECK(error_of(change({}, {"ns1 A 192.0.2.1"})) == "ns1.ex.test. A is to be added, and is there already");
  ZoneChange wrong = change({}, {});
  wrong.from_serial = 6;
  CHECK(error_of(wrong) == "the change begins at serial 6, the zone has 7");
  wrong = change({}, {});
  wrong.added.clear();
  CHECK(error_of(wrong) == "the change does not put one SOA in the place of another");
  wrong = change({}, {});
  wrong.removed.clear();
  CHECK(error_of(wrong) == "the change does not put one SOA in the place of another");
  wrong = change({}, {});
  wrong.to_serial = 9;
  CHECK(error_of(wrong) == "the change's serial is not that of its SOA");
  wrong = change({}, {});
  wrong.added.push_back({std::string(name("other.").wire()), type::kA, 60, "1234"});
  CHECK(error_of(wrong) == "other. A is outside of the zone");
}

TEST_CASE("zone changes: letters of names in another case are the same record", "[named][zone]") {
  CHECK(error_of(change({"WWW CNAME Mail.Deep.IN"}, {})) == "applied");
  CHECK(error_of(change({}, {"*.W MX 5 X.w"})) == "*.W.ex.test. MX is to be added, and is there already");
}

TEST_CASE("changes: merged steps lead to where the steps lead", "[named][zone]") {
  ZoneChange first = change({"www CNAME mail.deep.in"}, {"a A 192.0.2.1", "b A 192.0.2.2"});
  ZoneChange second{8, 9, {record("@ SOA ns1 root 8 2 3 4 5")}, {record("@ SOA ns1 root 9 2 3 4 5")}};
  second.removed.push_back(record("a A 192.0.2.1"));
  second.removed.push_back(record("b A 192.0.2.2"));
  second.added.push_back(record("www CNAME mail.deep.in"));
  second.added.push_back(record("b 300 A 192.0.2.2"));
  ZoneChange merged = merge_changes(std::vector<ZoneChange>{first, second});
  CHECK(merged.from_serial == 7);
  CHECK(merged.to_serial == 9);
  CHECK(lines_of(merged.removed) == Lines{"@ 60 SOA ns1 root 7 2 3 4 5"});
  CHECK(lines_of(merged.added) == Lines{"@ 60 SOA ns1 root 9 2 3 4 5", "b 300 A 192.0.2.2"});
  auto step = apply_change(image_of(kZone), first);
  REQUIRE(step);
  step = apply_change(*step, second);
  REQUIRE(step);
  auto whole = apply_change(image_of(kZone), merged);
  REQUIRE(whole);
  CHECK(lines_of(**whole) == lines_of(**step));
}

TEST_CASE("differences: what leads from one image to the other, and back", "[named][zone]") {
  auto before = image_of(kZone);
  auto after =
      image_of("$TTL 60\n@ SOA ns1 root 8 2 3 4 5\n@ NS ns1\nns1 300 A 192.0.2.1\nwww A 192.0.2.4\nx.y.z TXT \"t\"\n");
  ZoneChange there = image_differences(*before, *after);
  CHECK(there.removed.front().type == type::kSoa);
  CHECK(there.added.front().type == type::kSoa);
  CHECK(lines_of(there.added) ==
        Lines{"@ 60 SOA ns1 root 8 2 3 4 5", "ns1 300 A 192.0.2.1", "www 60 A 192.0.2.4", "x.y.z 60 TXT \"t\""});
  auto applied = apply_change(before, there);
  REQUIRE(applied);
  CHECK(lines_of(**applied) == lines_of(*after));
  auto back = apply_change(*applied, image_differences(**applied, *before));
  REQUIRE(back);
  CHECK(lines_of(**back) == lines_of(*before));
  CHECK(image_differences(*before, *before).added.empty());
}
