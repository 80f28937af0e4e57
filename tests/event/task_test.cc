#include "libcommon/event/task.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "libcommon/event/child.h"
#include "libcommon/event/datagram.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/worker_pool.h"

using namespace umaya;
using namespace umaya::event;

namespace {

struct Guard {
  int* alive;
  explicit Guard(int* count) : alive(count) { ++*alive; }
  Guard(const Guard&) = delete;
  ~Guard() { --*alive; }
};

Task<int> inner(int* alive, Duration wait) {
  Guard guard(alive);
  co_await sleep(wait);
  co_return 7;
}

Task<void> outer(int* alive, Duration wait, int* result) {
  Guard guard(alive);
  *result = co_await inner(alive, wait);
}

Task<int> counted(int n) {
  co_return n;
}

Task<long> sum_many(int n) {
  long sum = 0;
  for (int i = 0; i < n; ++i) {
    int one = co_await counted(i);
    sum += one;
  }
  co_return sum;
}

Task<void> sleeper(int* alive) {
  Guard guard(alive);
  co_await sleep(3600s);
}

}  // namespace

TEST_CASE("task: destroying the scope destroys every waiting frame", "[event][task]") {
  int alive = 0, result = 0;
  {
    TaskScope scope;
    scope.spawn(outer(&alive, 3600s, &result));
    REQUIRE(alive == 2);
    REQUIRE(scope.size() == 1);
  }
  REQUIRE(alive == 0);
  REQUIRE(result == 0);
}

TEST_CASE("task: results move up through the tasks that wait", "[event][task]") {
  int alive = 0, result = 0;
  TaskScope scope;
  scope.spawn(outer(&alive, 1ms, &result));
  while (!scope.empty()) Loop::current().run_once();
  REQUIRE(result == 7);
  REQUIRE(alive == 0);
}

TEST_CASE("task: a million awaits that never wait do not grow the stack", "[event][task]") {
  REQUIRE(run_until_done(sum_many(1'000'000)) == 499999500000L);
}

