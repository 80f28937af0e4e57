#include "queue-manager/scheduler.h"

#include <catch2/catch.hpp>
#include <map>
#include <queue>
#include <random>

using namespace umaya;
using namespace umaya::qmgr;
using namespace std::chrono_literals;

namespace {

/// Runs deliveries in simulated time.
class World {
 public:
  Scheduler scheduler;
  TimePoint now = TimePoint{} + 1h;
  std::vector<std::pair<MessageKey, std::vector<uint32_t>>> order;  // as they were started
  std::map<MessageKey, TimePoint> last_done;
  std::map<std::string, int> busy, peak;
  std::function<Outcome(const Delivery&)> outcome = [](const Delivery&) { return Outcome::reached; };
  std::function<Duration(const Delivery&)> length = [](const Delivery&) { return 1s; };

  void start_all() {
    while (const Delivery* d = scheduler.next(now)) {
      order.emplace_back(d->message, d->recipients);
      std::string to(d->destination);
      peak[to] = std::max(peak[to], ++busy[to]);
      running_.push({now + length(*d), d->id, d->message, to, outcome(*d)});
    }
  }
  /// One thing happens; false when nothing is left.
  bool step() {
    start_all();
    auto wake = scheduler.wake_at();
    if (running_.empty() && !wake) return false;
    if (running_.empty() || (wake && *wake < running_.top().end)) {
      now = std::max(now, *wake);
      start_all();
      return true;
    }
    Run run = running_.top();
    running_.pop();
    now = run.end;
    --busy[run.to];
    last_done[run.message] = now;
    scheduler.finished(run.id, run.outcome, now, "connect timed out", "4.4.1");
    start_all();
    return true;
  }
  void run() {
    while (step()) {
    }
  }
  void message(MessageKey key, TransportId transport, int recipients, const std::function<std::string(int)>& to) {
    scheduler.add_message(key, now, 0);
    for (int i = 0; i < recipients; ++i) scheduler.add_recipient(key, transport, to(i), static_cast<uint32_t>(i), now);
  }

 private:
  struct Run {
    TimePoint end;
    DeliveryId id;
    MessageKey message;
    std::string to;
    Outcome outcome;
    bool operator<(const Run& other) const { return end > other.end; }
  };
  std::priority_queue<Run> running_;
};

std::function<std::string(int)> same(const std::string& name) {
  return [name](int) { return name; };
}
std::function<std::string(int)> each(const std::string& name) {
  return [name](int i) { return name + std::to_string(i); };
}

size_t place_of(const World& world, MessageKey key) {
  for (size_t i = 0; i < world.order.size(); ++i) {
    if (world.order[i].first == key) return i;
  }
  return SIZE_MAX;
}

}  // namespace

TEST_CASE("scheduler: recipients of one destination share deliveries up to the recipient limit", "[qmgr][scheduler]") {
  World world;
  TransportId smtp = world.scheduler.add_transport("smtp", {.recipient_limit = 50});
  world.message(1, smtp, 120, same("example.net"));
  world.run();
  REQUIRE(world.order.size() == 3);
  CHECK(world.order[0].second.size() == 50);
  CHECK(world.order[2].second.size() == 20);
  CHECK(world.scheduler.waiting(smtp) == 0);
  world.scheduler.remove_message(1);
  CHECK(world.scheduler.destination_count() == 0);
}

TEST_CASE("scheduler: small messages to one destination go in the order of arrival", "[qmgr][scheduler]") {
  World world;
  TransportId smtp = world.scheduler.add_transport("smtp", {});
  for (MessageKey key = 1; key <= 500; ++key) world.message(key, smtp, 1, same("example.net"));
  world.run();
  REQUIRE(world.order.size() == 500);
  for (MessageKey key = 1; key <= 500; ++key) REQUIRE(world.order[key - 1].first == key);
  CHECK(world.peak["example.net"] == 20);
}

TEST_CASE("scheduler: no destination gets more deliveries than its window and no transport more than its processes",
          "[qmgr][scheduler]") {
  World world;
  TransportLimits limits{.max_deliveries = 30};
  limits.window.maximum = 7;
  TransportId smtp = world.scheduler.add_transport("smtp", limits);
  std::mt19937 random(1);
  for (MessageKey key = 1; key <= 300; ++key) {
    world.message(key, smtp, 1 + static_cast<int>(random() % 20),
                  [&](int) { return "d" + std::to_string(random() % 12); });
  }
  size_t peak = 0;
  while (world.step()) peak = std::max(peak, world.scheduler.deliveries_under_way());
  CHECK(peak == 30);
  for (const auto& [name, most] : world.peak) CHECK(most <= 7);
  CHECK(world.scheduler.waiting(smtp) == 0);
}

