#include "named-lite/recursion/recursor.h"

#include "tests/named-lite/fake_internet.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;
using namespace std::chrono_literals;

TEST_CASE("recursor: a name is found from the root downwards", "[recursion]") {
  Tree tree;
  Answer answer = tree.ask("mail.leaf.test.", type::kA);
  CHECK(answer.rcode == 0);
  CHECK(answer.sections[0] == Lines{"mail.leaf.test. A 198.51.100.1"});
  CHECK(tree.net.count("192.0.2.1") == 2);  // priming, and the question
  CHECK(tree.net.count("192.0.2.2") == 1);
  CHECK(tree.net.count("192.0.2.3") + tree.net.count("192.0.2.4") == 1);
}

TEST_CASE("recursor: a root that names its servers without addresses leaves those of the hints", "[recursion]") {
  for (std::string servers : {"@ NS a.root.\n", "@ NS a.root.\n@ NS b.root.\n", "@ NS elsewhere.leaf.test.\n"}) {
    INFO(servers);
    Tree tree;
    std::string cut = "test. NS ns.test.\nns.test. A 192.0.2.2\n";
    tree.net.zones("192.0.2.1", {{".", "$TTL 3600\n@ SOA a.root. r.root. 1 2 3 4 60\n" + servers + cut}});
    CHECK(tree.ask("mail.leaf.test.", type::kA).sections[0] == Lines{"mail.leaf.test. A 198.51.100.1"});
    CHECK(tree.ask("www.leaf.test.", type::kA).rcode == 0);
  }
}

TEST_CASE("recursor: servers further up do not see the whole name", "[recursion]") {
  Tree tree;
  CHECK(tree.ask("a.b.c.d.leaf.test.", type::kMx).rcode == 0);
  for (const SeenQuestion& one : tree.net.asked) {
    INFO(one.server << " " << one.name);
    if (one.server == "192.0.2.1") CHECK((one.name == "." || one.name == "test."));
    if (one.server == "192.0.2.2") CHECK(one.name == "leaf.test.");
    if (one.name != "a.b.c.d.leaf.test." && one.name != ".") CHECK(one.type == type::kA);
  }
  CHECK(tree.net.asked.back().name == "a.b.c.d.leaf.test.");
  CHECK(tree.net.asked.back().type == type::kMx);
}

TEST_CASE("recursor: without minimisation every server is asked for the whole name", "[recursion]") {
  Tree tree;
  tree.settings.minimise = Minimise::off;
  CHECK(tree.ask("a.b.c.d.leaf.test.", type::kA).sections[0].size() == 1);
  CHECK(tree.net.count("", "a.b.c.d.leaf.test.") == 3);
}

TEST_CASE("recursor: a name of very many labels costs few questions", "[recursion]") {
  Tree tree;
  std::string deep;
  for (int i = 0; i < 60; ++i) deep += "x.";
  CHECK(tree.ask(deep + "leaf.test.", type::kA).rcode == 3);
  CHECK(tree.net.asked.size() <= 14);
}

TEST_CASE("recursor: a second question is answered from the cache with the time that is left", "[recursion]") {
  Tree tree;
  CHECK(tree.raw("mail.leaf.test.", type::kA).ttl == 300);
  size_t before = tree.net.asked.size();
  tree.clock.advance(100s);
  RecursiveAnswer again = tree.raw("MAIL.leaf.TEST.", type::kA);
  CHECK(again.ttl == 200);
  CHECK(again.counts[0] == 1);
  CHECK(tree.net.asked.size() == before);
  tree.clock.advance(201s);
  CHECK(tree.raw("mail.leaf.test.", type::kA).ttl == 300);
  CHECK(tree.net.asked.size() == before + 1);  // the delegation is still known
}

