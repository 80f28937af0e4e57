#include "named-lite/update/apply_update.h"
#include "tests/named-lite/update_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const std::string kZone =
    "$TTL 60\n@ SOA ns1 root 7 2 3 4 5\n@ NS ns1\n@ NS ns2\n@ MX 10 mail\nns1 A 192.0.2.1\nns2 A 192.0.2.2\n"
    "mail A 192.0.2.3\nwww CNAME mail\ntext TXT \"a\"\ntext TXT \"b\"\ndeep.er A 192.0.2.4\n";
constexpr int64_t kNow = 1792000000;  // 2026-10-14

UpdateRules everybody() {
  UpdateRules rules;
  rules.access.allow_update = std::make_shared<const Acl>(acl_of_any());
  return rules;
}

struct Done {
  uint16_t rcode;
  std::string why;
  Lines removed, added;
};

/// What an UPDATE does to the zone, through its octets.
Done update(const std::vector<WireRecord>& prerequisites, const std::vector<WireRecord>& updates,
            const UpdateRules& rules = everybody(), const std::string& zone = kZone) {
  std::string packet = update_packet(prerequisites, updates);
  UpdateMessage message;
  uint16_t parsed = parse_update(packet, message);
  if (parsed != rcode::kNoError) return {parsed, "parsed", {}, {}};
  ImagePtr image = image_of(zone);
  ZoneEdit edit(*image);
  UpdateResult result =
      apply_update(edit, message, {{*net::IpAddress::parse("192.0.2.9"), nullptr}, false}, rules, kNow);
  Done done{result.rcode, result.why, {}, {}};
  if (result.change) {
    CHECK(result.change->from_serial == 7);
    CHECK(result.change->removed.front().type == type::kSoa);
    CHECK(result.change->added.front().type == type::kSoa);
    done.removed = lines_of(result.change->removed);
    done.added = lines_of(result.change->added);
  }
  return done;
}

const std::string kOldSoa = "@ 60 SOA ns1 root 7 2 3 4 5";
const std::string kNewSoa = "@ 60 SOA ns1 root 8 2 3 4 5";
constexpr uint16_t kAny = rr_class::kAny;
constexpr uint16_t kNone = rr_class::kNone;

}  // namespace

TEST_CASE("update: records are added and the serial goes up", "[named][update]") {
  Done done = update({}, {with_data("new 300 A 192.0.2.9"), with_data("text TXT \"b\"")});
  CHECK(done.rcode == rcode::kNoError);
  CHECK(done.removed == Lines{kOldSoa});
  CHECK(done.added == Lines{kNewSoa, "new 300 A 192.0.2.9"});
}

TEST_CASE("update: what changes nothing leaves the serial alone", "[named][update]") {
  Done done = update({}, {with_data("mail A 192.0.2.3"), without_data("none.ex.test.", type::kA, kAny),
                          with_data("text TXT \"c\"", kNone)});
  CHECK(done.rcode == rcode::kNoError);
  CHECK(done.added.empty());
  done = update({}, {with_data("new A 192.0.2.9"), without_data("new.ex.test.", type::kA, kAny)});
  CHECK(done.added.empty());
}

TEST_CASE("update: another TTL is given to the whole set", "[named][update]") {
  Done done = update({}, {with_data("text 900 TXT \"c\"")});
  CHECK(done.removed == Lines{kOldSoa, "text 60 TXT \"a\"", "text 60 TXT \"b\""});
  CHECK(done.added == Lines{kNewSoa, "text 900 TXT \"a\"", "text 900 TXT \"b\"", "text 900 TXT \"c\""});
}

TEST_CASE("update: records, sets and whole names are removed", "[named][update]") {
  CHECK(update({}, {with_data("text TXT \"b\"", kNone)}).removed == Lines{kOldSoa, "text 60 TXT \"b\""});
  CHECK(update({}, {without_data("text.ex.test.", type::kTxt, kAny)}).removed ==
        Lines{kOldSoa, "text 60 TXT \"a\"", "text 60 TXT \"b\""});
  CHECK(update({}, {without_data("MAIL.ex.test.", type::kAny, kAny)}).removed == Lines{kOldSoa, "mail 60 A 192.0.2.3"});
}

