#include "named-lite/answer/answer.h"

#include <chrono>

#include "tests/named-lite/zone_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const char* const kZone = R"($TTL 300
@ SOA ns1 root 7 3600 900 604800 120
@ NS ns1
@ NS ns2
@ MX 10 mail
@ MX 20 mail2
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
ns2 A 192.0.2.2
mail A 192.0.2.3
mail2 A 192.0.2.4
www CNAME web
web A 192.0.2.5
alias CNAME mxhost
mxhost MX 5 mail.deep
mail.deep A 192.0.2.6
a CNAME b
b CNAME a
self CNAME self
out CNAME www.other.test.
gone CNAME nowhere
*.wild TXT "w"
*.wild MX 10 mail
*.wild MX 20 x.wild
exact.wild A 192.0.2.7
one.two.ent A 192.0.2.8
sub NS ns.sub
sub NS ns1
ns.sub A 192.0.2.9
dn DNAME target
h.target A 192.0.2.10
far DNAME a.very.long.name.that.goes.on.elsewhere.test.
srv SRV 1 2 25 mail
any A 192.0.2.11
any TXT "t"
)";

Zones zones() {
  Zones result;
  result.add("ex.test", std::string(kZone) + "big TXT \"" + std::string(200, 'x') + "\"\nbig TXT \"" +
                            std::string(200, 'y') + "\"\nbig TXT \"" + std::string(200, 'z') + "\"\n");
  return result;
}

}  // namespace

TEST_CASE("answer: positive answers are whole, with addresses of their targets", "[named][answer]") {
  Zones z = zones();
  Answer mx = z.ask("ex.test", type::kMx);
  CHECK(mx.authoritative);
  CHECK(mx.sections[0] == Lines{"ex.test. MX 10 mail.ex.test.", "ex.test. MX 20 mail2.ex.test."});
  CHECK(mx.sections[1].empty());
  CHECK(mx.sections[2] == Lines{"mail.ex.test. A 192.0.2.3", "mail2.ex.test. A 192.0.2.4"});
  Answer ns = z.ask("ex.test", type::kNs);
  CHECK(ns.sections[2] == Lines{"ns1.ex.test. A 192.0.2.1", "ns1.ex.test. AAAA", "ns2.ex.test. A 192.0.2.2"});
  Answer srv = z.ask("srv.ex.test", type::kSrv);
  CHECK(srv.sections[0] == Lines{"srv.ex.test. SRV mail.ex.test."});
  CHECK(srv.sections[2] == Lines{"mail.ex.test. A 192.0.2.3"});
}

TEST_CASE("answer: names are compressed against the question", "[named][answer]") {
  // Header 12, question 13, and per MX record 12 + 2 + label + pointer.
  Answer mx = zones().ask("ex.test", type::kMx);
  CHECK(mx.size == 12 + 13 + (12 + 2 + 5 + 2) + (12 + 2 + 6 + 2) + 2 * 16);
}

TEST_CASE("answer: aliases are followed inside the zone and loops end", "[named][answer]") {
  Zones z = zones();
  CHECK(z.ask("www.ex.test", type::kA).sections[0] ==
        Lines{"www.ex.test. CNAME web.ex.test.", "web.ex.test. A 192.0.2.5"});
  CHECK(z.ask("www.ex.test", type::kCname).sections[0].size() == 1);
  Answer mx = z.ask("alias.ex.test", type::kMx);
  CHECK(mx.sections[0] == Lines{"alias.ex.test. CNAME mxhost.ex.test.", "mxhost.ex.test. MX 5 mail.deep.ex.test."});
  CHECK(mx.sections[2] == Lines{"mail.deep.ex.test. A 192.0.2.6"});
  CHECK(z.ask("a.ex.test", type::kA).sections[0].size() == 2);
  CHECK(z.ask("self.ex.test", type::kA).sections[0].size() == 1);
  Answer out = z.ask("out.ex.test", type::kA);
  CHECK(out.rcode == rcode::kNoError);
  CHECK(out.sections[0] == Lines{"out.ex.test. CNAME www.other.test."});
  Answer gone = z.ask("gone.ex.test", type::kA);
  CHECK(gone.rcode == rcode::kNxDomain);
  CHECK(gone.sections[0].size() == 1);
  CHECK(gone.sections[1] == Lines{"ex.test. SOA"});
}

