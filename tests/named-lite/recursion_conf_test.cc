#include "tests/named-lite/fake_internet.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

std::string wire(const std::string& text) {
  return std::string(name(text).lower().wire());
}

net::Endpoint at(const std::string& address) {
  return {*net::IpAddress::parse(address), 53};
}

ServerPolicy policy(const std::string& network) {
  return {*net::Network::parse(network), false, true, false, true, 0};
}

/// Octets that an OPT record of a question says may come back; 0: there is none.
uint16_t udp_size(const std::string& packet) {
  size_t end = kMessageHeader;
  std::string owner;
  expand_name(packet, end, packet.size(), owner);
  return packet[11] == 0 ? uint16_t{0} : be16_at(packet, end + 4 + 3);
}

}  // namespace

TEST_CASE("recursion: a stub's primaries say which servers are asked", "[recursion]") {
  Tree tree;
  StubZone stub{wire("leaf.test."), {at("192.0.2.4")}};
  stub.is_static = false;
  tree.settings.views[0].stubs.push_back(stub);
  CHECK(tree.ask("mail.leaf.test.", type::kA).rcode == rcode::kNoError);
  CHECK(tree.net.asked.front().server == "192.0.2.4");
  CHECK(tree.net.asked.front().type == type::kNs);
  CHECK(tree.net.count("192.0.2.1") + tree.net.count("192.0.2.2") == 0);
  size_t before = tree.net.count("", "leaf.test.");
  for (int i = 0; i < 200; ++i) tree.ask("n" + std::to_string(i) + ".leaf.test.", type::kA);
  CHECK(tree.net.count("", "leaf.test.") == before);
  CHECK(tree.net.count("192.0.2.3") > 0);
}

TEST_CASE("recursion: a stub whose servers nobody can reach is asked of its primaries", "[recursion]") {
  Tree tree;
  tree.net.zones("192.0.2.70",
                 {{"leaf.test.", "$TTL 60\n@ SOA ns root 1 2 3 4 60\n@ NS ns\nns A 127.0.0.1\nmail A 198.51.100.9\n"}});
  StubZone stub{wire("leaf.test."), {at("192.0.2.70")}};
  stub.is_static = false;
  tree.settings.views[0].stubs.push_back(stub);
  CHECK(tree.ask("mail.leaf.test.", type::kA).sections[0] ==
        std::vector<std::string>{"mail.leaf.test. A 198.51.100.9"});
  CHECK(tree.net.count("127.0.0.1") == 0);
}

TEST_CASE("recursion: a static stub knows servers by name", "[recursion]") {
  Tree tree;
  tree.settings.views[0].stubs.push_back({wire("glueless.test."), {}, {wire("ns.hosts.other.")}});
  CHECK(tree.ask("www.glueless.test.", type::kA).sections[0] ==
        std::vector<std::string>{"www.glueless.test. A 198.51.100.2"});
  CHECK(tree.net.count("192.0.2.2") == 0);
}

TEST_CASE("recursion: server clauses decide by the longest prefix", "[recursion]") {
  Tree tree;
  ServerPolicy all = policy("192.0.2.0/24"), one = policy("192.0.2.3/32"), never = policy("192.0.2.4/32");
  all.udp_size = 700;
  one.edns = false;
  never.bogus = true;
  tree.settings.views[0].servers = {all, one, never};
  tree.ask("mail.leaf.test.", type::kA);
  CHECK(udp_size(tree.net.last_packet) == 0);
  CHECK(tree.net.count("192.0.2.4") == 0);
  tree.ask("www.other.", type::kA);
  CHECK(udp_size(tree.net.last_packet) == 700);
}

TEST_CASE("recursion: a server that is to be asked over TCP only is", "[recursion]") {
  Tree tree;
  ServerPolicy leaf = policy("192.0.2.3/32");
  ServerPolicy other = policy("192.0.2.4/32");
  leaf.tcp_only = other.tcp_only = true;
  tree.settings.views[0].servers = {leaf, other};
  CHECK(tree.ask("mail.leaf.test.", type::kA).rcode == rcode::kNoError);
  for (const SeenQuestion& seen : tree.net.asked) {
    CHECK(seen.tcp == (seen.server == "192.0.2.3" || seen.server == "192.0.2.4"));
  }
}

TEST_CASE("recursion: TTLs are raised to what the configuration says is the least", "[recursion]") {
  Tree tree;
  tree.net.serve("192.0.2.3", [](std::string_view packet, bool) {
    return FakeInternet::Packets(Forged(packet).a(Section::answer, "zero.leaf.test.", "198.51.100.1", 0));
  });
  tree.net.serve("192.0.2.4", [](std::string_view packet, bool) {
    return FakeInternet::Packets(Forged(packet).a(Section::answer, "zero.leaf.test.", "198.51.100.1", 0));
  });
  tree.settings.min_ttl = 40;
  tree.settings.min_negative_ttl = 90;
  CHECK(tree.raw("zero.leaf.test.", type::kA).ttl == 40);
  CHECK(tree.raw("nobody.other.", type::kA).ttl == 90);
}