TEST_CASE("recursor: an alias is followed within a zone and to another", "[recursion]") {
  Tree tree;
  CHECK(tree.ask("www.leaf.test.", type::kA).sections[0] ==
        Lines{"www.leaf.test. CNAME mail.leaf.test.", "mail.leaf.test. A 198.51.100.1"});
  CHECK(tree.ask("out.leaf.test.", type::kA).sections[0] ==
        Lines{"out.leaf.test. CNAME www.glueless.test.", "www.glueless.test. A 198.51.100.2"});
  size_t before = tree.net.asked.size();
  CHECK(tree.ask("out.leaf.test.", type::kA).sections[0].size() == 2);
  CHECK(tree.ask("out.leaf.test.", type::kCname).sections[0] == Lines{"out.leaf.test. CNAME www.glueless.test."});
  CHECK(tree.net.asked.size() == before);
}

TEST_CASE("recursor: a DNAME gives an alias, from the server and from the cache", "[recursion]") {
  Tree tree;
  Lines expected{"d2.leaf.test. DNAME", "a.b.c.d2.leaf.test. CNAME a.b.c.d.leaf.test.",
                 "a.b.c.d.leaf.test. A 198.51.100.7"};
  CHECK(tree.ask("a.b.c.d2.leaf.test.", type::kA).sections[0] == expected);
  size_t before = tree.net.asked.size();
  CHECK(tree.ask("a.b.c.d2.leaf.test.", type::kA).sections[0] == expected);
  CHECK(tree.net.asked.size() == before);
}

TEST_CASE("recursor: a server without glue is found by its name", "[recursion]") {
  Tree tree;
  CHECK(tree.ask("www.glueless.test.", type::kA).sections[0] == Lines{"www.glueless.test. A 198.51.100.2"});
  CHECK(tree.net.count("192.0.2.9") >= 1);
}

TEST_CASE("recursor: what does not exist is remembered as long as the SOA says", "[recursion]") {
  Tree tree;
  for (auto [owner, type, rcode] : {std::tuple{"none.leaf.test.", type::kA, 3}, {"mail.leaf.test.", type::kAaaa, 0}}) {
    Answer answer = tree.ask(owner, type);
    CHECK(answer.rcode == rcode);
    CHECK(answer.sections[0].empty());
    CHECK(answer.sections[1] == Lines{"leaf.test. SOA"});
    size_t before = tree.net.asked.size();
    tree.clock.advance(20s);
    RecursiveAnswer again = tree.raw(owner, type);
    CHECK(again.ttl == 40);
    CHECK(again.rcode == rcode);
    CHECK(tree.net.asked.size() == before);
    tree.clock.advance(41s);
    CHECK(tree.raw(owner, type).rcode == rcode);
    CHECK(tree.net.asked.size() == before + 1);
  }
  // No such name: no other type of it either.
  tree.ask("none.leaf.test.", type::kA);
  size_t before = tree.net.asked.size();
  CHECK(tree.ask("none.leaf.test.", type::kTxt).rcode == 3);
  CHECK(tree.net.asked.size() == before);
}

TEST_CASE("recursor: a lame, a silent and a failing server do not keep the others from answering", "[recursion]") {
  Tree tree;
  SECTION("lame") {
    tree.net.zones("192.0.2.3", {{"test.", kTestZone}});  // refers to itself for ever
  }
  SECTION("refusing") {
    tree.net.zones("192.0.2.3", {{"else.", "$TTL 1\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 192.0.2.3\n"}});
  }
  SECTION("silent") {
    tree.net.serve("192.0.2.3", [](auto, bool) { return FakeInternet::Packets{}; });
  }
  SECTION("failing") {
    tree.net.serve("192.0.2.3", [](std::string_view q, bool) { return FakeInternet::Packets{Forged(q).rcode(2)}; });
  }
  SECTION("talking nonsense") {
    tree.net.serve("192.0.2.3", [](std::string_view q, bool) {
      return FakeInternet::Packets{std::string(q.substr(0, 12)), "x", Forged(q).text() + "behind"};
    });
  }
  for (int i = 0; i < 20; ++i) {
    INFO(i);
    CHECK(tree.ask("n" + std::to_string(i) + ".leaf.test.", type::kA).rcode == 3);
  }
  CHECK(tree.net.count("192.0.2.3") <= 25);
}

