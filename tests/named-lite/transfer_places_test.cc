#include "named-lite/peers/transfer_places.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/event/loop.h"
#include "named-lite/peers/turns.h"

using namespace umaya;
using namespace umaya::named;
using namespace std::chrono_literals;

namespace {

const auto kOne = *net::IpAddress::parse("192.0.2.1");
const auto kOther = *net::IpAddress::parse("192.0.2.2");

/// Transfers that hold their place until the test lets it go.
struct Transfers {
  event::Loop loop;
  TransferPlaces places{10};
  std::vector<std::string> begun;
  struct Each {
    std::optional<TransferPlaces::Place> place;
    event::TaskScope task;
  };
  std::vector<std::unique_ptr<Each>> all;

  static event::Task<void> begin(Transfers& self, Each& each, std::string name, net::IpAddress server, size_t most,
                                 Duration limit) {
    auto place = co_await self.places.take(server, most, limit);
    self.begun.push_back(place ? name : name + " late");
    each.place = std::nullopt;
    if (place) each.place.emplace(std::move(*place));
  }
  Each& start(std::string name, net::IpAddress server, size_t most = 2, Duration limit = event::kForever) {
    Each& each = *all.emplace_back(std::make_unique<Each>());
    each.task.spawn(begin(*this, each, std::move(name), server, most, limit));
    return each;
  }
  static event::Task<void> pause(Duration time) { co_await event::sleep(time); }
  void settle(Duration time = 2ms) { event::run_until_done(pause(time)); }
  ~Transfers() { all.clear(); }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("transfer places: a server has its share, and who waits longest is the first to go on", "[named][transfer]") {
  Transfers t;
  auto& a = t.start("a", kOne);
  t.start("b", kOne);
  t.start("c", kOne);
  t.start("d", kOne);
  t.start("e", kOther);
  t.settle();
  CHECK(t.begun == Names{"a", "b", "e"});
  CHECK(t.places.running() == 3);
  CHECK(t.places.waiting() == 2);
  a.place.reset();
  t.settle();
  CHECK(t.begun == Names{"a", "b", "e", "c"});
  CHECK(t.places.running() == 3);
}

TEST_CASE("transfer places: there are so many in all, and a server that is full holds nobody else up",
          "[named][transfer]") {
  Transfers t;
  t.places.configure(3);
  for (const char* each : {"a", "b", "c"}) t.start(each, kOne);
  for (const char* each : {"x", "y"}) t.start(each, kOther);
  t.settle();
  CHECK(t.begun == Names{"a", "b", "x"});
  t.all[3]->place.reset();  // x: c waits longer, but its server is full
  t.settle();
  CHECK(t.begun == Names{"a", "b", "x", "y"});
}

TEST_CASE("transfer places: who waits when there is a new configuration gets nothing, and asks again",
          "[named][transfer]") {
  Transfers t;
  for (const char* each : {"a", "b", "c"}) t.start(each, kOne);
  t.places.configure(0);
  t.settle();
  CHECK(t.begun == Names{"a", "b", "c late"});
  CHECK(t.places.running() == 2);
  CHECK(t.places.waiting() == 0);
  t.start("c again", kOne);
  t.all[0]->place.reset();
  t.settle();
  CHECK(t.begun.size() == 3);
  t.places.configure(10);
  t.settle();
  t.start("d", kOne);
  t.settle();
  CHECK(t.begun == Names{"a", "b", "c late", "c again late", "d"});
}

TEST_CASE("transfer places: who is destroyed gives its place back and leaves the queue", "[named][transfer]") {
  Transfers t;
  t.start("a", kOne, 1);
  t.start("b", kOne, 1);
  t.start("c", kOne, 1);
  t.all[1].reset();  // while it waits
  t.all[0].reset();  // with its place
  t.all[2].reset();  // granted, but not yet run
  t.settle();
  CHECK(t.begun == Names{"a"});
  CHECK(t.places.running() == 0);
  CHECK(t.places.waiting() == 0);
  t.start("d", kOne, 1);
  CHECK(t.begun.back() == "d");
}

TEST_CASE("transfer places: a wait has its limit", "[named][transfer]") {
  Transfers t;
  t.start("a", kOne, 1);
  t.start("b", kOne, 1, 20ms);
  t.settle(60ms);
  CHECK(t.begun == Names{"a", "b late"});
  t.all[0]->place.reset();
  CHECK(t.places.running() == 0);
  CHECK(t.places.waiting() == 0);
}

TEST_CASE("turns: so many a second, in order, and a waiter that is destroyed holds nobody up", "[named][transfer]") {
  event::Loop loop;
  Turns turns;
  std::vector<int> order;
  auto take = [](Turns& all, std::vector<int>& out, int number) -> event::Task<void> {
    co_await all.next(50);
    out.push_back(number);
  };
  std::vector<std::unique_ptr<event::TaskScope>> tasks;
  TimePoint begin = monotonic_now();
  for (int i = 0; i < 12; ++i) {
    tasks.push_back(std::make_unique<event::TaskScope>());
    tasks.back()->spawn(take(turns, order, i));
  }
  CHECK(order == std::vector<int>{0});
  tasks[1].reset();  // the one whose time is running
  tasks[5].reset();
  auto done = [](const std::vector<int>& out) -> event::Task<void> {
    while (out.size() < 10) co_await event::sleep(1ms);
  };
  event::run_until_done(done(order));
  CHECK(order == std::vector<int>{0, 2, 3, 4, 6, 7, 8, 9, 10, 11});
  CHECK(monotonic_now() - begin >= 9 * 20ms - 10ms);
}