TEST_CASE("task: 10,000 sleeping sessions are held and cancelled", "[event][task]") {
  int alive = 0;
  {
    TaskScope scope;
    for (int i = 0; i < 10'000; ++i) scope.spawn(sleeper(&alive));
    Loop::current().run_once();
    REQUIRE(alive == 10'000);
  }
  REQUIRE(alive == 0);
}

TEST_CASE("sync: a semaphore serves in order, with a limit, and loses no slot to a cancelled waiter", "[event][sync]") {
  Semaphore slots(1);
  REQUIRE(slots.try_acquire());
  std::vector<int> order;
  auto take = [](Semaphore* s, std::vector<int>* out, int id, Duration limit) -> Task<void> {
    bool got = co_await s->acquire(limit);
    out->push_back(got ? id : -id);
  };
  auto cancelled = std::make_unique<TaskScope>();
  TaskScope scope;
  scope.spawn(take(&slots, &order, 1, 5ms));
  cancelled->spawn(take(&slots, &order, 2, kForever));
  scope.spawn(take(&slots, &order, 3, kForever));
  while (order.empty()) Loop::current().run_once();
  REQUIRE(order == std::vector<int>{-1});
  slots.release();  // wakes 2, which goes before it runs
  cancelled.reset();
  while (!scope.empty()) Loop::current().run_once();
  REQUIRE(order == std::vector<int>{-1, 3});
}

TEST_CASE("sync: an event wakes all who wait and stays set", "[event][sync]") {
  Event event;
  int woken = 0;
  auto wait = [](Event* e, int* count) -> Task<void> {
    bool set = co_await e->wait();
    if (set) ++*count;
  };
  TaskScope scope;
  for (int i = 0; i < 3; ++i) scope.spawn(wait(&event, &woken));
  event.set();
  REQUIRE(woken == 0);
  while (!scope.empty()) Loop::current().run_once();
  REQUIRE(woken == 3);
  scope.spawn(wait(&event, &woken));
  REQUIRE(woken == 4);
}

TEST_CASE("worker pool: results come back, abandoned work is dropped", "[event][worker_pool]") {
  WorkerPool pool(2);
  auto square = [](WorkerPool* p, int n, int* out) -> Task<void> {
    auto work = [n] { return n * n; };
    *out = co_await p->run(work);
  };
  std::vector<int> results(50);
  TaskScope scope;
  for (int i = 0; i < 50; ++i) scope.spawn(square(&pool, i, &results[static_cast<size_t>(i)]));
  int dropped = 0;
  auto abandoned = std::make_unique<TaskScope>();
  abandoned->spawn(square(&pool, 9, &dropped));
  abandoned.reset();
  while (!scope.empty()) Loop::current().run_once();
  for (int i = 0; i < 50; ++i) REQUIRE(results[static_cast<size_t>(i)] == i * i);
  REQUIRE(dropped == 0);
}

TEST_CASE("worker pool: Q23 where no thread can be started the work is done all the same", "[event][worker_pool]") {
  pid_t child = ::fork();
  if (child == 0) {
    rlimit none{0, 0};
    ::setrlimit(RLIMIT_NPROC, &none);
    if (::geteuid() == 0 && ::setuid(200'000) != 0) ::_exit(2);  // root may have as many as it likes
    WorkerPool pool(2);
    auto squares = [](WorkerPool* p) -> Task<int> {
      int sum = 0;
      for (int n = 1; n <= 3; ++n) {
        auto work = [n] { return n * n; };
        sum += co_await p->run(work);
      }
      co_return sum;
    };
    ::_exit(run_until_done(squares(&pool)) == 14 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("child: exit codes, signals and time limits are told apart, no descriptor leaks in", "[event][child]") {
  auto run = [](std::string script, Duration limit) -> Task<ExitStatus> {
    auto child =
        Child::spawn({.path = "/bin/sh", .arguments = {"sh", "-c", script}, .environment = {"PATH=/bin:/usr/bin"}});
    REQUIRE(child);
    co_return co_await child->wait(limit);
  };
  REQUIRE(run_until_done(run("exit 75", 10s)).code == 75);
  REQUIRE(run_until_done(run("kill -TERM $$", 10s)).signal == SIGTERM);
  REQUIRE(run_until_done(run("sleep 100 & sleep 100", 20ms)).timed_out);
  Fd leak(dup(0));
  REQUIRE(run_until_done(run("test $(ls /proc/self/fd | wc -l) -le 4 && test -z \"$HOME\"", 10s)).code == 0);
}

TEST_CASE("datagram: a packet arrives with its sender, silence times out", "[event][datagram]") {
  sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  PeerAddress any;
  std::memcpy(&any.storage, &loopback, sizeof loopback);
  any.size = sizeof loopback;
  auto server = DatagramSocket::create(AF_INET, any);
  REQUIRE(server);
  PeerAddress bound;
  bound.size = sizeof bound.storage;
  REQUIRE(getsockname(server->fd(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) == 0);
  auto client = DatagramSocket::create(AF_INET);
  REQUIRE(client->connect(bound));
  REQUIRE(client->send("question"));
  auto packet = run_until_done(server->receive(1s));
  REQUIRE(packet);
  REQUIRE(packet->bytes == "question");
  REQUIRE(server->send("answer", &packet->from));
  REQUIRE(run_until_done(client->receive(1s))->bytes == "answer");
  REQUIRE(run_until_done(client->receive(5ms)).error().sys_errno == ETIMEDOUT);
}

TEST_CASE("timers: never early, in their order", "[event]") {
  std::vector<int> order;
  bool early = false;
  auto wait = [](int milliseconds, std::vector<int>* out, bool* too_soon) -> Task<void> {
    TimePoint due = monotonic_now() + std::chrono::milliseconds(milliseconds);
    co_await event::sleep(std::chrono::milliseconds(milliseconds));
    if (monotonic_now() < due) *too_soon = true;
    out->push_back(milliseconds);
  };
  event::TaskScope scope;
  for (int milliseconds : {61, 11, 31, 1, 21, 41}) scope.spawn(wait(milliseconds, &order, &early));
  event::run_until_done([]() -> Task<void> { co_await event::sleep(100ms); }());
  CHECK_FALSE(early);
  CHECK(order == std::vector<int>{1, 11, 21, 31, 41, 61});
}

TEST_CASE("next_round: everybody else who is ready runs first", "[event]") {
  std::string order;
  auto step = [](char name, std::string* out) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      out->push_back(name);
      co_await event::next_round();
    }
  };
  event::TaskScope scope;
  scope.spawn(step('a', &order));
  scope.spawn(step('b', &order));
  event::run_until_done([]() -> Task<void> { co_await event::sleep(20ms); }());
  CHECK(order == "ababab");
}
