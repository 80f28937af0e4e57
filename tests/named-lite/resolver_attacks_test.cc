#include <set>

#include "libcommon/base/strings.h"
#include "tests/named-lite/fake_internet.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;
using namespace std::chrono_literals;

namespace {

/// Both servers of leaf.test. behave like this one.
void leaf(Tree& tree, const FakeInternet::Server& server) {
  tree.net.serve("192.0.2.3", server);
  tree.net.serve("192.0.2.4", server);
}

std::string asked_name(std::string_view packet) {
  size_t at = kMessageHeader;
  std::string wire;
  expand_name(packet, at, packet.size(), wire);
  return Name::from_wire(wire).lower().text();
}

uint16_t asked_type(std::string_view packet) {
  size_t at = kMessageHeader;
  std::string wire;
  expand_name(packet, at, packet.size(), wire);
  return be16_at(packet, at);
}

}  // namespace

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

TEST_CASE("resolver: D38 a delegation that the parent took away ends with its TTL", "[recursion][attacks]") {
  Tree tree;
  std::string short_parent = kTestZone;
  short_parent.replace(0, 9, "$TTL 600\n");
  tree.net.zones("192.0.2.2", {{"test.", short_parent}});
  leaf(tree, [](std::string_view q, bool) {  // renews itself with a TTL of a day in every answer
    Forged answer(q);
    answer.a(Section::answer, asked_name(q), "198.51.100.9", 1);
    answer.name_record(Section::authority, "leaf.test.", type::kNs, "ns1.leaf.test.", 86400);
    answer.a(Section::additional, "ns1.leaf.test.", "192.0.2.3", 86400);
    return FakeInternet::Packets{answer.text()};
  });
  CHECK(tree.ask("x.leaf.test.", type::kA).rcode == 0);
  tree.ask("leaf.test.", type::kNs);
  tree.net.zones("192.0.2.2", {{"test.", "$TTL 600\n@ SOA ns root 1 2 3 4 60\n@ NS ns\nns A 192.0.2.2\n"}});
  for (int minute = 0; minute < 9; ++minute) {
    tree.clock.advance(60s);
    CHECK(tree.ask("x.leaf.test.", type::kA).rcode == 0);
  }
  tree.clock.advance(61s);
  CHECK(tree.ask("x.leaf.test.", type::kA).rcode == 3);
}

TEST_CASE("resolver: D38 a zone below one that was taken away does not outlive it", "[recursion][attacks]") {
  Tree tree;
  std::string short_parent = kTestZone;
  short_parent.replace(0, 9, "$TTL 600\n");
  tree.net.zones("192.0.2.2", {{"test.", short_parent}});
  leaf(tree, [](std::string_view q, bool) {  // always one zone deeper, with a long TTL
    Forged answer(q, 0);
    std::string wire(name(asked_name(q)).wire());
    std::string below = label_count(wire) >= 4 ? "b.leaf.test." : "none.";
    if (asked_name(q).ends_with("b.leaf.test.") && asked_name(q) != "b.leaf.test.") {
      answer.name_record(Section::authority, below, type::kNs, "ns.b.leaf.test.", 86400);
      answer.a(Section::additional, "ns.b.leaf.test.", "192.0.2.7", 86400);
      return FakeInternet::Packets{answer.text()};
    }
    return FakeInternet::Packets{Forged(q).soa("leaf.test.", 60).text()};
  });
  tree.net.serve("192.0.2.7", [](std::string_view q, bool) {
    return FakeInternet::Packets{Forged(q).a(Section::answer, asked_name(q), "198.51.100.9", 1)};
  });
  CHECK(tree.ask("x.b.leaf.test.", type::kA).rcode == 0);
  tree.net.zones("192.0.2.2", {{"test.", "$TTL 600\n@ SOA ns root 1 2 3 4 60\n@ NS ns\nns A 192.0.2.2\n"}});
  tree.clock.advance(599s);
  tree.clock.advance(3s);
  CHECK(tree.ask("x.b.leaf.test.", type::kA).rcode == 3);
}

TEST_CASE("resolver: D39 a referral to many names that do not exist costs little", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool) {
    Forged answer(q, 0);
    for (int i = 0; i < 200; ++i) {
      answer.name_record(Section::authority, "sub.leaf.test.", type::kNs, "n" + std::to_string(i) + ".victim.other.");
    }
    return FakeInternet::Packets{answer.text()};
  });
  CHECK(tree.ask("x.sub.leaf.test.", type::kA).rcode == 2);
  CHECK(tree.net.count("192.0.2.9") <= 12);  // five names, two types, and the way there
  CHECK(tree.net.asked.size() <= 30);
}

