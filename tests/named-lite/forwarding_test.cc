#include "tests/named-lite/fake_internet.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;
using namespace std::chrono_literals;

namespace {

constexpr const char* kForwarder = "192.0.2.80";
constexpr const char* kSecondForwarder = "192.0.2.81";

std::string wire(const std::string& text) {
  return std::string(name(text).lower().wire());
}

net::Endpoint at(const char* address) {
  return {*net::IpAddress::parse(address), 53};
}

/// A resolver with everything below the name, which answers without authority.
FakeInternet::Server resolver_of(std::string address) {
  return [address = std::move(address)](std::string_view q, bool) {
    CHECK((static_cast<unsigned char>(q[2]) & 1) == 1);  // recursion is asked for
    size_t at = kMessageHeader;
    std::string owner;
    expand_name(q, at, q.size(), owner);
    return FakeInternet::Packets{Forged(q, 0x0180).a(Section::answer, name_text(owner), address)};
  };
}

struct Forwarding : Tree {
  Forwarding& to(const std::string& zone, std::vector<const char*> servers, ForwardMode mode) {
    ForwardZone forward{wire(zone), {}, mode};
    for (const char* server : servers) forward.servers.push_back(at(server));
    settings.views[0].forwards.push_back(std::move(forward));
    return *this;
  }
};

}  // namespace

TEST_CASE("forwarding: all questions go to the forwarders and to nobody else", "[recursion]") {
  Forwarding lab;
  lab.net.serve(kForwarder, resolver_of("198.51.100.80"));
  lab.to(".", {kForwarder}, ForwardMode::only);
  CHECK(lab.ask("mail.leaf.test.", type::kA).sections[0] == Lines{"mail.leaf.test. A 198.51.100.80"});
  CHECK(lab.ask("any.thing.", type::kA).sections[0].size() == 1);
  CHECK(lab.net.asked.size() == 2);
  CHECK(lab.ask("mail.leaf.test.", type::kA).sections[0].size() == 1);
  CHECK(lab.net.asked.size() == 2);  // the cache of the site
}

TEST_CASE("forwarding: the second forwarder answers when the first is silent", "[recursion]") {
  Forwarding lab;
  lab.net.serve(kSecondForwarder, resolver_of("198.51.100.81"));
  lab.to(".", {kForwarder, kSecondForwarder}, ForwardMode::only);
  for (int i = 0; i < 10; ++i) {
    CHECK(lab.ask("n" + std::to_string(i) + ".test.", type::kA).sections[0].size() == 1);
  }
  CHECK(lab.net.count(kForwarder) <= 3);
}

TEST_CASE("forwarding: forward only fails without forwarders, forward first goes on alone", "[recursion]") {
  for (ForwardMode mode : {ForwardMode::only, ForwardMode::first}) {
    Forwarding lab;
    lab.to(".", {kForwarder}, mode);
    Answer answer = lab.ask("mail.leaf.test.", type::kA);
    CHECK(answer.rcode == (mode == ForwardMode::only ? 2 : 0));
    CHECK(lab.net.count(kForwarder) >= 1);
    CHECK((lab.net.count("192.0.2.1") == 0) == (mode == ForwardMode::only));
  }
}

TEST_CASE("forwarding: a zone has forwarders of its own, and none stop forwarding below it", "[recursion]") {
  Forwarding lab;
  lab.net.serve(kForwarder, resolver_of("198.51.100.80"));
  lab.net.serve(kSecondForwarder, resolver_of("198.51.100.81"));
  lab.to(".", {kForwarder}, ForwardMode::only);
  lab.to("inner.test.", {kSecondForwarder}, ForwardMode::only);
  lab.to("leaf.test.", {}, ForwardMode::only);
  CHECK(lab.ask("x.other.", type::kA).sections[0] == Lines{"x.other. A 198.51.100.80"});
  CHECK(lab.ask("x.inner.test.", type::kA).sections[0] == Lines{"x.inner.test. A 198.51.100.81"});
  CHECK(lab.ask("mail.leaf.test.", type::kA).sections[0] == Lines{"mail.leaf.test. A 198.51.100.1"});
}

