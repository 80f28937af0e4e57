// What stands beside an answer, and in what order.
#include "named-lite/answer/answer.h"
#include "named-lite/answer/writer.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

Zones zones() {
  Zones result;
  result.add("ex.test", R"($TTL 300
@ SOA ns1 root 7 3600 900 604800 120
@ NS ns1
@ NS ns.other.test.
@ MX 10 mail
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
mail A 192.0.2.3
www CNAME mail
five A 192.0.2.11
five A 192.0.2.12
five A 192.0.2.13
five A 192.0.2.14
five A 192.0.2.15
mx MX 1 a.wild
mx MX 2 mail
mx MX 3 ns1
*.wild A 192.0.2.20
svc SVCB 1 mail
svc HTTPS 1 .
afs AFSDB 1 mail
)");
  return result;
}

/// One line of rrset-order.
std::vector<OrderRule> order(RrsetOrder order, uint16_t type = 0, const std::string& below = {}) {
  OrderRule rule;
  rule.order = order;
  rule.type = type;
  rule.wildcard = !below.empty();
  if (rule.wildcard) rule.name = name(below);
  return {rule};
}

size_t count_names(std::string_view layout) {
  return static_cast<size_t>(std::count_if(layout.begin(), layout.end(), [](char c) { return c == 'n' || c == 'N'; }));
}

/// The names in the data of the record at this offset.
std::vector<std::string> names_in(std::string_view answer, size_t at, std::string_view layout) {
  std::vector<std::string> names;
  size_t end = at + Writer::record_size(answer, at);
  at += 12;
  for (char kind : layout) {
    if (kind == 'n' || kind == 'N') names.push_back(expand(answer, at).lower().text());
    if (kind == 'b') at += 1;
    if (kind == 'w') at += 2;
    if (kind == 'd' || kind == 't' || kind == '4') at += 4;
    if (kind == 's') at += 1 + static_cast<unsigned char>(answer[at]);
  }
  CHECK(at == end);
  return names;
}

Answer ask_recursively(Zones& z, const std::string& owner, uint16_t type) {
  return decode(z.raw(question(owner, type, 0x0100)));
}

}  // namespace

TEST_CASE("answer: minimal-responses no adds name servers and their addresses", "[named][answer]") {
  Zones z = zones();
  z.settings.minimal = MinimalResponses::no;
  Answer answer = z.ask("mail.ex.test", type::kA);
  CHECK(answer.sections[1] == Lines{"ex.test. NS ns1.ex.test.", "ex.test. NS ns.other.test."});
  CHECK(answer.sections[2] == Lines{"ns1.ex.test. A 192.0.2.1", "ns1.ex.test. AAAA"});
  // An address that is the answer is not repeated; name servers that are the answer neither.
  CHECK(z.ask("ns1.ex.test", type::kA).sections[2] == Lines{"ns1.ex.test. AAAA"});
  CHECK(z.ask("ex.test", type::kNs).sections[1].empty());
  CHECK(z.ask("www.ex.test", type::kA).sections[1].size() == 2);
  CHECK(z.ask("nope.ex.test", type::kA).sections[1] == Lines{"ex.test. SOA"});
}

TEST_CASE("answer: minimal-responses as BIND knows it", "[named][answer]") {
  Zones z = zones();
  z.settings.minimal = MinimalResponses::yes;
  CHECK(z.ask("ex.test", type::kMx).sections[1].empty());
  CHECK(z.ask("ex.test", type::kMx).sections[2].empty());
  z.settings.minimal = MinimalResponses::no_auth;
  CHECK(z.ask("ex.test", type::kMx).sections[1].empty());
  CHECK(z.ask("ex.test", type::kMx).sections[2] == Lines{"mail.ex.test. A 192.0.2.3"});
  z.settings.minimal = MinimalResponses::no_auth_recursive;
  CHECK(z.ask("ex.test", type::kMx).sections[1].size() == 2);
  CHECK(ask_recursively(z, "ex.test", type::kMx).sections[1].empty());
  CHECK(ask_recursively(z, "ex.test", type::kMx).sections[2].size() == 1);
}

TEST_CASE("answer: the root tells who primes where its servers are, however minimal", "[named][answer]") {
  Zones z;
  z.add(".", "$TTL 1\n@ SOA a.x b.x 1 2 3 4 5\n@ NS a.x\na.x A 192.0.2.1\n");
  z.settings.minimal = MinimalResponses::yes;
  CHECK(z.ask(".", type::kNs).sections[2] == Lines{"a.x. A 192.0.2.1"});
}