TEST_CASE("answer: D26 the chain of aliases is cut at 12 records", "[named][answer]") {
  std::string text = "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS n.x.\n";
  for (int i = 0; i < 40; ++i) text += "c" + std::to_string(i) + " CNAME c" + std::to_string(i + 1) + "\n";
  Zones z;
  z.add("ex.test", text + "c40 A 1.2.3.4\n");
  CHECK(z.ask("c0.ex.test", type::kA).sections[0].size() == 12);
  CHECK(z.ask("c35.ex.test", type::kA).sections[0].back() == "c40.ex.test. A 1.2.3.4");
}

TEST_CASE("answer: negative answers carry the SOA", "[named][answer]") {
  Zones z = zones();
  Answer no_name = z.ask("nope.ex.test", type::kA);
  CHECK(no_name.rcode == rcode::kNxDomain);
  CHECK(no_name.authoritative);
  CHECK(no_name.sections[1] == Lines{"ex.test. SOA"});
  std::string raw = z.raw(question("nope.ex.test", type::kA));
  size_t ttl = 12 + 14 + 4 + 6;  // behind header, question and the SOA's owner, type and class
  CHECK(raw.substr(ttl, 4) == std::string_view("\0\0\0\x78", 4));
  Answer no_data = z.ask("web.ex.test", type::kMx);
  CHECK(no_data.rcode == rcode::kNoError);
  CHECK(no_data.sections[1] == Lines{"ex.test. SOA"});
  CHECK(z.ask("two.ent.ex.test", type::kA).rcode == rcode::kNoError);
  CHECK(z.ask("ent.ex.test", type::kA).rcode == rcode::kNoError);
  CHECK(z.ask("x.ent.ex.test", type::kA).rcode == rcode::kNxDomain);
}

TEST_CASE("answer: D26 wildcards synthesize, and are hidden by names and empty non-terminals", "[named][answer]") {
  Zones z = zones();
  CHECK(z.ask("a.b.wild.ex.test", type::kTxt).sections[0] == Lines{"a.b.wild.ex.test. TXT"});
  CHECK(z.ask("foo.wild.ex.test", type::kMx).sections[0] ==
        Lines{"foo.wild.ex.test. MX 10 mail.ex.test.", "foo.wild.ex.test. MX 20 x.wild.ex.test."});
  CHECK(z.ask("*.wild.ex.test", type::kMx).sections[0] ==
        Lines{"*.wild.ex.test. MX 10 mail.ex.test.", "*.wild.ex.test. MX 20 x.wild.ex.test."});
  CHECK(z.ask("foo.wild.ex.test", type::kA).rcode == rcode::kNoError);
  CHECK(z.ask("exact.wild.ex.test", type::kTxt).sections[0].empty());
  CHECK(z.ask("x.exact.wild.ex.test", type::kTxt).rcode == rcode::kNxDomain);
  CHECK(z.ask("wild.ex.test", type::kTxt).rcode == rcode::kNoError);
}

TEST_CASE("answer: referrals are without authority and bring their glue", "[named][answer]") {
  Zones z = zones();
  for (std::string below : {"sub.ex.test", "a.b.sub.ex.test", "ns.sub.ex.test"}) {
    Answer answer = z.ask(below, type::kA);
    CHECK_FALSE(answer.authoritative);
    CHECK(answer.sections[0].empty());
    CHECK(answer.sections[1] == Lines{"sub.ex.test. NS ns.sub.ex.test.", "sub.ex.test. NS ns1.ex.test."});
    CHECK(answer.sections[2] == Lines{"ns.sub.ex.test. A 192.0.2.9", "ns1.ex.test. A 192.0.2.1", "ns1.ex.test. AAAA"});
  }
  Answer ds = z.ask("sub.ex.test", type::kDs);
  CHECK(ds.authoritative);
  CHECK(ds.sections[1] == Lines{"ex.test. SOA"});
}

TEST_CASE("answer: D26 DNAME redirects what is below it", "[named][answer]") {
  Zones z = zones();
  Answer answer = z.ask("h.dn.ex.test", type::kA);
  CHECK(answer.sections[0] ==
        Lines{"dn.ex.test. DNAME", "h.dn.ex.test. CNAME h.target.ex.test.", "h.target.ex.test. A 192.0.2.10"});
  CHECK(z.ask("dn.ex.test", type::kA).sections[0].empty());
  std::string label(60, 'l');
  CHECK(z.ask(label + "." + label + "." + label + "." + std::string(40, 'm') + ".far.ex.test", type::kA).rcode ==
        rcode::kYxDomain);
}

TEST_CASE("answer: a child zone on the same server answers below the cut, its parent answers DS", "[named][answer]") {
  Zones z = zones();
  z.add("sub.ex.test", "$TTL 9\n@ SOA a b 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\nw A 192.0.2.99\n");
  CHECK(z.ask("w.sub.ex.test", type::kA).sections[0] == Lines{"w.sub.ex.test. A 192.0.2.99"});
  CHECK(z.ask("sub.ex.test", type::kDs).sections[1] == Lines{"ex.test. SOA"});
}

