#include "authd/fair_queue.h"

#include <catch2/catch.hpp>

#include "libcommon/base/clock.h"

using namespace umaya;
using namespace umaya::authd;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  event::Loop loop;
  FairQueue queue;
  std::vector<std::string> order;  ///< who was served, or refused ("-")
  event::TaskScope scope;

  explicit Fixture(FairQueueOptions options) : queue(options) {}
  static event::Task<void> work(Fixture* f, std::string address, std::string user, Standing standing, Duration time) {
    FairQueue::Place place;
    bool in = co_await f->queue.enter(&place, address, user, standing);
    f->order.push_back(in ? user : "-" + user);
    if (in) co_await event::sleep(time);
  }
  void add(const std::string& address, const std::string& user, Standing standing = Standing::stranger,
           Duration time = 1ms) {
    scope.spawn(work(this, address, user, standing, time));
  }
  void finish() {
    while (!scope.empty()) loop.run_once();
  }
};

}  // namespace

TEST_CASE("fair queue: A12 addresses take turns, however many each has waiting", "[authd][queue]") {
  Fixture f({.slots = 1});
  for (int i = 0; i < 50; ++i) f.add("flood", "f" + std::to_string(i));
  f.add("quiet", "q1");
  f.add("other", "o1");
  f.finish();
  REQUIRE(f.order.size() == 52);
  CHECK(std::find(f.order.begin(), f.order.end(), "q1") - f.order.begin() < 4);
  CHECK(std::find(f.order.begin(), f.order.end(), "o1") - f.order.begin() < 4);
}

TEST_CASE("fair queue: A12 who has been here before goes first, strangers get one turn in four", "[authd][queue]") {
  Fixture f({.slots = 1});
  f.add("first", "x");
  for (int i = 0; i < 20; ++i) f.add("s" + std::to_string(i), "stranger" + std::to_string(i));
  for (int i = 0; i < 20; ++i) f.add("k" + std::to_string(i), "known" + std::to_string(i), Standing::known);
  f.finish();
  int known = 0;
  for (int i = 1; i <= 20; ++i) known += f.order[static_cast<size_t>(i)].starts_with("known") ? 1 : 0;
  CHECK(known == 15);
}

TEST_CASE("fair queue: A12 too many are refused at once: in all, of an address, at a name", "[authd][queue]") {
  Fixture f({.slots = 1, .most_waiting = 10, .most_of_address = 4, .most_of_user = 3});
  f.add("a", "running");
  for (int i = 0; i < 6; ++i) f.add("a", "a" + std::to_string(i));
  CHECK(f.queue.waiting() == 4);
  for (int i = 0; i < 5; ++i) f.add("b" + std::to_string(i), "victim");
  CHECK(f.queue.waiting() == 7);
  f.add("home", "victim", Standing::known);  // the name is full for strangers only
  CHECK(f.queue.waiting() == 8);
  for (int i = 0; i < 5; ++i) f.add("c" + std::to_string(i), "c" + std::to_string(i));
  CHECK(f.queue.waiting() == 10);
  f.finish();
  CHECK(std::count_if(f.order.begin(), f.order.end(), [](const auto& s) { return s[0] == '-'; }) == 2 + 2 + 3);
}

TEST_CASE("fair queue: who gives up leaves its lane and gives back its slot", "[authd][queue]") {
  Fixture f({.slots = 1});
  f.add("a", "running", Standing::stranger, 20ms);
  {
    event::TaskScope others;
    for (int i = 0; i < 5; ++i) others.spawn(Fixture::work(&f, "b", "gone", Standing::stranger, 1ms));
    CHECK(f.queue.waiting() == 5);
  }
  CHECK(f.queue.waiting() == 0);
  f.add("c", "next");
  f.finish();
  CHECK(f.order == std::vector<std::string>{"running", "next"});
  // A slot that was granted, and its waiter destroyed before it ran.
  f.add("a", "again", Standing::stranger, 5ms);
  auto others = std::make_unique<event::TaskScope>();
  others->spawn(Fixture::work(&f, "b", "gone", Standing::stranger, 1ms));
  TimePoint until = monotonic_now() + 1s;
  while (f.queue.waiting() > 0 && monotonic_now() < until) f.loop.run_once();
  others.reset();
  f.add("c", "last");
  f.finish();
  CHECK(f.order.back() == "last");
}

TEST_CASE("fair queue: nobody waits longer than the limit", "[authd][queue]") {
  Fixture f({.slots = 1, .limit = 20ms});
  f.add("a", "running", Standing::stranger, 100ms);
  f.add("b", "late");
  f.finish();
  CHECK(f.order == std::vector<std::string>{"running", "-late"});
}
