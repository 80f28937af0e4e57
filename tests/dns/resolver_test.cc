#include "libcommon/dns/resolver.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <functional>

#include "libcommon/event/datagram.h"
#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "tests/dns/answer_builder.h"

using namespace umaya;
using namespace umaya::dns;
using namespace std::chrono_literals;
using event::Task;

namespace {

// A name server on a loopback port whose answers the test makes.
class Server {
 public:
  using Handler = std::function<std::vector<std::string>(const Query&)>;

  Server() {
    auto listening = bind_both();
    for (int tries = 0; !listening && tries < 100; ++tries) listening = bind_both();  // TCP may have the port in use
    listener_.emplace(std::move(listening.value()), [this](Fd fd, const event::PeerAddress&) {
      scope_.spawn(serve_tcp(std::make_unique<event::Stream>(std::move(fd))));
    });
    scope_.spawn(serve_udp());
  }
  std::string line() const { return "nameserver " + endpoint_.to_string() + "\n"; }

  Handler udp = [](const Query& q) { return std::vector{AnswerBuilder(q).rcode(Rcode::no_name).wire()}; };
  Handler tcp = udp;
  int udp_seen = 0;
  int tcp_seen = 0;
  bool saw_edns = false;

 private:
  /// A port of UDP that nobody has; the same one listening for TCP, if that is free, too.
  Result<Fd> bind_both() {
    event::PeerAddress any;
    any.size = net::Endpoint::parse("127.0.0.1:0")->to_sockaddr(any.storage);
    udp_.emplace(event::DatagramSocket::create(AF_INET, any).value());
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    getsockname(udp_->fd(), reinterpret_cast<sockaddr*>(&bound), &size);
    endpoint_ = *net::Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&bound));
    return event::listen_on(reinterpret_cast<sockaddr*>(&bound), size);
  }
  static Query query_in(std::string_view wire) {
    auto m = parse_message(wire);
    return {.id = m->id, .name = m->question, .type = m->question_type};
  }
  Task<void> serve_udp() {
    for (;;) {
      auto packet = co_await udp_->receive(event::kForever);
      if (!packet) co_return;
      ++udp_seen;
      saw_edns = packet->bytes[11] == 1;
      for (const std::string& answer : udp(query_in(packet->bytes))) (void)udp_->send(answer, &packet->from);
    }
  }
  Task<void> serve_tcp(std::unique_ptr<event::Stream> stream) {
    event::Read head = co_await stream->read_exactly(2);
    if (!head) co_return;
    event::Read body = co_await stream->read_exactly(ByteReader(head.data).be16());
    if (!body) co_return;
    ++tcp_seen;
    for (const std::string& answer : tcp(query_in(body.data))) {
      std::string framed;
      ByteWriter(framed).be16(static_cast<uint16_t>(answer.size())).bytes(answer);
      stream->write(framed);
    }
    auto sent = co_await stream->flush();
    (void)sent;
  }

  std::optional<event::DatagramSocket> udp_;
  net::Endpoint endpoint_;
  std::optional<event::Listener> listener_;
  event::TaskScope scope_;
};

class ConfFile {
 public:
  explicit ConfFile(const std::string& text) {
    path_ = "/tmp/umaya-resolv-" + std::to_string(getpid());
    std::ofstream(path_) << text;
  }
  ~ConfFile() { ::unlink(path_.c_str()); }
  std::unique_ptr<StubResolver> open() const {
    return std::move(StubResolver::open({.resolv_conf = path_, .hosts = "/nonexistent"}).value());
  }

 private:
  std::string path_;
};

std::vector<std::string> address_answer(const Query& q, uint32_t ttl = 300) {
  return {AnswerBuilder(q).answer(q.name, Type::a, std::string("\xc0\0\2\1", 4), ttl).wire()};
}

}  // namespace