TEST_CASE("answer: D17 what does not fit is truncated as a whole", "[named][answer]") {
  Zones z = zones();
  Answer cut = z.ask("big.ex.test", type::kTxt);
  CHECK(cut.truncated);
  CHECK(cut.size <= 512);
  CHECK(cut.sections[0].empty());
  CHECK(z.ask("big.ex.test", type::kTxt, Transport::tcp).sections[0].size() == 3);
  Answer wide = decode(z.raw(with_edns(question("big.ex.test", type::kTxt), 4096)));
  CHECK(wide.sections[0].size() == 3);
  CHECK(wide.has_edns);
}

TEST_CASE("answer: D28 an answer larger than 64 KiB is truncated over TCP too", "[named][answer]") {
  std::string text = "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS n.x.\n";
  // Each set fits for itself; one that does not is an error of the zone.
  for (const char* type : {"TXT", "SPF"}) {
    for (int i = 0; i < 200; ++i) {
      text += std::string("h ") + type + " \"" + std::string(240, 'x') + std::to_string(i) + "\"\n";
    }
  }
  Zones z;
  z.add("ex.test", text);
  CHECK_FALSE(z.ask("h.ex.test", type::kTxt, Transport::tcp).truncated);
  CHECK(z.ask("h.ex.test", type::kAny, Transport::tcp).truncated);
}

TEST_CASE("answer: D18 ANY gets one set over UDP and all over TCP", "[named][answer]") {
  Zones z = zones();
  CHECK(z.ask("any.ex.test", type::kAny).sections[0].size() == 1);
  CHECK(z.ask("any.ex.test", type::kAny, Transport::tcp).sections[0].size() == 2);
}

TEST_CASE("answer: D8 D9 other opcodes, classes and meta types are refused", "[named][answer]") {
  Zones z = zones();
  for (uint16_t opcode = 1; opcode < 16; ++opcode) {
    Answer answer = decode(z.raw(question("ex.test", type::kA, static_cast<uint16_t>(opcode << 11))));
    CHECK(answer.rcode == rcode::kNotImp);
  }
  for (uint16_t cls : {3, 4, 254, 255}) {
    CHECK(decode(z.raw(question("ex.test", type::kA, 0, cls))).rcode == rcode::kRefused);
  }
  CHECK(z.ask("ex.test", type::kOpt).rcode == rcode::kFormErr);
  CHECK(z.ask("ex.test", type::kAxfr).rcode == rcode::kRefused);
  CHECK(z.ask("ex.test", type::kMailb).rcode == rcode::kNotImp);
  CHECK(z.ask("ex.test", 65535).rcode == rcode::kNoError);
  CHECK(z.ask("other.test", type::kA).rcode == rcode::kRefused);
}

TEST_CASE("answer: D1 short and cut packets get FORMERR or nothing", "[named][answer]") {
  Zones z = zones();
  std::string whole = with_edns(question("www.ex.test", type::kA), 1232);
  for (size_t n = 0; n < whole.size(); ++n) {
    std::string answer = z.raw(whole.substr(0, n));
    INFO(n);
    if (n < 12) {
      CHECK(answer.empty());
    } else {
      CHECK(decode(answer).rcode == rcode::kFormErr);
      CHECK(answer.substr(0, 2) == whole.substr(0, 2));
    }
  }
  CHECK(decode(z.raw(whole)).rcode == rcode::kNoError);
  CHECK(decode(z.raw(whole + "x")).rcode == rcode::kFormErr);
  CHECK(z.raw(question("ex.test", type::kA, 0x8000)).empty());
}

TEST_CASE("answer: D2 D5 D7 pointers, counts that lie and no or two questions are FORMERR", "[named][answer]") {
  Zones z = zones();
  auto rcode_of = [&](const std::string& packet) { return decode(z.raw(packet)).rcode; };
  std::string good = question("ex.test", type::kA);
  std::string head = good.substr(0, 12);
  CHECK(rcode_of(head + std::string("\xC0\x0C\0\1\0\1", 6)) == rcode::kFormErr);
  CHECK(rcode_of(head + std::string("\x40\0\0\1\0\1", 6)) == rcode::kFormErr);
  CHECK(rcode_of(head + std::string("\x80\0\0\1\0\1", 6)) == rcode::kFormErr);
  std::string too_long;
  for (int i = 0; i < 5; ++i) too_long += std::string(1, 63) + std::string(63, 'a');
  CHECK(rcode_of(head + too_long + std::string("\0\0\1\0\1", 5)) == rcode::kFormErr);
  for (auto [at, value] : {std::pair{5, 0}, {5, 2}, {7, 1}, {9, 1}, {11, 1}, {10, 255}}) {
    std::string packet = good;
    packet[static_cast<size_t>(at)] = static_cast<char>(value);
    CHECK(rcode_of(packet) == rcode::kFormErr);
  }
}

