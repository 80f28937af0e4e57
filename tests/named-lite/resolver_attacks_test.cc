// Forgeries, and packets and records that are not the answer: rows D12 to D37.
#include <set>

#include "libcommon/base/strings.h"
#include "tests/named-lite/fake_internet.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;
using namespace std::chrono_literals;

TEST_CASE("resolver: D12 a cookie of a wrong length makes no harm and is not taken", "[recursion][attacks]") {
  for (size_t size : {0, 1, 7, 9, 15, 41, 200}) {
    Tree tree;
    tree.settings.cookies = true;
    leaf(tree, [size](std::string_view q, bool tcp) {
      std::string answer = Forged(q).a(Section::answer, asked_name(q), tcp ? "198.51.100.9" : "203.0.113.66").text();
      if (tcp) return FakeInternet::Packets{answer};
      std::string option;
      ByteWriter(option).be16(10).be16(static_cast<uint16_t>(size)).bytes(std::string(size, 'c'));
      return FakeInternet::Packets{with_edns(answer, 1232, 0, option)};
    });
    INFO(size);
    CHECK(tree.ask("x.leaf.test.", type::kA).sections[0] == Lines{"x.leaf.test. A 198.51.100.9"});
  }
}

TEST_CASE("resolver: D34 ids and letters' case cannot be foretold", "[recursion][attacks]") {
  Tree tree;
  tree.settings.randomise_case = true;
  std::set<uint16_t> ids;
  std::set<std::string> spellings;
  for (int i = 0; i < 200; ++i) {
    tree.raw("longer-name-" + std::to_string(i) + ".leaf.test.", type::kA);
    ids.insert(be16_at(tree.net.last_packet, 0));
    spellings.insert(tree.net.last_packet.substr(13, 11));
  }
  CHECK(ids.size() > 190);
  CHECK(spellings.size() > 150);
}

TEST_CASE("resolver: D34 a cookie of ours that does not come back is a forgery", "[recursion][attacks]") {
  Tree tree;
  tree.settings.cookies = true;
  leaf(tree, [](std::string_view q, bool) {
    std::string real_option;
    ByteWriter(real_option).be16(10).be16(16).bytes(q.substr(q.size() - 8)).bytes("SERVERCK");
    std::string forged_option;
    ByteWriter(forged_option).be16(10).be16(16).bytes("notours!").bytes("SERVERCK");
    std::string forged = Forged(q).a(Section::answer, asked_name(q), "203.0.113.66").text();
    std::string real = Forged(q).a(Section::answer, asked_name(q), "198.51.100.9").text();
    bool first = q.substr(q.size() - 8) != "SERVERCK";
    if (!first) real_option.replace(4, 8, q.substr(q.size() - 16, 8));
    return FakeInternet::Packets{with_edns(forged, 1232, 0, forged_option), with_edns(real, 1232, 0, real_option)};
  });
  for (int i = 0; i < 6; ++i) {
    std::string owner = "x" + std::to_string(i) + ".leaf.test.";
    CHECK(tree.ask(owner, type::kA).sections[0] == Lines{owner + " A 198.51.100.9"});
  }
  CHECK(tree.recursor->counters().mismatches == 6);
  CHECK(tree.net.last_packet.ends_with("SERVERCK"));
}

TEST_CASE("resolver: D35 packets that are not the answer do not end the wait", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool) {
    auto forge = [&] { return Forged(q).a(Section::answer, asked_name(q), "203.0.113.66").text(); };
    std::string other_id = forge();
    other_id[0] = static_cast<char>(other_id[0] ^ 1);
    std::string other_name = forge();
    other_name[13] = other_name[13] == 'z' ? 'q' : 'z';
    std::string other_type = forge();
    other_type[12 + name(asked_name(q)).size() + 1] = 99;
    std::string no_answer = forge();
    no_answer[2] = 0;
    std::string real = Forged(q).a(Section::answer, asked_name(q), "198.51.100.9").text();
    return FakeInternet::Packets{other_id, other_name, other_type, no_answer, "", "short", real};
  });
  CHECK(tree.ask("x.leaf.test.", type::kA).sections[0] == Lines{"x.leaf.test. A 198.51.100.9"});
  CHECK(tree.recursor->counters().mismatches == 6);
  CHECK(tree.recursor->counters().upstream_tcp == 0);
  CHECK(tree.recursor->counters().lame == 0);
}

TEST_CASE("resolver: D35 after many packets that are not the answer TCP is taken", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool tcp) {
    FakeInternet::Packets packets;
    for (int i = 0; i < 1000 && !tcp; ++i) {
      std::string guess = Forged(q).a(Section::answer, asked_name(q), "203.0.113.66").text();
      guess[1] = static_cast<char>(guess[1] + 1 + i % 200);
      packets.push_back(guess);
    }
    packets.push_back(Forged(q).a(Section::answer, asked_name(q), "198.51.100.9").text());
    return packets;
  });
  CHECK(tree.ask("x.leaf.test.", type::kA).sections[0] == Lines{"x.leaf.test. A 198.51.100.9"});
  CHECK(tree.net.asked.back().tcp);
  CHECK(tree.recursor->counters().mismatches == 8);
}