TEST_CASE("resolver: asks, remembers for the TTL, and not longer", "[dns]") {
  event::Loop loop;
  Server server;
  server.udp = [](const Query& q) { return address_answer(q, q.name == "zero.example" ? 0 : 300); };
  auto resolver = ConfFile(server.line()).open();
  for (int i = 0; i < 3; ++i) {
    Answer a = event::run_until_done(resolver->query("A.example.", Type::a));
    CHECK(a.status == Status::found);
    CHECK(a.records.at(0).address.to_string() == "192.0.2.1");
  }
  CHECK(server.udp_seen == 1);
  CHECK(server.saw_edns);
  for (int i = 0; i < 2; ++i) CHECK(event::run_until_done(resolver->query("zero.example", Type::a)).found());
  CHECK(server.udp_seen == 3);
}

TEST_CASE("resolver: equal questions under way are asked once", "[dns]") {
  event::Loop loop;
  Server server;
  server.udp = [](const Query& q) { return address_answer(q); };
  auto resolver = ConfFile(server.line()).open();
  int found = 0;
  auto one = [](StubResolver* r, int* count, event::Loop* l) -> Task<void> {
    Answer a = co_await r->query("a.example", Type::a);
    *count += a.found();
    if (*count == 20) l->stop();
  };
  event::TaskScope scope;
  for (int i = 0; i < 20; ++i) scope.spawn(one(resolver.get(), &found, &loop));
  loop.run();
  CHECK(found == 20);
  CHECK(server.udp_seen == 1);
}

TEST_CASE("resolver: a cut answer is asked for again by TCP", "[dns]") {
  event::Loop loop;
  Server server;
  server.udp = [](const Query& q) { return std::vector{AnswerBuilder(q).truncated().wire()}; };
  server.tcp = [](const Query& q) {
    AnswerBuilder b(q);
    for (uint16_t i = 0; i < 90; ++i) b.mx(q.name, i, "a-rather-long-name-" + std::to_string(i) + ".example");
    return std::vector{b.wire()};
  };
  auto resolver = ConfFile(server.line()).open();
  CHECK(event::run_until_done(resolver->query("d.example", Type::mx)).records.size() == 90);
  CHECK(server.tcp_seen == 1);
  auto by_tcp = ConfFile(server.line() + "options use-vc\n").open();
  CHECK(event::run_until_done(by_tcp->query("d.example", Type::mx)).found());
  CHECK(server.udp_seen == 1);
}

TEST_CASE("resolver: answers to other questions are waited over", "[dns]") {
  event::Loop loop;
  Server server;
  server.udp = [](const Query& q) {
    Query forged = q;
    forged.id ^= 1;
    std::vector<std::string> out = address_answer(forged);
    forged = q;
    forged.name = "other.example";
    out.push_back(address_answer(forged)[0]);
    out.push_back("junk");
    out.push_back(AnswerBuilder(q).rcode(Rcode::no_name).soa("example", 60, 60).wire());
    return out;
  };
  auto resolver = ConfFile(server.line()).open();
  CHECK(event::run_until_done(resolver->query("a.example", Type::a)).status == Status::no_name);
}

TEST_CASE("resolver: a server that fails or is silent makes room for the next", "[dns]") {
  event::Loop loop;
  Server bad;
  Server good;
  good.udp = [](const Query& q) { return address_answer(q); };
  auto resolver = ConfFile(bad.line() + good.line() + "options timeout:1 attempts:1\n").open();
  bad.udp = [](const Query& q) { return std::vector{AnswerBuilder(q).rcode(Rcode::failure).wire()}; };
  CHECK(event::run_until_done(resolver->query("a.example", Type::a)).found());
  bad.udp = [](const Query& q) { return std::vector{AnswerBuilder(q).rcode(Rcode::refused).wire()}; };
  CHECK(event::run_until_done(resolver->query("b.example", Type::a)).found());
  bad.udp = [](const Query&) { return std::vector<std::string>{}; };
  CHECK(event::run_until_done(resolver->query("c.example", Type::a)).found());
}

