// How much work, time and memory strangers can cause: rows D38 to D49.
#include <set>

#include "libcommon/base/strings.h"
#include "tests/named-lite/fake_internet.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;
using namespace std::chrono_literals;

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
