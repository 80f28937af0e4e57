// Rows D26 and D47 of names: wildcards, DNAME, aliases and cuts in all their combinations.
#include "named-lite/answer/answer.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

Zones zones() {
  Zones result;
  result.add("ex.test", R"($TTL 300
@ SOA ns1 root 7 3600 900 604800 120
@ NS ns1
ns1 A 192.0.2.1
web A 192.0.2.5
sub.*.mid A 192.0.2.27
*.mid TXT "middle"
one.two.*.star A 192.0.2.28
*.x.ent CNAME web
y.x.ent A 192.0.2.26
*.wd DNAME web
d DNAME t
h.t A 192.0.2.10
below.d TXT "occluded"
cut.d NS ns1
self DNAME self
grow DNAME x.grow
loop1 DNAME loop2
loop2 DNAME loop1
a.viad CNAME b.d2
d2 DNAME viad
sub NS ns.sub
sub NS ns1
ns.sub A 192.0.2.9
x.sub A 192.0.2.10
)");
  return result;
}

}  // namespace

TEST_CASE("answer: D26 an asterisk inside a name is an ordinary label", "[named][answer]") {
  Zones z = zones();
  CHECK(z.ask("sub.*.mid.ex.test", type::kA).sections[0].size() == 1);
  CHECK(z.ask("sub.x.mid.ex.test", type::kTxt).sections[0] == Lines{"sub.x.mid.ex.test. TXT"});
  CHECK(z.ask("x.*.mid.ex.test", type::kTxt).rcode == rcode::kNxDomain);  // its closest encloser is *.mid itself
  CHECK(z.ask("one.two.*.star.ex.test", type::kA).sections[0].size() == 1);
  // *.star is an empty non-terminal, and what it would make is empty, too (RFC 4592 2.2.3, 4.9).
  CHECK(z.ask("foo.star.ex.test", type::kA).rcode == rcode::kNoError);
  CHECK(z.ask("foo.star.ex.test", type::kA).sections[1] == Lines{"ex.test. SOA"});
}

TEST_CASE("answer: D26 a wildcard alias leads on, and an empty non-terminal hides it", "[named][answer]") {
  Zones z = zones();
  CHECK(z.ask("any.x.ent.ex.test", type::kA).sections[0] ==
        Lines{"any.x.ent.ex.test. CNAME web.ex.test.", "web.ex.test. A 192.0.2.5"});
  CHECK(z.ask("y.x.ent.ex.test", type::kTxt).sections[0].empty());
  CHECK(z.ask("x.ent.ex.test", type::kA).rcode == rcode::kNoError);
  CHECK(z.ask("other.ent.ex.test", type::kA).rcode == rcode::kNxDomain);
}

TEST_CASE("answer: D26 a DNAME at a wildcard is data and redirects nothing", "[named][answer]") {
  Zones z = zones();
  CHECK(z.ask("a.wd.ex.test", type::kDname).sections[0] == Lines{"a.wd.ex.test. DNAME"});
  CHECK(z.ask("a.wd.ex.test", type::kA).rcode == rcode::kNoError);
  CHECK(z.ask("a.wd.ex.test", type::kA).sections[0].empty());
}

TEST_CASE("answer: D26 a DNAME redirects names below it only, also those that have data", "[named][answer]") {
  Zones z = zones();
  Lines redirected{"d.ex.test. DNAME", "below.d.ex.test. CNAME below.t.ex.test."};
  CHECK(z.ask("below.d.ex.test", type::kTxt).sections[0] == redirected);
  CHECK(z.ask("x.cut.d.ex.test", type::kA).sections[0].size() == 2);
  CHECK(z.ask("d.ex.test", type::kDname).sections[0] == Lines{"d.ex.test. DNAME"});
  CHECK(z.ask("d.ex.test", type::kA).rcode == rcode::kNoError);
  // The alias that was made is what was asked for.
  Answer alias = z.ask("h.d.ex.test", type::kCname);
  CHECK(alias.sections[0] == Lines{"d.ex.test. DNAME", "h.d.ex.test. CNAME h.t.ex.test."});
  CHECK(alias.rcode == rcode::kNoError);
}