TEST_CASE("answer: name servers below a cut are told with their glue, other hosts are not", "[named][answer]") {
  Zones z;
  z.add(".",
        "$TTL 1\n@ SOA ns.lab.test. b.x 1 2 3 4 5\n@ NS ns.lab.test.\nlab.test. NS ns.lab.test.\n"
        "ns.lab.test. A 192.0.2.1\nmx.test. MX 1 ns.lab.test.\n");
  CHECK(z.ask(".", type::kNs).sections[2] == Lines{"ns.lab.test. A 192.0.2.1"});
  z.settings.minimal = MinimalResponses::no_auth;
  CHECK(z.ask("mx.test", type::kMx).sections[2].empty());
}

TEST_CASE("answer: what is beside an answer never makes it truncate (RFC 2181 9)", "[named][answer]") {
  Zones z;
  std::string text = "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ MX 1 m\nm A 192.0.2.1\n";
  for (int i = 0; i < 20; ++i) {
    text += "@ NS n" + std::to_string(i) + std::string(40, 'x') + "\n";
    text += "n" + std::to_string(i) + std::string(40, 'x') + " A 192.0.2.7\n";
  }
  z.add("ex.test", text);
  z.settings.minimal = MinimalResponses::no;
  Answer answer = z.ask("m.ex.test", type::kA);
  CHECK_FALSE(answer.truncated);
  CHECK(answer.sections[0].size() == 1);
  CHECK(answer.sections[1].empty());  // a set is whole or not there
}

TEST_CASE("answer: addresses come with every type that names a host, wildcards included", "[named][answer]") {
  Zones z = zones();
  CHECK(z.ask("mx.ex.test", type::kMx).sections[2] == Lines{"a.wild.ex.test. A 192.0.2.20", "mail.ex.test. A 192.0.2.3",
                                                            "ns1.ex.test. A 192.0.2.1", "ns1.ex.test. AAAA"});
  CHECK(z.ask("afs.ex.test", 18).sections[2] == Lines{"mail.ex.test. A 192.0.2.3"});
  CHECK(z.ask("svc.ex.test", 64).sections[2] == Lines{"mail.ex.test. A 192.0.2.3"});
}

TEST_CASE("answer: names in the data are right whoever asks, for every type that has them", "[named][answer]") {
  for (uint16_t type = 1; type < 300; ++type) {
    std::string_view layout = type_layout(type);
    if (layout.find_first_of("nN") == layout.npos) continue;
    std::string data;
    for (char kind : layout) {
      if (kind == 'n' || kind == 'N') data += "h.sub ";
      if (kind == 'b' || kind == 'w' || kind == 'd' || kind == 't') data += "7 ";
      if (kind == 's') data += "\"s\" ";
      if (kind == '4') data += "192.0.2.1 ";
    }
    if (type == type::kSoa || type == type::kCname || type == type::kNs || type == type::kDname) continue;
    std::string text = "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS n.x.\nq.sub " + type_text(type) + " " + data + "\n*.w " +
                       type_text(type) + " " + data + "\nc CNAME q.sub\n";
    Zones z;
    z.add("ex.test", text);
    // Written out by the question that it was compiled for, moved to another owner, and behind an alias.
    std::string direct = z.raw(question("q.sub.ex.test", type));
    std::string made = z.raw(question("a.b.c.w.ex.test", type));
    std::string behind = z.raw(question("c.ex.test", type));
    for (std::string_view answer : {direct, made, behind}) {
      INFO(type_text(type) << " " << data);
      size_t at = 12 + Name::from_wire(answer.substr(12, answer.find('\0', 12) - 11)).size() + 4;
      Answer decoded = decode(answer);
      CHECK(decoded.rcode == rcode::kNoError);
      REQUIRE_FALSE(decoded.sections[0].empty());
      while (decoded.sections[0].size() > 1) {  // over the alias
        at += Writer::record_size(answer, at);
        decoded.sections[0].pop_back();
      }
      CHECK(names_in(answer, at, layout) == std::vector<std::string>(count_names(layout), "h.sub.ex.test."));
    }
  }
}