TEST_CASE("update: D23 the SOA and the last NS of the zone cannot be removed", "[named][update]") {
  for (const WireRecord& gone : {without_data("ex.test.", type::kSoa, kAny), without_data("ex.test.", type::kNs, kAny),
                                 with_data("@ SOA ns1 root 7 2 3 4 5", kNone)}) {
    Done done = update({}, {gone});
    CHECK(done.rcode == rcode::kNoError);
    CHECK(done.removed.empty());
  }
  CHECK(update({}, {with_data("@ NS ns1", kNone), with_data("@ NS ns2", kNone)}).removed ==
        Lines{"@ 60 NS ns1", kOldSoa});
  CHECK(update({}, {without_data("ex.test.", type::kAny, kAny)}).removed == Lines{"@ 60 MX 10 mail", kOldSoa});
}

TEST_CASE("update: a SOA is taken when its serial is newer", "[named][update]") {
  Done done = update({}, {with_data("@ 90 SOA other root 20 9 9 9 9")});
  CHECK(done.added == Lines{"@ 90 SOA other root 20 9 9 9 9"});
  CHECK(update({}, {with_data("@ SOA other root 7 9 9 9 9")}).added.empty());
  CHECK(update({}, {with_data("@ SOA other root 6 9 9 9 9")}).added.empty());
  CHECK(update({}, {with_data("text SOA other root 20 9 9 9 9")}).added.empty());
  done = update({}, {with_data("@ SOA ns1 root 20 2 3 4 5"), with_data("new A 192.0.2.9")});
  CHECK(done.added == Lines{"@ 60 SOA ns1 root 20 2 3 4 5", "new 60 A 192.0.2.9"});
}

TEST_CASE("update: a CNAME does not stand beside other data", "[named][update]") {
  CHECK(update({}, {with_data("mail CNAME www")}).added.empty());
  CHECK(update({}, {with_data("www A 192.0.2.9")}).added.empty());
  Done done = update({}, {with_data("www CNAME text")});
  CHECK(done.removed == Lines{kOldSoa, "www 60 CNAME mail"});
  CHECK(done.added == Lines{kNewSoa, "www 60 CNAME text"});
  done = update({}, {without_data("www.ex.test.", type::kCname, kAny), with_data("www A 192.0.2.9")});
  CHECK(done.added == Lines{kNewSoa, "www 60 A 192.0.2.9"});
}

TEST_CASE("update: prerequisites have each their code", "[named][update]") {
  const std::vector<WireRecord> add{with_data("new A 192.0.2.9")};
  struct Row {
    WireRecord prerequisite;
    uint16_t rcode;
  };
  for (const Row& row : std::vector<Row>{
           {without_data("mail.ex.test.", type::kAny, kAny), rcode::kNoError},
           {without_data("none.ex.test.", type::kAny, kAny), rcode::kNxDomain},
           {without_data("er.ex.test.", type::kAny, kAny), rcode::kNxDomain},  // an empty non-terminal is not in use
           {without_data("none.ex.test.", type::kAny, kNone), rcode::kNoError},
           {without_data("mail.ex.test.", type::kAny, kNone), rcode::kYxDomain},
           {without_data("mail.ex.test.", type::kA, kAny), rcode::kNoError},
           {without_data("mail.ex.test.", type::kMx, kAny), rcode::kNxRrset},
           {without_data("mail.ex.test.", type::kMx, kNone), rcode::kNoError},
           {without_data("mail.ex.test.", type::kA, kNone), rcode::kYxRrset},
       }) {
    Done done = update({row.prerequisite}, add);
    CHECK(done.rcode == row.rcode);
    CHECK(done.added.empty() == (row.rcode != rcode::kNoError));
  }
  auto exact = [&](const std::vector<std::string>& lines) {
    std::vector<WireRecord> prerequisites;
    for (const std::string& line : lines) prerequisites.push_back(with_data(line));
    for (WireRecord& each : prerequisites) each.ttl = 0;
    return update(prerequisites, add).rcode;
  };
  CHECK(exact({"text TXT \"b\"", "text TXT \"a\""}) == rcode::kNoError);
  CHECK(exact({"text TXT \"a\""}) == rcode::kNxRrset);
  CHECK(exact({"text TXT \"a\"", "text TXT \"b\"", "text TXT \"c\""}) == rcode::kNxRrset);
  CHECK(exact({"WWW CNAME Mail"}) == rcode::kNoError);
}