TEST_CASE("resolver: D39 name servers that need one another do not go round", "[recursion][attacks]") {
  Tree tree;
  std::string test_zone = kTestZone + "one NS ns.two\ntwo NS ns.one\nself NS ns.self\n";
  tree.net.zones("192.0.2.2", {{"test.", kTestZone}});
  tree.net.serve("192.0.2.2", [](std::string_view q, bool) {
    std::string owner = asked_name(q);
    Forged answer(q, 0);
    for (auto [zone, server] : {std::pair{"one.test.", "ns.two.test."}, {"two.test.", "ns.one.test."}}) {
      if (!owner.ends_with(zone)) continue;
      answer.name_record(Section::authority, zone, type::kNs, server);
      return FakeInternet::Packets{answer.text()};
    }
    return FakeInternet::Packets{Forged(q).soa("test.", 60).text()};
  });
  CHECK(tree.ask("www.one.test.", type::kA).rcode == 2);
  CHECK(tree.net.asked.size() <= 20);
  CHECK(tree.recursor->under_way() == 0);
}

TEST_CASE("resolver: D39 one question causes at most 100 others, whatever the tree is like", "[recursion][attacks]") {
  Tree tree;
  // Each zone is served by many servers of other zones below the same attacker, and nothing ever ends.
  leaf(tree, [](std::string_view q, bool) {
    std::string owner = asked_name(q);
    if (label_count(name(owner).wire()) <= 2) return FakeInternet::Packets{Forged(q).soa("leaf.test.", 60).text()};
    std::string_view wire = name(owner).wire();
    std::string zone = owner;
    while (label_count(name(zone).wire()) > 3) zone = zone.substr(zone.find('.') + 1);
    Forged answer(q, 0);
    static int next = 0;
    for (int i = 0; i < 13; ++i) {
      answer.name_record(Section::authority, zone, type::kNs, "ns.z" + std::to_string(++next) + ".leaf.test.");
    }
    static_cast<void>(wire);
    return FakeInternet::Packets{answer.text()};
  });
  CHECK(tree.ask("www.start.leaf.test.", type::kA).rcode == 2);
  CHECK(tree.net.asked.size() <= 100);
  size_t before = tree.net.asked.size();
  CHECK(tree.ask("www.start.leaf.test.", type::kA).rcode == 2);
  CHECK(tree.net.asked.size() == before);  // the failure is remembered
}

TEST_CASE("resolver: D39 an alias that leads on for ever ends after 11 steps", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool) {
    static int next = 0;
    return FakeInternet::Packets{Forged(q).name_record(Section::answer, asked_name(q), type::kCname,
                                                       "c" + std::to_string(++next) + ".leaf.test.")};
  });
  CHECK(tree.ask("c.leaf.test.", type::kA).rcode == 2);
  CHECK(tree.net.asked.size() <= 3 + 13);
}

TEST_CASE("resolver: D39 a server with a hundred addresses is tried at few of them", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool) {
    Forged answer(q, 0);
    answer.name_record(Section::authority, "sub.leaf.test.", type::kNs, "ns.sub.leaf.test.");
    for (int i = 0; i < 100; ++i) answer.a(Section::additional, "ns.sub.leaf.test.", "203.0.113." + std::to_string(i));
    return FakeInternet::Packets{answer.text()};
  });
  CHECK(tree.ask("x.sub.leaf.test.", type::kA).rcode == 2);
  CHECK(tree.net.asked.size() <= 3 + 6 * 2);
}

TEST_CASE("resolver: D39 servers at addresses of ourselves and of nobody are not asked", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool) {
    Forged answer(q, 0);
    answer.name_record(Section::authority, "sub.leaf.test.", type::kNs, "ns.sub.leaf.test.");
    for (const char* address : {"127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"}) {
      answer.a(Section::additional, "ns.sub.leaf.test.", address);
    }
    return FakeInternet::Packets{answer.text()};
  });
  CHECK(tree.ask("x.sub.leaf.test.", type::kA).rcode == 2);
  CHECK(tree.net.asked.size() == 4);
}

TEST_CASE("resolver: D40 a flood of names of one zone takes no more than its share", "[recursion][attacks]") {
  event::Event gate;
  Tree tree;
  tree.settings.limits.fetches_per_zone = 20;
  tree.start();
  tree.raw("mail.leaf.test.", type::kA);
  tree.net.gate = &gate;
  event::TaskScope clients;
  int refused = 0;
  auto client = [](Lab* lab, int i, int* count) -> event::Task<void> {
    RecursiveQuestion question{name("r" + std::to_string(i) + ".leaf.test."), type::kA};
    RecursiveAnswer answer = co_await lab->recursor->resolve(question);
    if (answer.rcode == 2) ++*count;
  };
  size_t before = tree.net.asked.size();
  for (int i = 0; i < 500; ++i) clients.spawn(client(&tree, i, &refused));
  CHECK(tree.net.asked.size() == before + 20);
  CHECK(refused == 480);
  tree.net.gate = nullptr;
  CHECK(tree.ask("ns.hosts.other.", type::kA).rcode == 0);  // others are served
}

TEST_CASE("resolver: D40 the number of questions in work is bounded", "[recursion][attacks]") {
  event::Event gate;
  Tree tree;
  tree.settings.limits.questions = 50;
  tree.start();
  tree.net.gate = &gate;
  event::TaskScope clients;
  auto client = [](Lab* lab, int i) -> event::Task<void> {
    RecursiveQuestion question{name("r" + std::to_string(i) + ".x" + std::to_string(i) + "."), type::kA};
    co_await lab->recursor->resolve(question);
  };
  for (int i = 0; i < 500; ++i) clients.spawn(client(&tree, i));
  CHECK(clients.size() == 50);
  CHECK(tree.recursor->under_way() <= 100);
}