TEST_CASE("recursor: a zone of which no server answers fails, and is left alone for a while", "[recursion]") {
  Tree tree;
  for (const char* server : {"192.0.2.3", "192.0.2.4"}) {
    tree.net.serve(server, [](auto, bool) { return FakeInternet::Packets{}; });
  }
  RecursiveAnswer answer = tree.raw("mail.leaf.test.", type::kA);
  CHECK(answer.rcode == 2);
  CHECK(answer.extended_error == extended_error::kNoReachableAuthority);
  size_t before = tree.net.asked.size();
  CHECK(tree.raw("mail.leaf.test.", type::kA).extended_error == extended_error::kCachedError);
  CHECK(tree.net.asked.size() == before);
  tree.clock.advance(2s);
  for (int i = 0; i < 100; ++i) tree.raw("other" + std::to_string(i) + ".leaf.test.", type::kA);
  CHECK(tree.net.asked.size() < before + 60);  // the servers rest
  // And is found again when they are back.
  tree.net.zones("192.0.2.3", {{"leaf.test.", kLeafZone}});
  tree.clock.advance(60s);
  CHECK(tree.raw("mail.leaf.test.", type::kA).rcode == 0);
}

TEST_CASE("recursor: the faster server is asked more often", "[recursion]") {
  Tree tree;
  tree.net.serve("192.0.2.4", [&tree](std::string_view q, bool) {
    tree.clock.advance(200ms);
    return FakeInternet::Packets{Forged(q).rcode(3).soa("leaf.test.", 60)};
  });
  for (int i = 0; i < 40; ++i) tree.raw("n" + std::to_string(i) + ".leaf.test.", type::kA);
  CHECK(tree.net.count("192.0.2.3") >= 20);
}

TEST_CASE("recursor: an answer that is cut comes over TCP", "[recursion]") {
  Tree tree;
  std::string many = "$TTL 300\n@ SOA ns1 root 1 2 3 4 60\n@ NS ns1\nns1 A 192.0.2.3\n";
  for (int i = 0; i < 90; ++i) many += "big A 10.0.0." + std::to_string(i) + "\n";
  for (const char* server : {"192.0.2.3", "192.0.2.4"}) tree.net.zones(server, {{"leaf.test.", many}});
  CHECK(tree.ask("big.leaf.test.", type::kA).sections[0].size() == 90);
  CHECK(tree.net.asked.back().tcp);
  CHECK(tree.recursor->counters().upstream_tcp == 1);
}

TEST_CASE("recursor: a server that does not know EDNS is asked without it, and that is remembered", "[recursion]") {
  Tree tree;
  for (const char* server : {"192.0.2.3", "192.0.2.4"}) {
    auto zones = std::make_shared<Zones>();
    zones->add("leaf.test.", kLeafZone);
    tree.net.serve(server, [zones](std::string_view q, bool) {
      bool edns = q[11] != 0;
      std::string plain_error = std::string(q.substr(0, 2)) + std::string("\x80\x01\0\0\0\0\0\0\0\0", 10);
      return FakeInternet::Packets{edns ? plain_error : zones->raw(q)};
    });
  }
  CHECK(tree.ask("mail.leaf.test.", type::kA).rcode == 0);
  size_t before = tree.net.asked.size();
  for (int i = 0; i < 10; ++i) tree.ask("n" + std::to_string(i) + ".leaf.test.", type::kA);
  CHECK(tree.net.asked.size() <= before + 11);  // one more of the other server
}

TEST_CASE("recursor: questions that are equal are asked once", "[recursion]") {
  Tree tree;
  tree.start();
  event::Event gate;
  tree.net.gate = &gate;
  event::TaskScope clients;
  int answered = 0;
  auto client = [](Lab* lab, int* done) -> event::Task<void> {
    RecursiveQuestion question{name("mail.leaf.test."), type::kA};
    RecursiveAnswer answer = co_await lab->recursor->resolve(question);
    CHECK(answer.counts[0] == 1);
    if (++*done == 50) event::Loop::current().stop();
  };
  for (int i = 0; i < 50; ++i) clients.spawn(client(&tree, &answered));
  CHECK(tree.net.asked.size() == 1);
  gate.set();
  event::Loop::current().run();
  CHECK(answered == 50);
  CHECK(tree.net.asked.size() == 4);
  CHECK(tree.recursor->counters().joined == 49);
  CHECK(tree.recursor->under_way() == 0);
}