TEST_CASE("recursion: strict minimisation believes that nothing is below a name that does not exist", "[recursion]") {
  auto lying = [](std::string_view packet, bool) {
    size_t end = kMessageHeader;
    std::string owner;
    expand_name(packet, end, packet.size(), owner);
    bool whole = Name::from_wire(owner).text() == "www.inside.leaf.test.";
    Forged answer(packet);
    if (whole) return FakeInternet::Packets(answer.a(Section::answer, "www.inside.leaf.test.", "198.51.100.1"));
    std::string soa(name("ns.leaf.test.").wire());
    soa += std::string(name("r.").wire()) + std::string(16, '\0') + std::string("\0\0\0\x3c", 4);
    return FakeInternet::Packets(answer.rcode(rcode::kNxDomain).add(Section::authority, "leaf.test.", type::kSoa, soa));
  };
  for (Minimise mode : {Minimise::relaxed, Minimise::strict}) {
    Tree tree;
    tree.settings.minimise = mode;
    tree.net.serve("192.0.2.3", lying).serve("192.0.2.4", lying);
    uint16_t expected = mode == Minimise::strict ? rcode::kNxDomain : rcode::kNoError;
    CHECK(tree.ask("www.inside.leaf.test.", type::kA).rcode == expected);
    size_t asked = tree.net.asked.size();
    CHECK(tree.ask("www.inside.leaf.test.", type::kA).rcode == expected);
    CHECK(tree.net.asked.size() == asked);
  }
}

TEST_CASE("recursion: servfail-ttl says how long a failure is remembered, longer each time", "[recursion]") {
  auto failing = [](std::string_view packet, bool) {
    return FakeInternet::Packets(Forged(packet).rcode(rcode::kServFail));
  };
  for (uint32_t seconds : {0u, 4u}) {
    Tree tree;
    tree.settings.failure_ttl = seconds;
    tree.net.serve("192.0.2.3", failing).serve("192.0.2.4", failing);
    auto asks_anew = [&] {
      size_t before = tree.net.asked.size();
      CHECK(tree.raw("x.leaf.test.", type::kA).rcode == rcode::kServFail);
      return tree.net.asked.size() > before;
    };
    CHECK(asks_anew());
    CHECK(asks_anew() == (seconds == 0));
    tree.clock.advance(std::chrono::seconds(5));
    CHECK(asks_anew());
    tree.clock.advance(std::chrono::seconds(5));
    CHECK(asks_anew() == (seconds == 0));
  }
}

TEST_CASE("recursion: beyond a quota an answer says SERVFAIL or is not given", "[recursion]") {
  for (OverQuota action : {OverQuota::fail, OverQuota::drop}) {
    Tree tree;
    tree.settings.limits.fetches_per_zone = 1;
    tree.settings.limits.over_zone_quota = action;
    tree.ask("mail.leaf.test.", type::kA);
    event::Event gate;
    tree.net.gate = &gate;
    event::TaskScope scope;
    std::vector<RecursiveAnswer> answers;
    auto ask = [](Recursor& recursor, std::string owner, std::vector<RecursiveAnswer>& out) -> event::Task<void> {
      RecursiveQuestion question{name(owner), type::kA};
      RecursiveAnswer answer = co_await recursor.resolve(std::move(question));
      out.push_back(std::move(answer));
    };
    scope.spawn(ask(*tree.recursor, "one.leaf.test.", answers));
    scope.spawn(ask(*tree.recursor, "two.leaf.test.", answers));
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].rcode == rcode::kServFail);
    CHECK(answers[0].dropped == (action == OverQuota::drop));
    CHECK(answers[0].ttl == 0);
    tree.net.gate = nullptr;
    gate.set();
    auto pause = []() -> event::Task<void> { co_await event::sleep(std::chrono::milliseconds(5)); };
    while (answers.size() < 2) event::run_until_done(pause());
    CHECK(answers[1].rcode == rcode::kNxDomain);
    CHECK_FALSE(answers[1].dropped);
  }
}

TEST_CASE("recursion: clients of one question beyond the number get no answer, and it grows", "[recursion]") {
  Tree tree;
  tree.settings.limits.clients_per_query = 2;
  tree.settings.limits.most_clients_per_query = 5;
  tree.ask("mail.leaf.test.", type::kA);
  auto crowd = [&](const std::string& owner) {
    event::Event gate;
    tree.net.gate = &gate;
    event::TaskScope scope;
    std::vector<RecursiveAnswer> answers;
    auto ask = [](Recursor& recursor, std::string asked, std::vector<RecursiveAnswer>& out) -> event::Task<void> {
      RecursiveQuestion question{name(asked), type::kA};
      RecursiveAnswer answer = co_await recursor.resolve(std::move(question));
      out.push_back(std::move(answer));
    };
    for (int i = 0; i < 9; ++i) scope.spawn(ask(*tree.recursor, owner, answers));
    size_t dropped = answers.size();
    CHECK(std::all_of(answers.begin(), answers.end(), [](const RecursiveAnswer& each) { return each.dropped; }));
    tree.net.gate = nullptr;
    gate.set();
    auto pause = []() -> event::Task<void> { co_await event::sleep(std::chrono::milliseconds(5)); };
    while (answers.size() < 9) event::run_until_done(pause());
    return 9 - dropped;
  };
  CHECK(crowd("one.leaf.test.") == 2);
  CHECK(crowd("two.leaf.test.") == 5);
  CHECK(crowd("three.leaf.test.") == 5);
}
