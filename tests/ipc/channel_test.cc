#include "libcommon/ipc/channel.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "libcommon/services/flush.h"
#include "libcommon/services/qmgr.h"

using namespace umaya;
using namespace umaya::event;
using namespace umaya::ipc;
using namespace umaya::services;

namespace {

struct Pair {
  std::unique_ptr<Channel> client, server;
  Pair() {
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    client = std::make_unique<Channel>(Fd(fds[0]));
    server = std::make_unique<Channel>(Fd(fds[1]));
  }
};

Task<void> serve(Channel* channel, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    auto command = co_await channel->receive<qmgr::Command>();
    if (!command) co_return;
    qmgr::Done done{true, command->argument + "!"};
    (void)co_await channel->send(std::move(done));
  }
}

Task<Result<qmgr::Done>> ask(Channel* channel, std::string argument) {
  qmgr::Command command{qmgr::Verb::flush_site, std::move(argument)};
  co_return co_await channel->call<qmgr::Done>(std::move(command), {}, 1s);
}

}  // namespace

TEST_CASE("channel: requests are answered in turn on one connection", "[ipc][channel]") {
  Pair pair;
  TaskScope scope;
  scope.spawn(serve(pair.server.get(), 3));
  for (std::string site : {"a.test", "b.test", "c.test"}) {
    auto done = run_until_done(ask(pair.client.get(), site));
    REQUIRE(done);
    REQUIRE(done->text == site + "!");
  }
}

TEST_CASE("channel: silence is a time-out, a closed peer an error, garbage refused", "[ipc][channel]") {
  Pair pair;
  REQUIRE(run_until_done(pair.client->receive<qmgr::Done>(5ms)).error().sys_errno == ETIMEDOUT);
  REQUIRE(pair.server->send_now("garbage"));
  REQUIRE_FALSE(run_until_done(pair.client->receive<qmgr::Done>(1s)));
  pair.server.reset();
  REQUIRE(run_until_done(pair.client->receive<qmgr::Done>(1s)).error().sys_errno == ECONNRESET);
}

TEST_CASE("channel: descriptors travel and are owned by the receiver", "[ipc][channel]") {
  Pair pair;
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  Fd read_end(pipe_ends[0]), write_end(pipe_ends[1]);
  int handed[] = {write_end.get()};
  REQUIRE(pair.client->send_now(encode(flush::Done{}), handed));
  std::vector<Fd> fds;
  REQUIRE(run_until_done(pair.server->receive<flush::Done>(1s, &fds)));
  REQUIRE(fds.size() == 1);
  REQUIRE(::write(fds[0].get(), "x", 1) == 1);
}

TEST_CASE("channel: a sender waits while the peer's queue is full, nothing is lost", "[ipc][channel]") {
  Pair pair;
  auto flood = [](Channel* channel) -> Task<void> {
    for (int i = 0; i < 200; ++i) {
      auto sent = co_await channel->send_packet(std::string(60'000, static_cast<char>('a' + i % 26)));
      REQUIRE(sent);
    }
  };
  auto drain = [](Channel* channel, int* count) -> Task<void> {
    for (; *count < 200; ++*count) {
      auto packet = co_await channel->receive_packet(1s);
      REQUIRE(packet);
      REQUIRE(packet->bytes.size() == 60'000);
      REQUIRE(packet->bytes[0] == static_cast<char>('a' + *count % 26));
    }
  };
  int count = 0;
  TaskScope scope;
  scope.spawn(flood(pair.client.get()));
  scope.spawn(drain(pair.server.get(), &count));
  while (!scope.empty()) Loop::current().run_once();
  REQUIRE(count == 200);
}

TEST_CASE("channel: what is larger than a message may be is refused by the sender", "[ipc][channel]") {
  Pair pair;
  REQUIRE(pair.client->send_now(std::string(kMaxMessage + 1, 'x')).error().sys_errno == EMSGSIZE);
}