TEST_CASE("forwarding: D36 a forwarder is believed about its zone only", "[recursion][attacks]") {
  Forwarding lab;  // MaginotDNS
  lab.net.serve(kForwarder, [](std::string_view q, bool) {
    size_t at = kMessageHeader;
    std::string owner;
    expand_name(q, at, q.size(), owner);
    Forged answer(q, 0x0180);
    answer.name_record(Section::answer, name_text(owner), type::kCname, "mail.leaf.test.");
    answer.a(Section::answer, "mail.leaf.test.", "203.0.113.66");
    answer.name_record(Section::authority, "test.", type::kNs, "ns.evil.");
    answer.a(Section::additional, "ns.test.", "203.0.113.66");
    return FakeInternet::Packets{answer};
  });
  lab.to("inner.", {kForwarder}, ForwardMode::only);
  CHECK(lab.ask("x.inner.", type::kA).sections[0] ==
        Lines{"x.inner. CNAME mail.leaf.test.", "mail.leaf.test. A 198.51.100.1"});
  CHECK(lab.ask("mail.leaf.test.", type::kA).sections[0] == Lines{"mail.leaf.test. A 198.51.100.1"});
  CHECK(lab.net.count("203.0.113.66") == 0);
}

TEST_CASE("forwarding: D39 two forwarders that ask one another end with an error", "[recursion][attacks]") {
  Forwarding lab;  // CVE-2026-5950: each of our questions comes back to us
  Forwarding* self = &lab;
  int depth = 0;
  lab.net.serve(kForwarder, [self, &depth](std::string_view q, bool) {
    if (++depth > 50) return FakeInternet::Packets{};
    size_t at = kMessageHeader;
    std::string owner;
    expand_name(q, at, q.size(), owner);
    event::TaskScope scope;
    auto again = [](Recursor* recursor, Name asked) -> event::Task<void> {
      RecursiveQuestion question{asked, type::kA};
      co_await recursor->resolve(question);
    };
    scope.spawn(again(self->recursor.get(), Name::from_wire(owner)));
    return FakeInternet::Packets{};
  });
  lab.to(".", {kForwarder}, ForwardMode::only);
  CHECK(lab.ask("x.inner.", type::kA).rcode == 2);
  CHECK(lab.net.asked.size() <= 3);  // the same question joins itself
}

TEST_CASE("forwarding: a stub zone's servers are asked in place of those of its delegation", "[recursion]") {
  Forwarding lab;
  lab.net.zones("192.0.2.70", {{"stub.test.",
                                "$TTL 9\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 192.0.2.70\n"
                                "x A 198.51.100.70\nsub NS ns.sub\nns.sub A 192.0.2.71\n"}});
  lab.net.zones("192.0.2.71", {{"sub.stub.test.",
                                "$TTL 9\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 192.0.2.71\n"
                                "y A 198.51.100.71\n"}});
  lab.settings.views[0].stubs.push_back({wire("stub.test."), {at("192.0.2.70")}});
  CHECK(lab.ask("x.stub.test.", type::kA).sections[0] == Lines{"x.stub.test. A 198.51.100.70"});
  CHECK(lab.ask("y.sub.stub.test.", type::kA).sections[0] == Lines{"y.sub.stub.test. A 198.51.100.71"});
  CHECK(lab.net.count("192.0.2.1") == 0);
}

TEST_CASE("forwarding: a root of one's own is believed as the public one is", "[recursion]") {
  Lab lab;  // mission K7, set-up C: the inner root sends all mail to the gateway
  lab.net.zones("192.0.2.1", {{".",
                               "$TTL 60\n@ SOA a.root. r.root. 1 2 3 4 60\n@ NS a.root.\na.root. A 192.0.2.1\n"
                               "* MX 10 gateway.corp.\ngateway.corp. A 10.0.0.25\ncorp. MX 10 gateway.corp.\n"
                               "host.corp. A 10.0.0.7\n"}});
  CHECK(lab.ask("example.com.", type::kMx).sections[0] == Lines{"example.com. MX 10 gateway.corp."});
  CHECK(lab.ask("gateway.corp.", type::kA).sections[0] == Lines{"gateway.corp. A 10.0.0.25"});
  CHECK(lab.ask("host.corp.", type::kMx).sections[0].empty());  // an explicit name hides the wildcard
  CHECK(lab.ask("example.com.", type::kA).rcode == 0);
}