TEST_CASE("resolver: F6 every way of not knowing has its status", "[dns]") {
  event::Loop loop;
  Server server;
  auto resolver = ConfFile(server.line() + "options timeout:1 attempts:1\n").open();
  auto status = [&resolver](std::string name) {
    return event::run_until_done(resolver->query(std::move(name), Type::mx)).status;
  };
  server.udp = [](const Query& q) { return std::vector{AnswerBuilder(q).rcode(Rcode::failure).wire()}; };
  CHECK(status("a.example") == Status::fail);
  server.udp = [](const Query& q) { return std::vector{AnswerBuilder(q).rcode(Rcode::refused).wire()}; };
  CHECK(status("a.example") == Status::refused);
  server.udp = [](const Query&) { return std::vector<std::string>{}; };
  CHECK(status("a.example") == Status::timed_out);
  server.udp = [](const Query& q) { return std::vector{AnswerBuilder(q).answer(q.name, q.type, "x").wire()}; };
  CHECK(status("a.example") == Status::malformed);
  server.udp = [](const Query& q) { return std::vector{AnswerBuilder(q).wire()}; };
  CHECK(status("a.example") == Status::no_data);
  CHECK(status("a..b") == Status::invalid);
  auto nobody = ConfFile("nameserver [127.0.0.1]:1\n").open();
  CHECK(event::run_until_done(nobody->query("a.example", Type::a)).status == Status::timed_out);
}

TEST_CASE("resolver: a server that dislikes EDNS is asked plainly", "[dns]") {
  event::Loop loop;
  Server server;
  server.udp = [&server](const Query& q) {
    if (server.saw_edns) return std::vector{AnswerBuilder(q).rcode(Rcode::format).wire()};
    return address_answer(q);
  };
  auto resolver = ConfFile(server.line()).open();
  CHECK(event::run_until_done(resolver->query("a.example", Type::a)).found());
  CHECK(server.udp_seen == 2);
}

TEST_CASE("resolver: aliases that leave the answer are followed, rings are not", "[dns]") {
  event::Loop loop;
  Server server;
  server.udp = [](const Query& q) {
    std::string rdata;
    if (q.name == "end.example") return address_answer(q);
    append_name(rdata, q.name == "start.example" ? "end.example" : q.name == "a.ring" ? "b.ring" : "a.ring");
    return std::vector{AnswerBuilder(q).answer(q.name, Type::cname, rdata).wire()};
  };
  auto resolver = ConfFile(server.line()).open();
  Answer a = event::run_until_done(resolver->query("start.example", Type::a));
  CHECK(a.found());
  CHECK(a.name == "end.example");
  CHECK(a.is_alias);
  CHECK(event::run_until_done(resolver->query("a.ring", Type::a)).status == Status::malformed);
}

TEST_CASE("resolver: a waiter that is cancelled does not disturb the others", "[dns]") {
  event::Loop loop;
  Server server;
  server.udp = [](const Query& q) { return address_answer(q); };
  auto resolver = ConfFile(server.line()).open();
  auto wait = [](StubResolver* r) -> Task<void> { co_await r->query("a.example", Type::a); };
  auto scope = std::make_unique<event::TaskScope>();
  scope->spawn(wait(resolver.get()));
  scope.reset();
  CHECK(event::run_until_done(resolver->query("a.example", Type::a)).found());
  CHECK(server.udp_seen == 1);
}

TEST_CASE("answer cache: is bounded and forgets the one used longest ago", "[dns]") {
  AnswerCache cache(3);
  Answer answer;
  answer.status = Status::no_name;
  answer.ttl = 10;
  TimePoint now = monotonic_now();
  for (const char* name : {"a", "b", "c"}) cache.put(name, Type::a, answer, now);
  CHECK(cache.find("a", Type::a, now));
  cache.put("d", Type::a, answer, now);
  CHECK(cache.size() == 3);
  CHECK(cache.find("a", Type::a, now));
  CHECK_FALSE(cache.find("b", Type::a, now));
  CHECK_FALSE(cache.find("a", Type::mx, now));
  CHECK_FALSE(cache.find("a", Type::a, now + 11s));
  answer.status = Status::fail;
  cache.put("e", Type::a, answer, now);
  CHECK_FALSE(cache.find("e", Type::a, now));
}