TEST_CASE("answer: D3 names and labels are at most 255 and 63 octets long", "[named][answer]") {
  Zones z;
  z.add(".", "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS n.x.\n");
  auto ask = [&](const std::vector<size_t>& labels) {
    std::string packet = question(".", type::kA).substr(0, 12);
    for (size_t size : labels) packet += std::string(1, static_cast<char>(size)) + std::string(size, 'a');
    return decode(z.raw(packet + std::string("\0\0\1\0\1", 5))).rcode;
  };
  CHECK(ask({63, 63, 63, 60}) == rcode::kNxDomain);  // 254 octets
  CHECK(ask({63, 63, 63, 61}) == rcode::kNxDomain);  // 255
  CHECK(ask({63, 63, 63, 62}) == rcode::kFormErr);   // 256
  CHECK(ask({63}) == rcode::kNxDomain);
  CHECK(ask({64}) == rcode::kFormErr);
  CHECK(ask(std::vector<size_t>(127, 1)) == rcode::kNxDomain);
  CHECK(ask(std::vector<size_t>(128, 1)) == rcode::kFormErr);
}

TEST_CASE("answer: D6 a packet full of records is read in one go", "[named][answer]") {
  Zones z = zones();
  std::string record("\0\0\1\0\1\0\0\0\0\0\0", 11);
  std::string packet = question("web.ex.test", type::kA);
  while (packet.size() + record.size() <= 65535) packet += record;
  size_t count = (packet.size() - question("web.ex.test", type::kA).size()) / record.size();
  packet[10] = static_cast<char>(count >> 8);
  packet[11] = static_cast<char>(count);
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) CHECK(decode(z.raw(packet, Transport::tcp)).rcode == rcode::kNoError);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
}

TEST_CASE("answer: D10 octets of every kind in a name are data", "[named][answer]") {
  Zones z;
  z.add("ex.test",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS n.x.\nx\\000y A 192.0.2.1\n\\255\\@\\$\\\" A 192.0.2.2\n"
        "a\\.b A 192.0.2.3\n");
  for (const std::string& label : {std::string("x\0y", 3), std::string("\xFF@$\""), std::string("a.b")}) {
    std::string packet = question("ex.test", type::kA);
    packet.insert(12, std::string(1, static_cast<char>(label.size())) + label);
    std::string answer = z.raw(packet);
    CHECK(decode(answer).sections[0].size() == 1);
    CHECK(answer.substr(13, label.size()) == label);
  }
  CHECK(z.ask("a.b.ex.test", type::kA).rcode == rcode::kNxDomain);
}

TEST_CASE("answer: D11 EDNS is answered as RFC 6891 says", "[named][answer]") {
  Zones z = zones();
  std::string plain = question("web.ex.test", type::kA);
  CHECK_FALSE(decode(z.raw(plain)).has_edns);
  std::string one = with_edns(plain, 1232, 0x8000);
  std::string answer = z.raw(one);
  CHECK(decode(answer).has_edns);
  CHECK(answer.substr(answer.size() - 4, 1) == "\x80");
  CHECK(decode(z.raw(with_edns(one, 1232))).rcode == rcode::kFormErr);
  CHECK(decode(z.raw(with_edns(plain, 1232, 0x00010000))).rcode == rcode::kBadVers);
  CHECK(decode(z.raw(with_edns(plain, 1232, 0, std::string("\0\3\0\0", 4)))).rcode == rcode::kNoError);
  CHECK(decode(z.raw(with_edns(plain, 1232, 0, std::string("\0\3\0\5", 4)))).rcode == rcode::kFormErr);
  for (uint16_t size : {0, 511, 65535}) CHECK(decode(z.raw(with_edns(plain, size))).rcode == rcode::kNoError);
}

TEST_CASE("answer: the case of the question comes back as it was", "[named][answer]") {
  std::string packet = question("wEb.Ex.TEST", type::kA);
  std::string answer = zones().raw(packet);
  CHECK(answer.substr(12, 13) == packet.substr(12, 13));
  CHECK(decode(answer).sections[0] == Lines{"web.ex.test. A 192.0.2.5"});
}