TEST_CASE("resolver: D35 another case of the letters is not the answer, but a server may be like that",
          "[recursion][attacks]") {
  Tree tree;
  tree.settings.randomise_case = true;
  leaf(tree, [](std::string_view q, bool) {
    std::string lower(q);
    for (size_t i = 12; i < 30; ++i) lower[i] = ascii_lower(lower[i]);
    return FakeInternet::Packets{Forged(lower).a(Section::answer, asked_name(q), "198.51.100.9").text()};
  });
  CHECK(tree.ask("abcdefghijklmnop.leaf.test.", type::kA).sections[0].size() == 1);
  CHECK(tree.net.asked.back().tcp);
  tree.ask("bbcdefghijklmnop.leaf.test.", type::kA);
  tree.ask("cbcdefghijklmnop.leaf.test.", type::kA);
  size_t before = tree.net.asked.size();
  CHECK(tree.ask("dbcdefghijklmnop.leaf.test.", type::kA).sections[0].size() == 1);
  CHECK(tree.net.asked.size() == before + 1);  // it is known now
}

TEST_CASE("resolver: D36 what stands beside an answer is neither answered nor remembered", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool) {
    Forged answer(q);
    answer.a(Section::answer, asked_name(q), "198.51.100.9");
    answer.a(Section::answer, "www.other.", "203.0.113.66");
    answer.name_record(Section::answer, "other.", type::kDname, "leaf.test.");
    answer.name_record(Section::authority, "test.", type::kNs, "ns.evil.leaf.test.");
    answer.name_record(Section::authority, "leaf.test.", type::kNs, "ns.evil.leaf.test.");
    answer.name_record(Section::authority, "other.", type::kNs, "ns.evil.leaf.test.");
    answer.a(Section::additional, "ns.evil.leaf.test.", "203.0.113.66");
    answer.a(Section::additional, "www.leaf.test.", "203.0.113.66");
    answer.a(Section::additional, "ns.test.", "203.0.113.66");
    return FakeInternet::Packets{answer.text()};
  });
  Answer answer = tree.ask("x.leaf.test.", type::kA);
  CHECK(answer.sections[0] == Lines{"x.leaf.test. A 198.51.100.9"});
  CHECK(answer.sections[1].empty());
  CHECK(answer.sections[2].empty());
  CHECK(tree.ask("www.other.", type::kA).rcode == 3);
  CHECK(tree.ask("y.other.", type::kA).rcode == 3);
  CHECK(tree.ask("www.leaf.test.", type::kA).sections[0] == Lines{"www.leaf.test. A 198.51.100.9"});
  CHECK(tree.ask("z.test.", type::kA).rcode == 3);
  CHECK(tree.net.count("203.0.113.66") == 0);
}

TEST_CASE("resolver: D36 an alias out of the zone is asked for where it belongs", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool) {
    Forged answer(q);
    answer.name_record(Section::answer, asked_name(q), type::kCname, "ns.hosts.other.");
    answer.a(Section::answer, "ns.hosts.other.", "203.0.113.66");
    return FakeInternet::Packets{answer.text()};
  });
  CHECK(tree.ask("x.leaf.test.", type::kA).sections[0] ==
        Lines{"x.leaf.test. CNAME ns.hosts.other.", "ns.hosts.other. A 192.0.2.5"});
}

TEST_CASE("resolver: D36 referrals lead downwards on the way to the name only", "[recursion][attacks]") {
  for (const char* zone : {".", "test.", "leaf.test.", "other.", "sister.leaf.test."}) {
    Tree tree;
    leaf(tree, [zone](std::string_view q, bool) {
      Forged answer(q, 0);
      answer.name_record(Section::authority, zone, type::kNs, "ns.evil.");
      answer.a(Section::additional, "ns.evil.", "203.0.113.66");
      return FakeInternet::Packets{answer.text()};
    });
    INFO(zone);
    CHECK(tree.ask("x.leaf.test.", type::kA).rcode == 2);
    CHECK(tree.net.count("203.0.113.66") == 0);
    CHECK(tree.recursor->counters().lame == 2);
    CHECK(tree.ask("ns.hosts.other.", type::kA).sections[0].size() == 1);
    CHECK(tree.net.count("203.0.113.66") == 0);
  }
}

TEST_CASE("resolver: D36 addresses beside a referral serve for its servers only", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool) {
    Forged answer(q, 0);
    answer.name_record(Section::authority, "sub.leaf.test.", type::kNs, "ns.hosts.other.");
    answer.a(Section::additional, "ns.hosts.other.", "203.0.113.66");  // not leaf.test's to say
    answer.a(Section::additional, "mail.leaf.test.", "203.0.113.66");  // not a server of the referral
    return FakeInternet::Packets{answer.text()};
  });
  tree.net.zones(
      "192.0.2.5",
      {{"sub.leaf.test.", "$TTL 9\n@ SOA ns.hosts.other. root 1 2 3 4 5\n@ NS ns.hosts.other.\nx A 198.51.100.4\n"}});
  CHECK(tree.ask("x.sub.leaf.test.", type::kA).sections[0] == Lines{"x.sub.leaf.test. A 198.51.100.4"});
  CHECK(tree.net.count("203.0.113.66") == 0);
  CHECK(tree.ask("ns.hosts.other.", type::kA).sections[0] == Lines{"ns.hosts.other. A 192.0.2.5"});
}

TEST_CASE("resolver: D37 questions ask for no answer that would be cut into fragments", "[recursion][attacks]") {
  Tree tree;
  tree.raw("mail.leaf.test.", type::kA);
  std::string_view packet = tree.net.last_packet;
  REQUIRE(packet.substr(packet.size() - 11, 3) == std::string_view("\0\0\x29", 3));
  CHECK(be16_at(packet, packet.size() - 8) == 1232);
}