TEST_CASE("resolver: D40 D49 memory is bounded in octets under names that do not exist", "[recursion][attacks]") {
  Tree tree;
  tree.settings.cache_bytes = 1 << 20;
  tree.settings.server_bytes = 1 << 16;
  tree.start();
  for (int i = 0; i < 20'000; ++i) {
    CHECK(tree.raw("r" + std::to_string(i) + ".leaf.test.", type::kA).rcode == 3);
    tree.net.asked.clear();
  }
  CHECK(tree.recursor->memory() <= (1 << 20) + (1 << 16) + (1 << 20));
}

TEST_CASE("resolver: D41 TTLs of nothing, of for ever and below zero", "[recursion][attacks]") {
  struct Case {
    uint32_t ttl;
    uint32_t kept;
  };
  for (Case one : {Case{0, 0}, {1, 1}, {0x7FFFFFFF, 86400}, {0x80000000, 0}, {0xFFFFFFFF, 0}}) {
    Tree tree;
    leaf(tree, [one](std::string_view q, bool) {
      return FakeInternet::Packets{Forged(q).a(Section::answer, asked_name(q), "198.51.100.9", one.ttl)};
    });
    INFO(one.ttl);
    RecursiveAnswer answer = tree.raw("x.leaf.test.", type::kA);
    CHECK(answer.counts[0] == 1);
    CHECK(answer.ttl == one.kept);
    size_t before = tree.net.asked.size();
    tree.raw("x.leaf.test.", type::kA);
    CHECK(tree.net.asked.size() == before + (one.kept == 0 ? 1 : 0));
  }
  for (Case one : {Case{0, 0}, {5, 5}, {0xFFFFFFFF, 10800}}) {
    Tree tree;
    leaf(tree, [one](std::string_view q, bool) {
      return FakeInternet::Packets{Forged(q).rcode(3).soa("leaf.test.", one.ttl, 0x7FFFFFFF)};
    });
    INFO(one.ttl);
    CHECK(tree.raw("x.leaf.test.", type::kA).ttl == one.kept);
  }
}

TEST_CASE("resolver: D41 an alias beside other records, and two aliases, mislead nobody", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool) {
    std::string owner = asked_name(q);
    Forged answer(q);
    answer.name_record(Section::answer, owner, type::kCname, "a.leaf.test.");
    if (owner.starts_with("two")) answer.name_record(Section::answer, owner, type::kCname, "b.leaf.test.");
    if (owner.starts_with("both")) answer.a(Section::answer, owner, "198.51.100.9");
    if (owner.starts_with("a.")) return FakeInternet::Packets{Forged(q).soa("leaf.test.", 60)};
    return FakeInternet::Packets{answer.text()};
  });
  CHECK(tree.ask("both.leaf.test.", type::kA).sections[0] == Lines{"both.leaf.test. A 198.51.100.9"});
  CHECK(tree.ask("two.leaf.test.", type::kA).rcode == 2);
}

TEST_CASE("resolver: D46 inner addresses from outside are refused when the configuration says so",
          "[recursion][attacks]") {
  Tree tree;
  ViewRecursion& view = tree.settings.views[0];
  view.denied_address = [](const net::IpAddress& address) {
    return net::Network::parse("192.168.0.0/16")->contains(address);
  };
  view.denied_except = {std::string(name("inner.leaf.test.").wire())};
  leaf(tree, [](std::string_view q, bool) {
    std::string owner = asked_name(q);
    Forged answer(q);
    if (owner.starts_with("alias")) {
      answer.name_record(Section::answer, owner, type::kCname, "target.leaf.test.");
      owner = "target.leaf.test.";
    }
    if (asked_type(q) == type::kA) {
      answer.a(Section::answer, owner, "198.51.100.9");
      answer.a(Section::answer, owner, "192.168.1.1");
    } else {
      std::string mapped(net::IpAddress::parse("::ffff:192.168.1.1")->bytes());
      answer.add(Section::answer, owner, type::kAaaa, mapped);
    }
    return FakeInternet::Packets{answer.text()};
  });
  CHECK(tree.raw("x.leaf.test.", type::kA).extended_error == extended_error::kBlocked);
  CHECK(tree.raw("alias.leaf.test.", type::kA).rcode == 2);
  CHECK(tree.raw("x.leaf.test.", type::kAaaa).rcode == 2);
  CHECK(tree.ask("host.inner.leaf.test.", type::kA).sections[0].size() == 2);
}

TEST_CASE("resolver: D27 a set of more records than anybody needs is not taken", "[recursion][attacks]") {
  Tree tree;
  leaf(tree, [](std::string_view q, bool) {
    Forged answer(q);
    for (int i = 0; i < 101; ++i) answer.a(Section::answer, asked_name(q), "10.0.0." + std::to_string(i));
    return FakeInternet::Packets{answer.text()};
  });
  CHECK(tree.ask("x.leaf.test.", type::kA).rcode == 2);
}