TEST_CASE("answer: D26 DNAMEs that lead to themselves end", "[named][answer]") {
  Zones z = zones();
  CHECK(z.ask("x.self.ex.test", type::kA).sections[0] ==
        Lines{"self.ex.test. DNAME", "x.self.ex.test. CNAME x.self.ex.test."});
  CHECK(z.ask("x.loop1.ex.test", type::kA).sections[0].size() == 4);
  CHECK(z.ask("x.grow.ex.test", type::kA).sections[0].size() == 2);
  CHECK(z.ask("x.viad.ex.test", type::kA).rcode == rcode::kNxDomain);
  CHECK(z.ask("a.viad.ex.test", type::kA).sections[0].size() == 3);
}

TEST_CASE("answer: D26 the CNAME of a DNAME has the case of the question", "[named][answer]") {
  std::string answer = zones().raw(question("HoSt.d.ex.test", type::kA));
  CHECK(answer.find(std::string("\x04HoSt\x01t", 7), 28) != std::string::npos);
}

TEST_CASE("answer: D26 what lies below a cut is never answered from", "[named][answer]") {
  Zones z;
  z.add("ex.test",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nsub NS ns.sub\nns.sub A 192.0.2.9\n"
        "d.sub DNAME t\ndeep.cut.sub NS ns\ntxt.sub TXT \"x\"\n*.sub A 192.0.2.66\nin CNAME txt.sub\n");
  for (const char* below : {"sub", "d.sub", "x.d.sub", "deep.cut.sub", "txt.sub", "nope.sub"}) {
    for (uint16_t type : {type::kA, type::kTxt, type::kDname, type::kNs, type::kAny}) {
      Answer answer = z.ask(std::string(below) + ".ex.test", type);
      INFO(below << " " << type);
      CHECK_FALSE(answer.authoritative);
      CHECK(answer.rcode == rcode::kNoError);
      CHECK(answer.sections[0].empty());
      CHECK(answer.sections[1] == Lines{"sub.ex.test. NS ns.sub.ex.test."});
      CHECK(answer.sections[2] == Lines{"ns.sub.ex.test. A 192.0.2.9"});
    }
  }
  CHECK(z.ask("deep.cut.sub.ex.test", type::kDs).sections[1] == Lines{"sub.ex.test. NS ns.sub.ex.test."});
  Answer alias = z.ask("in.ex.test", type::kTxt);
  CHECK(alias.authoritative);
  CHECK(alias.sections[0] == Lines{"in.ex.test. CNAME txt.sub.ex.test."});
  CHECK(alias.sections[1] == Lines{"sub.ex.test. NS ns.sub.ex.test."});
}

TEST_CASE("answer: D26 a cut wins over a DNAME beside it", "[named][answer]") {
  Zones z;
  z.add("ex.test", "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nboth NS ns\nboth DNAME t\n");
  CHECK(z.ask("x.both.ex.test", type::kA).sections[1] == Lines{"both.ex.test. NS ns.ex.test."});
}

TEST_CASE("answer: D26 DS is answered from the parent's side, of a child alone by NODATA", "[named][answer]") {
  Zones child;
  child.add("sub.ex.test", "$TTL 9\n@ SOA a b 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n");
  Answer alone = child.ask("sub.ex.test", type::kDs);
  CHECK(alone.authoritative);
  CHECK(alone.sections[1] == Lines{"sub.ex.test. SOA"});
  CHECK(child.ask("ns.sub.ex.test", type::kDs).sections[1] == Lines{"sub.ex.test. SOA"});
  child.add(".", "$TTL 9\n@ SOA a b 1 2 3 4 5\n@ NS ns.x.\ntest NS ns.y.\n");
  CHECK(child.ask("sub.ex.test", type::kDs).sections[1] == Lines{"test. NS ns.y."});
  CHECK(child.ask(".", type::kDs).sections[1] == Lines{". SOA"});
}

TEST_CASE("answer: D17 a referral without room for its glue says so and brings what fits (RFC 9471)",
          "[named][answer]") {
  std::string text = "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\ns NS ns\n";
  for (int i = 0; i < 12; ++i) {
    std::string host = "n" + std::to_string(i) + ".s";
    text += "s NS " + host + "\n" + host + " A 192.0.2.7\n" + host + " AAAA 2001:db8::7\n";
  }
  Zones z;
  z.add("ex.test", text);
  Answer small = z.ask("x.s.ex.test", type::kA);
  CHECK(small.truncated);
  CHECK(small.sections[1].size() == 13);
  CHECK_FALSE(small.sections[2].empty());
  CHECK(small.size <= 512);
  Answer large = decode(z.raw(with_edns(question("x.s.ex.test", type::kA), 1232)));
  CHECK_FALSE(large.truncated);
  CHECK(large.sections[2].size() == 25);
}