TEST_CASE("answer: D4 only the types of RFC 1035 have pointers in their data (RFC 3597 4)", "[named][answer]") {
  const std::string head = "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS n.x.\n";
  size_t seen = 0;
  for (uint16_t type = 17; type < 300; ++type) {
    std::string_view layout = type_layout(type);
    if (layout.find_first_of("nN") == layout.npos || type == type::kDname) continue;
    std::string data;
    for (char kind : layout) {
      if (kind == 'n' || kind == 'N') data += "q.sub ";
      if (kind == 'b' || kind == 'w' || kind == 'd' || kind == 't') data += "7 ";
      if (kind == 's') data += "\"s\" ";
      if (kind == '4') data += "192.0.2.1 ";
    }
    Problems problems;
    RecordList list =
        parse_zone_text("q.sub 1 " + type_text(type) + " " + data + "\n", "r", {name("ex.test."), {}}, problems);
    if (list.records().size() != 1) continue;  // more stands in it than this
    std::string_view rdata = list.rdata(list.records()[0]);
    Zones z;
    z.add("ex.test", head + "q.sub " + type_text(type) + " " + data + "\n*.w " + type_text(type) + " " + data + "\n");
    for (const char* owner : {"q.sub.ex.test", "made.w.ex.test"}) {
      INFO(type_text(type) << " " << data);
      CHECK(z.raw(question(owner, type)).find(rdata) != std::string::npos);
    }
    ++seen;
  }
  CHECK(seen >= 8);
}

TEST_CASE("answer: rrset-order turns whole sets", "[named][answer]") {
  Zones z = zones();
  auto first = [&] { return z.ask("five.ex.test", type::kA).sections[0]; };
  z.settings.rrset_order = order(RrsetOrder::cyclic);
  Lines all = first();
  for (uint32_t turn = 0; turn < 12; ++turn) {
    z.turn = turn;
    Lines turned = first();
    CHECK(turned.size() == 5);
    CHECK(turned[0] == all[turn % 5]);
    std::rotate(turned.begin(), turned.end() - turn % 5, turned.end());
    CHECK(turned == all);
  }
  z.turn = 3;
  for (RrsetOrder kept : {RrsetOrder::fixed, RrsetOrder::none}) {
    z.settings.rrset_order = order(kept);
    CHECK(first() == all);
  }
  z.settings.rrset_order = order(RrsetOrder::cyclic, type::kMx);
  CHECK(first() == all);
  z.settings.rrset_order = order(RrsetOrder::cyclic, type::kA, "ex.test");
  CHECK(first()[0] == all[3]);
  z.settings.rrset_order = order(RrsetOrder::cyclic, 0, "other.test");
  CHECK(first() == all);
}

TEST_CASE("answer: without rrset-order each record comes first equally often", "[named][answer]") {
  Zones z = zones();
  std::map<std::string, int> count;
  for (z.turn = 0; z.turn < 5000; ++z.turn) ++count[z.ask("five.ex.test", type::kA).sections[0][0]];
  CHECK(count.size() == 5);
  for (const auto& [line, times] : count) {
    INFO(line);
    CHECK(times > 900);
    CHECK(times < 1100);
  }
}

TEST_CASE("answer: addresses belong to their names however a set is turned", "[named][answer]") {
  Zones z = zones();
  z.settings.rrset_order = order(RrsetOrder::cyclic);
  for (z.turn = 0; z.turn < 6; ++z.turn) {
    Lines lines = z.ask("mx.ex.test", type::kMx).sections[2];
    std::sort(lines.begin(), lines.end());
    CHECK(lines == Lines{"a.wild.ex.test. A 192.0.2.20", "mail.ex.test. A 192.0.2.3", "ns1.ex.test. A 192.0.2.1",
                         "ns1.ex.test. AAAA"});
  }
}

TEST_CASE("answer: minimal-any no gives all sets over UDP too", "[named][answer]") {
  Zones z = zones();
  z.settings.minimal_any = false;
  CHECK(z.ask("ex.test", type::kAny).sections[0].size() == 4);
  z.settings.minimal_any = true;
  CHECK(z.ask("ex.test", type::kAny).sections[0].size() < 4);
}

TEST_CASE("answer: D27 a set of ten thousand records comes whole over TCP and cut over UDP", "[named][answer]") {
  std::string text = "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS n.x.\n";
  for (int i = 0; i < 4000; ++i) text += "h A 10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\n";
  Zones z;
  z.add("ex.test", text);
  CHECK(z.ask("h.ex.test", type::kA, Transport::tcp).sections[0].size() == 4000);
  CHECK(z.ask("h.ex.test", type::kA).truncated);
}

TEST_CASE("answer: D27 no more than 13 names in the additional section (CVE-2024-11187)", "[named][answer]") {
  std::string text = "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS n.x.\n";
  for (int i = 0; i < 100; ++i) {
    text += "m MX 1 h" + std::to_string(i) + "\nh" + std::to_string(i) + " A 192.0.2.1\n";
  }
  Zones z;
  z.add("ex.test", text);
  CHECK(z.ask("m.ex.test", type::kMx, Transport::tcp).sections[2].size() == 13);
}