TEST_CASE("update: malformed sections are FORMERR, names outside NOTZONE", "[named][update]") {
  WireRecord add = with_data("new A 192.0.2.9");
  auto code = [](const WireRecord& prerequisite) { return update({prerequisite}, {}).rcode; };
  auto code_of_update = [](const WireRecord& record) { return update({}, {record}).rcode; };
  CHECK(code(with_data("new A 192.0.2.9")) == rcode::kFormErr);  // a TTL
  CHECK(code(without_data("new.ex.test.", type::kA, rr_class::kChaos)) == rcode::kFormErr);
  CHECK(code(with_data("new A 192.0.2.9", kNone)) == rcode::kFormErr);
  CHECK(code(without_data("other.test.", type::kA, kAny)) == rcode::kNotZone);
  CHECK(code(without_data("new.ex.test.", type::kA, rr_class::kIn)) == rcode::kFormErr);  // data are missing
  CHECK(code_of_update(without_data("new.ex.test.", type::kA, kNone)) == rcode::kFormErr);
  CHECK(code_of_update(without_data("new.ex.test.", type::kAny, kNone)) == rcode::kFormErr);
  CHECK(code_of_update(without_data("new.ex.test.", type::kAxfr, kAny)) == rcode::kFormErr);
  CHECK(code_of_update(without_data("new.ex.test.", type::kA, rr_class::kChaos)) == rcode::kFormErr);
  WireRecord wrong = add;
  wrong.type = type::kAny;
  CHECK(code_of_update(wrong) == rcode::kFormErr);
  wrong = add;
  wrong.rdata = "12345";
  CHECK(code_of_update(wrong) == rcode::kFormErr);
  wrong.owner = name("other.test.").wire();
  wrong.rdata = "1234";
  CHECK(code_of_update(wrong) == rcode::kNotZone);
  UpdateMessage message;
  std::string packet = update_packet({}, {add});
  for (size_t size = 0; size < packet.size(); ++size) {
    CHECK(parse_update(packet.substr(0, size), message) == rcode::kFormErr);
  }
}

TEST_CASE("update: D4 a pointer in data is a name written out, and octets where no name is known", "[named][update]") {
  const std::string pointer("\xC0\x0C", 2);  // the zone's name
  struct Case {
    uint16_t type;
    std::string before, behind, text;
  };
  const Case cases[] = {{type::kSrv, std::string("\0\1\0\2\0\3", 6), "", "new 60 SRV 1 2 3 @"},
                        {type::kMx, std::string("\0\1", 2), "", "new 60 MX 1 @"},
                        {36, std::string("\0\1", 2), "", "new 60 KX 1 @"},
                        {65280, "", "", "new 60 TYPE65280 \\# 2 C00C"}};
  for (const Case& each : cases) {
    INFO(each.text);
    WireRecord record{std::string(name("new.ex.test.").wire()), each.type, rr_class::kIn, 60,
                      each.before + pointer + each.behind,      true};
    CHECK(update({}, {record}).added == Lines{kNewSoa, each.text});
  }
  // A pointer to itself, ahead, into the header, or that is cut off.
  for (std::string_view bad : {std::string_view("\xC0\xFF", 2), std::string_view("\xC0\x40", 2),
                               std::string_view("\xC0\0", 2), std::string_view("\xC0", 1)}) {
    WireRecord record{std::string(name("new.ex.test.").wire()),          type::kSrv, rr_class::kIn, 60,
                      std::string("\0\1\0\2\0\3", 6) + std::string(bad), true};
    CHECK(update({}, {record}).rcode == rcode::kFormErr);
  }
}