TEST_CASE("answer: D17 addresses that a referral needs come before those that only help", "[named][answer]") {
  std::string text = "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS h0\n";
  for (int i = 0; i < 12; ++i) {
    text += "s NS h" + std::to_string(i) + "\nh" + std::to_string(i) + " A 192.0.2.7\nh" + std::to_string(i) +
            " AAAA 2001:db8::7\n";
  }
  Zones z;
  z.add("ex.test", text + "s NS z.s\nz.s A 192.0.2.9\n");
  Answer answer = z.ask("x.s.ex.test", type::kA);
  CHECK_FALSE(answer.truncated);
  CHECK(answer.sections[2][0] == "z.s.ex.test. A 192.0.2.9");
}

TEST_CASE("answer: D26 glue of one family is enough, and addresses below other cuts are glue, too", "[named][answer]") {
  Zones z;
  z.add("ex.test",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS ns.x.\ns NS a.s\na.s AAAA 2001:db8::1\nt NS b.s\nb.s A 192.0.2.2\n");
  CHECK(z.ask("s.ex.test", type::kA).sections[2] == Lines{"a.s.ex.test. AAAA"});
  CHECK(z.ask("t.ex.test", type::kA).sections[2] == Lines{"b.s.ex.test. A 192.0.2.2"});
}

TEST_CASE("answer: an alias into another zone is followed unless that zone may not be for the client",
          "[named][answer]") {
  Zones z;
  z.add("ex.test", "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS ns.x.\nw CNAME h.other.test.\nv CNAME u\nu A 192.0.2.2\n");
  z.add("other.test", "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS ns.x.\nh A 192.0.2.1\n");
  CHECK(z.ask("w.ex.test", type::kA).sections[0].size() == 2);
  z.one_zone = true;
  CHECK(z.ask("w.ex.test", type::kA).sections[0] == Lines{"w.ex.test. CNAME h.other.test."});
  CHECK(z.ask("w.ex.test", type::kA).rcode == rcode::kNoError);
  CHECK(z.ask("v.ex.test", type::kA).sections[0].size() == 2);
}

TEST_CASE("answer: RFC 8020 there is nothing below a name that does not exist", "[named][answer]") {
  Zones z = zones();
  for (const char* name : {"nope.ex.test", "a.nope.ex.test", "a.b.c.d.e.f.nope.ex.test", "a.web.ex.test"}) {
    CHECK(z.ask(name, type::kA).rcode == rcode::kNxDomain);
  }
}

TEST_CASE("answer: D9 types that are no data are refused in their own ways", "[named][answer]") {
  Zones z = zones();
  for (uint16_t type : {0, 41, 128, 200, 248, 249, 250}) CHECK(z.ask("ex.test", type).rcode == rcode::kFormErr);
  for (uint16_t type : {251, 252}) CHECK(z.ask("ex.test", type).rcode == rcode::kRefused);
  for (uint16_t type : {253, 254}) CHECK(z.ask("ex.test", type).rcode == rcode::kNotImp);
  for (uint16_t type : {46, 47, 127, 256, 32769, 65535}) CHECK(z.ask("ex.test", type).rcode == rcode::kNoError);
}

TEST_CASE("answer: D25 TKEY gets a short refusal, and a SIG(0) is of no weight", "[named][answer]") {
  Zones z = zones();
  std::string plain = question("ex.test", type::kSoa);
  auto with_record = [](std::string packet, uint16_t type, const std::string& rdata) {
    packet[11] = 1;
    packet += std::string(1, '\0') + static_cast<char>(type >> 8) + static_cast<char>(type);
    packet += std::string("\0\xFF\0\0\0\0", 6) + static_cast<char>(rdata.size() >> 8);
    return packet + static_cast<char>(rdata.size()) + rdata;
  };
  // What opened servers of others to everybody: keys to agree on, signatures that cost a public key each.
  std::string tkey = with_record(question("ex.test", type::kTkey), type::kTkey, std::string(400, 'k'));
  std::string answer = z.raw(tkey);
  CHECK(decode(answer).rcode == rcode::kFormErr);
  CHECK(answer.size() <= plain.size());
  std::string sig(18, '\0');
  sig[2] = 8;
  std::string signed_question = with_record(plain, 24, sig + std::string(1, '\0') + std::string(256, 's'));
  Answer told = decode(z.raw(signed_question));
  CHECK(told.rcode == decode(z.raw(plain)).rcode);
  CHECK(told.sections[0] == decode(z.raw(plain)).sections[0]);
}