TEST_CASE("recursor: D42 clients that go away leave nothing behind", "[recursion][attacks]") {
  Tree tree;
  tree.start();
  event::Event gate;
  tree.net.gate = &gate;
  auto client = [](Lab* lab, int i) -> event::Task<void> {
    RecursiveQuestion question{name("n" + std::to_string(i % 5) + ".leaf.test."), type::kA};
    co_await lab->recursor->resolve(question);
  };
  {
    event::TaskScope clients;
    for (int i = 0; i < 20; ++i) clients.spawn(client(&tree, i));
    event::Loop::current().run_once();
  }
  gate.set();
  for (int i = 0; i < 100 && tree.recursor->under_way() > 0; ++i) event::Loop::current().run_once();
  CHECK(tree.recursor->under_way() == 0);
  tree.net.gate = nullptr;
  CHECK(tree.ask("n0.leaf.test.", type::kA).rcode == 3);  // the fetches went on without them
  // A recursor that ends with fetches under way.
  event::Event never;
  tree.net.gate = &never;
  {
    event::TaskScope clients;
    for (int i = 5; i < 9; ++i) clients.spawn(client(&tree, i));
  }
  tree.recursor.reset();
}

TEST_CASE("recursor: what is used shortly before its end is fetched anew", "[recursion]") {
  Tree tree;
  tree.raw("mail.leaf.test.", type::kA);
  tree.clock.advance(297s);
  size_t before = tree.net.asked.size();
  CHECK(tree.raw("mail.leaf.test.", type::kA).ttl <= 3);
  tree.clock.advance(1s);
  tree.raw("mail.leaf.test.", type::kA);
  CHECK(tree.recursor->counters().prefetches == 1);
  CHECK(tree.net.asked.size() == before + 1);
  CHECK(tree.raw("mail.leaf.test.", type::kA).ttl >= 299);
}

TEST_CASE("recursor: flushing forgets a name, a tree, everything", "[recursion]") {
  Tree tree;
  auto learn = [&] {
    tree.raw("mail.leaf.test.", type::kA);
    tree.raw("www.glueless.test.", type::kA);
    return tree.net.asked.size();
  };
  size_t before = learn();
  REQUIRE(learn() == before);
  tree.recursor->flush_name(name("mail.leaf.test."));
  CHECK(learn() == before + 1);
  before = learn();
  tree.recursor->flush_tree(name("leaf.test."));
  CHECK(learn() == before + 2);  // the delegation, too
  before = learn();
  tree.recursor->flush();
  CHECK(learn() > before + 5);
  std::string dump;
  tree.recursor->dump([&](const std::string& line) { dump += line + "\n"; });
  CHECK(dump.find("mail.leaf.test. 300 A records 1\n") != std::string::npos);
}

TEST_CASE("recursor: an alias without end is an error", "[recursion]") {
  Tree tree;
  CHECK(tree.ask("loop1.leaf.test.", type::kA).rcode == 2);
  CHECK(tree.net.asked.size() < 10);
}

TEST_CASE("recursor: localhost and reverse names of private networks are never asked for", "[recursion][attacks]") {
  Tree tree;  // D47
  CHECK(tree.ask("localhost.", type::kA).sections[0] == Lines{"localhost. A 127.0.0.1"});
  CHECK(tree.ask("x.localhost.", type::kA).sections[0] == Lines{"x.localhost. A 127.0.0.1"});
  CHECK(tree.ask("localhost.", type::kMx).rcode == 0);
  for (const char* owner : {"1.0.0.10.in-addr.arpa.", "1.1.31.172.in-addr.arpa.", "1.1.168.192.in-addr.arpa.",
                            "x.onion.", "y.invalid.", "1.0.0.127.in-addr.arpa.", "z.d.f.ip6.arpa."}) {
    CHECK(tree.ask(owner, type::kPtr).rcode == 3);
  }
  CHECK(tree.net.asked.empty());
}