TEST_CASE("update: all of a message happens or nothing", "[named][update]") {
  UpdateRules rules = everybody();
  rules.limits.records_per_type = 2;
  ImagePtr image = image_of(kZone);
  ZoneEdit edit(*image);
  UpdateMessage message;
  REQUIRE(parse_update(update_packet({}, {with_data("new A 192.0.2.9"), with_data("text TXT \"c\"")}), message) == 0);
  UpdateRequester client{{*net::IpAddress::parse("192.0.2.9"), nullptr}, false};
  UpdateResult refused = apply_update(edit, message, client, rules, kNow);
  CHECK(refused.rcode == rcode::kRefused);
  CHECK(edit.records(name("new.ex.test.").wire()).empty());
  CHECK(edit.serial() == 7);
  // The next one of the same batch sees the zone as it was.
  UpdateMessage second;
  REQUIRE(parse_update(update_packet({}, {with_data("new A 192.0.2.9")}), second) == 0);
  UpdateResult done = apply_update(edit, second, client, rules, kNow);
  REQUIRE(done.change);
  CHECK(lines_of(done.change->added) == Lines{kNewSoa, "new 60 A 192.0.2.9"});
  // And the third what the second did.
  UpdateMessage third;
  REQUIRE(parse_update(update_packet({without_data("new.ex.test.", type::kA, kAny)},
                                     {without_data("new.ex.test.", type::kA, kAny)}),
                       third) == 0);
  done = apply_update(edit, third, client, rules, kNow);
  REQUIRE(done.change);
  CHECK(done.change->from_serial == 8);
  CHECK(lines_of(done.change->removed) == Lines{kNewSoa, "new 60 A 192.0.2.9"});
}

TEST_CASE("update: D27 sets, names and zones grow to their limits only", "[named][update]") {
  UpdateRules rules = everybody();
  std::vector<WireRecord> many;
  for (int i = 0; i < 101; ++i) many.push_back(with_data("many A 10.0.0." + std::to_string(i)));
  CHECK(update({}, many, rules).rcode == rcode::kRefused);
  many.pop_back();
  CHECK(update({}, many, rules).added.size() == 101);
  std::vector<WireRecord> types;
  for (int i = 0; i < 101; ++i) types.push_back(with_data("many TYPE" + std::to_string(1000 + i) + " \\# 1 00"));
  CHECK(update({}, types, rules).why == "many.ex.test. TYPE1000: more than 100 types at a name");
  rules.limits.records = 12;
  CHECK(update({}, {with_data("a A 192.0.2.1")}, rules).rcode == rcode::kNoError);
  CHECK(update({}, {with_data("a A 192.0.2.1"), with_data("b A 192.0.2.1")}, rules).why ==
        "the zone would have more than 12 records");
}

TEST_CASE("update: the serial follows the method", "[named][update]") {
  CHECK(next_serial(7, SerialMethod::increment, kNow) == 8);
  CHECK(next_serial(UINT32_MAX, SerialMethod::increment, kNow) == 1);
  CHECK(next_serial(7, SerialMethod::unix_time, kNow) == kNow);
  CHECK(next_serial(kNow, SerialMethod::unix_time, kNow) == kNow + 1);
  CHECK(next_serial(7, SerialMethod::date, kNow) == 2026101400);
  CHECK(next_serial(2026101400, SerialMethod::date, kNow) == 2026101401);
  CHECK(next_serial(2026101500, SerialMethod::date, kNow) == 2026101501);
}