TEST_CASE("scheduler: promise 8, Q18 a message to one user waits for a few deliveries of a list of 100,000",
          "[qmgr][scheduler]") {
  World world;
  TransportId local = world.scheduler.add_transport("local", {.max_deliveries = 10, .recipient_limit = 1});
  world.message(1, local, 100'000, each("user"));
  for (int i = 0; i < 1000; ++i) world.step();
  size_t before = world.order.size();
  world.message(2, local, 1, same("alice"));
  for (int i = 0; i < 200; ++i) world.step();
  REQUIRE(place_of(world, 2) != SIZE_MAX);
  CHECK(place_of(world, 2) - before <= 12);
}

TEST_CASE("scheduler: while small messages keep coming a list gets most of the capacity", "[qmgr][scheduler]") {
  World world;
  TransportId local = world.scheduler.add_transport("local", {.max_deliveries = 10, .recipient_limit = 1});
  world.message(1, local, 5'000, each("user"));
  MessageKey key = 2;
  for (; key < 5'000; ++key) world.message(key, local, 1, each("small" + std::to_string(key) + "."));
  for (int i = 0; i < 3'000; ++i) world.step();
  size_t list = 0;
  for (const auto& [message, recipients] : world.order) list += message == 1;
  size_t share = list * 100 / world.order.size();
  CHECK(share >= 75);
  CHECK(share <= 90);  // one in six is given away
}

TEST_CASE("scheduler: with slot cost 0 nothing steps in front", "[qmgr][scheduler]") {
  World world;
  TransportId local =
      world.scheduler.add_transport("local", {.max_deliveries = 10, .recipient_limit = 1, .slot_cost = 0});
  world.message(1, local, 1'000, each("user"));
  world.message(2, local, 1, same("alice"));
  world.run();
  CHECK(place_of(world, 2) == 1'000);
}

TEST_CASE("scheduler: promise 8 a slow destination does not hold up the others", "[qmgr][scheduler]") {
  World world;
  TransportId smtp = world.scheduler.add_transport("smtp", {.max_deliveries = 50});
  world.length = [](const Delivery& d) -> Duration { return d.destination == "tarpit.example" ? 1h : 1s; };
  for (MessageKey key = 1; key <= 2'000; ++key) world.message(key, smtp, 1, same("tarpit.example"));
  for (MessageKey key = 3'001; key <= 3'100; ++key) world.message(key, smtp, 1, each("live" + std::to_string(key)));
  TimePoint begin = world.now;
  for (int i = 0; i < 100; ++i) world.step();
  CHECK(world.last_done.size() == 100);
  for (const auto& [key, done] : world.last_done) CHECK(done - begin <= 5s);
}

TEST_CASE("scheduler: Q16 a dead destination gives its mail back at once and is tried again after its time",
          "[qmgr][scheduler]") {
  World world;
  TransportId smtp = world.scheduler.add_transport("smtp", {});
  world.outcome = [](const Delivery&) { return Outcome::unreachable; };
  for (MessageKey key = 1; key <= 1'000; ++key) world.message(key, smtp, 1, same("blackhole.example"));
  while (!world.scheduler.is_dead(smtp, "blackhole.example")) REQUIRE(world.step());
  CHECK(world.order.size() <= 10);
  auto suspended = world.scheduler.take_suspended();
  CHECK(suspended.size() >= 990);
  CHECK(suspended[0].reason == "connect timed out");
  CHECK(suspended[0].dsn == "4.4.1");
  world.message(2'000, smtp, 1, same("blackhole.example"));
  CHECK(world.scheduler.take_suspended().size() == 1);
  TimePoint dead_since = world.now;
  while (world.scheduler.is_dead(smtp, "blackhole.example")) REQUIRE(world.step());
  CHECK(world.now - dead_since >= 290s);
  for (MessageKey key = 1; key <= 2'000; ++key) world.scheduler.remove_message(key);
  CHECK(world.scheduler.destination_count() == 0);
}

TEST_CASE("scheduler: a flush forgets what is dead", "[qmgr][scheduler]") {
  World world;
  TransportId smtp = world.scheduler.add_transport("smtp", {});
  world.outcome = [](const Delivery&) { return Outcome::unreachable; };
  for (MessageKey key = 1; key <= 10; ++key) world.message(key, smtp, 1, same("x.example"));
  while (!world.scheduler.is_dead(smtp, "x.example")) REQUIRE(world.step());
  world.scheduler.take_suspended();
  world.scheduler.forget_dead();
  CHECK_FALSE(world.scheduler.is_dead(smtp, "x.example"));
  world.message(99, smtp, 1, same("x.example"));
  CHECK(world.scheduler.take_suspended().empty());
}

TEST_CASE("scheduler: a transport that is not there gives everything back and is tried after its time",
          "[qmgr][scheduler]") {
  World world;
  TransportId smtp = world.scheduler.add_transport("smtp", {});
  for (MessageKey key = 1; key <= 10; ++key) world.message(key, smtp, 1, same("x.example"));
  const Delivery* first = world.scheduler.next(world.now);
  REQUIRE(first);
  world.scheduler.transport_failed(first->id, world.now, "mail transport unavailable");
  CHECK(world.scheduler.take_suspended().size() == 10);
  CHECK_FALSE(world.scheduler.next(world.now));
  world.message(11, smtp, 1, same("x.example"));
  CHECK(world.scheduler.take_suspended().size() == 1);
  world.now += 61s;
  world.message(12, smtp, 1, same("x.example"));
  CHECK(world.scheduler.next(world.now));
}

TEST_CASE("scheduler: a destination rate delay makes deliveries follow one another with a pause", "[qmgr][scheduler]") {
  World world;
  TransportId smtp = world.scheduler.add_transport("smtp", {.recipient_limit = 1, .destination_pause = 10s});
  world.message(1, smtp, 6, same("slow.example"));
  TimePoint begin = world.now;
  world.run();
  CHECK(world.peak["slow.example"] == 1);
  CHECK(world.order.size() == 6);
  CHECK(world.last_done[1] - begin == 56s);
}

TEST_CASE("scheduler: a transport rate delay holds for all destinations together", "[qmgr][scheduler]") {
  World world;
  TransportId smtp = world.scheduler.add_transport("smtp", {.transport_pause = 2s});
  world.message(1, smtp, 5, each("d"));
  TimePoint begin = world.now;
  world.run();
  CHECK(world.last_done[1] - begin == 13s);
}

TEST_CASE("scheduler: recipients of a message that asks for it are delivered one by one", "[qmgr][scheduler]") {
  World world;
  TransportId smtp = world.scheduler.add_transport("smtp", {});
  world.scheduler.add_message(1, world.now, 0, Batching::one_by_one);
  for (uint32_t i = 0; i < 7; ++i) world.scheduler.add_recipient(1, smtp, "d", i, world.now);
  world.run();
  CHECK(world.order.size() == 7);
  for (const auto& [message, recipients] : world.order) CHECK(recipients.size() == 1);
}

TEST_CASE("scheduler: recipients added while a message is under way join its job", "[qmgr][scheduler]") {
  World world;
  TransportId smtp = world.scheduler.add_transport("smtp", {});
  world.scheduler.add_message(1, world.now, 1'000);
  for (uint32_t i = 0; i < 100; ++i) world.scheduler.add_recipient(1, smtp, "d" + std::to_string(i % 30), i, world.now);
  world.run();
  for (uint32_t i = 100; i < 200; ++i)
    world.scheduler.add_recipient(1, smtp, "d" + std::to_string(i % 30), i, world.now);
  world.scheduler.set_expected_more(1, 0);
  world.run();
  size_t sent = 0;
  for (const auto& [message, recipients] : world.order) sent += recipients.size();
  CHECK(sent == 200);
  world.scheduler.remove_message(1);
  CHECK(world.scheduler.destination_count() == 0);
}

TEST_CASE("scheduler: every recipient is started or given back exactly once in a random world", "[qmgr][scheduler]") {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    World world;
    TransportLimits limits{.max_deliveries = 1 + static_cast<int>(random() % 40),
                           .recipient_limit = static_cast<int>(random() % 4)};
    limits.window.failed_cohorts = static_cast<double>(random() % 3);
    if (seed % 5 == 0) limits.destination_pause = 3s;
    std::vector<TransportId> transports = {world.scheduler.add_transport("a", limits),
                                           world.scheduler.add_transport("b", {})};
    world.outcome = [&](const Delivery&) {
      return random() % 4 == 0 ? Outcome::unreachable : random() % 9 == 0 ? Outcome::neutral : Outcome::reached;
    };
    world.length = [&](const Delivery&) -> Duration { return std::chrono::milliseconds(1 + random() % 5000); };
    std::map<std::pair<MessageKey, uint32_t>, int> seen;
    std::map<MessageKey, int> size;
    for (MessageKey key = 1; key <= 200; ++key) {
      world.scheduler.add_message(key, world.now, 0);
      size[key] = random() % 10 == 0 ? 60 : 1 + static_cast<int>(random() % 3);
      for (int i = 0; i < size[key]; ++i) {
        world.scheduler.add_recipient(key, transports[random() % 2], "d" + std::to_string(random() % 15),
                                      static_cast<uint32_t>(i), world.now);
      }
      for (unsigned i = random() % 8; i > 0; --i) world.step();
    }
    world.run();
    for (const auto& [message, recipients] : world.order) {
      for (uint32_t token : recipients) ++seen[{message, token}];
    }
    for (const auto& suspended : world.scheduler.take_suspended()) {
      for (uint32_t token : suspended.recipients) ++seen[{suspended.message, token}];
    }
    for (const auto& [key, count] : size) {
      for (int i = 0; i < count; ++i) REQUIRE(seen[{key, static_cast<uint32_t>(i)}] == 1);
    }
    for (const auto& [key, count] : size) world.scheduler.remove_message(key);
    world.scheduler.forget_dead();
    world.now += 1h;
    world.scheduler.next(world.now);
    REQUIRE(world.scheduler.destination_count() == 0);
  }
}
