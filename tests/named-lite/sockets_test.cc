#include "named-lite/recursion/sockets.h"

#include "libcommon/base/clock.h"
#include "named-lite/recursion/recursor.h"
#include "tests/named-lite/real_server.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;
using namespace std::chrono_literals;

namespace {

UpstreamRequest request_to(uint16_t port, const std::string& owner = "x.test.") {
  UpstreamRequest request;
  request.server = {*net::IpAddress::parse("127.0.0.1"), port};
  Name asked = name(owner);
  UpstreamQuestion question{0x4711, asked.wire(), type::kA};
  request.packet = write_question(question);
  request.limit = 2s;
  return request;
}

UpstreamReply exchange(SocketUpstream& upstream, const UpstreamRequest& request) {
  return event::run_until_done(upstream.exchange(request));
}

}  // namespace

TEST_CASE("sockets: D34 each question leaves from a port of its own", "[recursion][attacks]") {
  SocketUpstream upstream({});
  std::set<uint16_t> ports;
  {
    RealServer server("127.0.0.1", 0, [](std::string_view q, bool) {
      return FakeInternet::Packets{Forged(q).a(Section::answer, "x.test.", "198.51.100.1")};
    });
    for (int i = 0; i < 100; ++i) {
      CHECK(exchange(upstream, request_to(server.port())).status == UpstreamStatus::answered);
    }
    ports = server.client_ports;
  }
  CHECK(ports.size() >= 95);
  CHECK(*ports.begin() < 20'000);  // of the whole range
  CHECK(*ports.rbegin() > 45'000);
  CHECK(upstream.open() == 0);
}

TEST_CASE("sockets: ports stay within the range that is given", "[recursion]") {
  SocketUpstream::Options options;
  options.ports_v4.least = 40'000;
  options.ports_v4.most = 40'050;
  SocketUpstream upstream(options);
  RealServer server("127.0.0.1", 0, [](std::string_view q, bool) { return FakeInternet::Packets{Forged(q)}; });
  for (int i = 0; i < 20; ++i) exchange(upstream, request_to(server.port()));
  CHECK(*server.client_ports.begin() >= 40'000);
  CHECK(*server.client_ports.rbegin() <= 40'050);
}

TEST_CASE("sockets: D35 a packet from another port of the server's host is not seen", "[recursion][attacks]") {
  SocketUpstream upstream({});
  Fd other(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  RealServer* self = nullptr;
  RealServer server("127.0.0.1", 0, [&](std::string_view q, bool) {
    sockaddr_in to = at_loopback("127.0.0.1", *self->client_ports.begin());  // with the right id and port
    std::string forged = Forged(q).a(Section::answer, "x.test.", "203.0.113.66").text();
    for (int i = 0; i < 10; ++i) {
      ::sendto(other.get(), forged.data(), forged.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
    return FakeInternet::Packets{Forged(q).a(Section::answer, "x.test.", "198.51.100.1").text()};
  });
  self = &server;
  UpstreamReply reply = exchange(upstream, request_to(server.port()));
  REQUIRE(reply.status == UpstreamStatus::answered);
  CHECK(reply.mismatches == 0);
  CHECK(reply.reply.answer().at(0).data == std::string("\xc6\x33\x64\x01"));
}

TEST_CASE("sockets: silence, a closed port and a wrong answer are told apart", "[recursion]") {
  SocketUpstream upstream({});
  uint16_t closed = 0;
  {
    RealServer silent("127.0.0.1", 0, [](auto, bool) { return FakeInternet::Packets{}; });
    UpstreamRequest request = request_to(silent.port());
    request.limit = 100ms;
    CHECK(exchange(upstream, request).status == UpstreamStatus::timed_out);
    request.over_tcp = true;  // is accepted and closed without an answer
    CHECK(exchange(upstream, request).status == UpstreamStatus::broken);
    closed = silent.port();
  }
  CHECK(exchange(upstream, request_to(closed)).status == UpstreamStatus::unreachable);
  RealServer wrong("127.0.0.1", 0, [](std::string_view q, bool) {
    std::string other = Forged(q).text();
    other[0] = 'x';
    return FakeInternet::Packets(20, other);
  });
  UpstreamReply reply = exchange(upstream, request_to(wrong.port()));
  CHECK(reply.status == UpstreamStatus::suspicious);
  CHECK(reply.mismatches == 8);
}

TEST_CASE("sockets: no more are open than allowed", "[recursion]") {
  SocketUpstream::Options options;
  options.most_open = 0;
  SocketUpstream upstream(options);
  CHECK(exchange(upstream, request_to(9)).status == UpstreamStatus::no_resources);
}

TEST_CASE("sockets: a tree of real servers is walked, over UDP and TCP", "[recursion]") {
  // Root, top level domain, two servers of a zone of which one is silent; all on the port of the first.
  std::string root =
      "$TTL 60\n@ SOA a.root. r.root. 1 2 3 4 60\n@ NS a.root.\na.root. A 127.0.0.1\ntest. NS ns.test.\n"
      "ns.test. A 127.0.0.2\n";
  std::string test =
      "$TTL 60\n@ SOA ns root 1 2 3 4 60\n@ NS ns\nns A 127.0.0.2\nleaf NS ns1.leaf\nleaf NS ns2.leaf\n"
      "ns1.leaf A 127.0.0.3\nns2.leaf A 127.0.0.4\n";
  std::string leaf =
      "$TTL 60\n@ SOA ns1 root 1 2 3 4 60\n@ NS ns1\nns1 A 127.0.0.3\nwww CNAME mail\nmail A 198.51.100.1\n";
  for (int i = 0; i < 90; ++i) leaf += "big A 10.0.0." + std::to_string(i) + "\n";
  RealServer root_server("127.0.0.1", 0, zone_server({{".", root}}));
  uint16_t port = root_server.port();
  RealServer test_server("127.0.0.2", port, zone_server({{"test.", test}}));
  RealServer leaf_server("127.0.0.3", port, zone_server({{"leaf.test.", leaf}}));
  RealServer silent_server("127.0.0.4", port, [](auto, bool) { return FakeInternet::Packets{}; });

  RecursionSettings settings;
  ViewRecursion view;
  view.hints.push_back({std::string(name("a.root.").wire()), {*net::IpAddress::parse("127.0.0.1")}});
  settings.views.push_back(std::move(view));
  settings.port = port;
  settings.allow_loopback = true;
  settings.use_ipv6 = false;
  SocketUpstream upstream({});
  ResolverClock clock;
  Recursor recursor(settings, upstream, clock);
  auto ask = [&](const std::string& owner) {
    RecursiveQuestion question{name(owner), type::kA};
    return Lab::as_message(owner, type::kA, event::run_until_done(recursor.resolve(question)));
  };
  CHECK(ask("www.leaf.test.").sections[0] ==
        Lines{"www.leaf.test. CNAME mail.leaf.test.", "mail.leaf.test. A 198.51.100.1"});
  CHECK(ask("big.leaf.test.").sections[0].size() == 90);
  CHECK(recursor.counters().upstream_tcp == 1);
  CHECK(ask("none.leaf.test.").rcode == 3);
  CHECK(ask("www.leaf.test.").sections[0].size() == 2);
  CHECK(recursor.counters().cache_hits >= 2);
}

namespace {

TsigKeys keys_with(const std::string& secret) {
  TsigKey key;
  key.name = name("k.");
  key.secret = secret;
  return {key};
}

/// Answers who signs with this secret, signed, over UDP after an unsigned and a wrongly signed answer.
RealServer::Behaviour signing_server(const std::string& secret) {
  return [secret](std::string_view q, bool tcp) {
    FakeInternet::Packets packets;
    TsigRecord record;
    static const TsigKeys wrong = keys_with("another");
    const TsigKeys keys = keys_with(secret);
    if (find_tsig(q, record) != TsigFound::yes) return packets;
    auto now = static_cast<uint64_t>(wall_seconds());
    TsigCheck check = verify_request(q, record, keys, now);
    if (!check.ok()) return packets;
    std::string question(q.substr(0, 12 + 8 + 4));  // x.test. A IN
    question[11] = 0;
    std::string good = Forged(question).a(Section::answer, "x.test.", "198.51.100.1").text();
    std::string forged = Forged(question).a(Section::answer, "x.test.", "203.0.113.66").text();
    std::string badly_signed = forged;
    TsigSigner(wrong[0]).sign(badly_signed, now);
    TsigSigner(check).sign(good, now);
    if (!tcp) packets = {forged, badly_signed};
    packets.push_back(good);
    return packets;
  };
}

}  // namespace

TEST_CASE("sockets: a question with a key is signed, and only an answer that is signed with it is one",
          "[recursion][attacks]") {
  RealServer server("127.0.0.1", 0, signing_server("secret"));
  SocketUpstream upstream({});
  UpstreamRequest request = request_to(server.port());
  request.limit = 300ms;
  CHECK(exchange(upstream, request).status == UpstreamStatus::timed_out);  // unsigned: it gets no answer
  request.key = std::string(name("k.").wire());
  CHECK(exchange(upstream, request).status == UpstreamStatus::no_resources);  // the key is not there
  upstream.set_keys(keys_with("secret"));
  UpstreamReply reply = exchange(upstream, request);
  REQUIRE(reply.status == UpstreamStatus::answered);
  CHECK(reply.mismatches == 2);
  CHECK(reply.reply.answer().at(0).data == std::string("\xc6\x33\x64\x01"));
  request.over_tcp = true;
  reply = exchange(upstream, request);
  REQUIRE(reply.status == UpstreamStatus::answered);
  CHECK(reply.reply.answer().at(0).data == std::string("\xc6\x33\x64\x01"));
  upstream.set_keys(keys_with("changed"));
  request.over_tcp = false;
  CHECK(exchange(upstream, request).status == UpstreamStatus::timed_out);
}