TEST_CASE("policy: rules grant and deny by key, name and type", "[named][update]") {
  Name alice = name("alice.ex.test."), host = name("host.ex.test.");
  auto rule = [](bool grant, const std::string& identity, RuleType type, const std::string& owner,
                 std::vector<UpdateRule::Limit> types = {}) {
    return UpdateRule{grant, name(identity), type, name(owner), std::move(types)};
  };
  auto asks = [](const Name* key) { return UpdateRequester{{*net::IpAddress::parse("192.0.2.9"), key}, true}; };
  UpdateAccess policy;
  policy.rules = {rule(false, "*.ex.test.", RuleType::name, "secret.ex.test.", {{type::kAny, 0}}),
                  rule(true, "alice.ex.test.", RuleType::subdomain, "sub.ex.test.", {{type::kAny, 0}}),
                  rule(true, "alice.ex.test.", RuleType::wildcard, "*.wild.ex.test."),
                  rule(true, "*.ex.test.", RuleType::self, ".", {{type::kA, 2}, {type::kAaaa, 0}})};
  auto granted = [&](const Name* key, const std::string& owner, uint16_t type) {
    return grants(policy, asks(key), name("ex.test.").wire(), name(owner).wire(), type).allowed;
  };
  CHECK(granted(&alice, "a.sub.ex.test.", type::kNs));
  CHECK_FALSE(granted(&host, "a.sub.ex.test.", type::kA));
  CHECK(granted(&alice, "a.wild.ex.test.", type::kTxt));
  CHECK_FALSE(granted(&alice, "a.wild.ex.test.", type::kNs));  // reserved unless named
  CHECK_FALSE(granted(&alice, "wild.ex.test.", type::kTxt));
  CHECK(granted(&host, "HOST.ex.test.", type::kAaaa));
  CHECK_FALSE(granted(&host, "host.ex.test.", type::kTxt));
  CHECK_FALSE(granted(&host, "other.ex.test.", type::kA));
  CHECK_FALSE(granted(&host, "secret.ex.test.", type::kA));
  CHECK_FALSE(granted(nullptr, "host.ex.test.", type::kA));
  CHECK(grants(policy, asks(&host), name("ex.test.").wire(), host.wire(), type::kA).most_records == 2);
  CHECK(may_update(policy, asks(&host)));
  CHECK_FALSE(may_update(policy, asks(nullptr)));
  policy.rules = {rule(true, "*.2.0.192.in-addr.arpa.", RuleType::tcp_self, ".", {{type::kPtr, 1}})};
  CHECK(granted(nullptr, "9.2.0.192.in-addr.arpa.", type::kPtr));
  CHECK_FALSE(granted(nullptr, "8.2.0.192.in-addr.arpa.", type::kPtr));
}

TEST_CASE("policy: an update that one record forbids does nothing", "[named][update]") {
  UpdateRules rules;
  Name key = name("k.");
  rules.access.rules = {{true, key, RuleType::zonesub, {}, {{type::kTxt, 3}}}};
  ImagePtr image = image_of(kZone);
  UpdateRequester client{{*net::IpAddress::parse("192.0.2.9"), &key}, false};
  auto run = [&](const std::vector<WireRecord>& updates) {
    ZoneEdit edit(*image);
    UpdateMessage message;
    REQUIRE(parse_update(update_packet({}, updates), message) == 0);
    return apply_update(edit, message, client, rules, kNow).rcode;
  };
  CHECK(run({with_data("text TXT \"c\"")}) == rcode::kNoError);
  CHECK(run({with_data("text TXT \"c\""), with_data("text TXT \"d\"")}) == rcode::kRefused);
  CHECK(run({with_data("text TXT \"c\""), with_data("a A 192.0.2.1")}) == rcode::kRefused);
  CHECK(run({without_data("text.ex.test.", type::kAny, kAny)}) == rcode::kNoError);
  CHECK(run({without_data("mail.ex.test.", type::kAny, kAny)}) == rcode::kRefused);
}
