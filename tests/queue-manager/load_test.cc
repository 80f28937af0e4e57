// Figures of qmgr under load, not part of the ordinary run: test_queue-manager "[load]"
#include <fmt/core.h>

#include <algorithm>

#include "tests/queue-manager/qmgr_world.h"

using namespace umaya;
using namespace umaya::test;
using queue::QueueName;

namespace {

struct Usage {
  double cpu_seconds = 0;
  size_t resident_kib = 0;
};

Usage usage_of(pid_t pid) {
  Usage usage;
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  for (int i = 1; i <= 15 && stat >> word; ++i) {
    if (i == 14 || i == 15) usage.cpu_seconds += std::stod(word) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  while (status >> word) {
    if (word == "VmRSS:") status >> usage.resident_kib;
  }
  return usage;
}

double seconds_since(TimePoint begin) {
  return std::chrono::duration<double>(monotonic_now() - begin).count();
}

}  // namespace

TEST_CASE("qmgr load: CPU time for a message", "[.][load]") {
  QmgrWorld world;
  constexpr int kMessages = 20'000;
  std::vector<std::string> ids;
  for (int i = 0; i < kMessages; ++i) {
    ids.push_back("B" + std::to_string(100'000 + i));
    world.put(ids.back(), 1, QueueName::incoming, "a@b.example", 0,
              [i](int) { return "x@d" + std::to_string(i % 50) + ".example"; });
  }
  for (const auto& id : ids) ::rename(world.path(QueueName::incoming, id).c_str(), (world.root() + "/" + id).c_str());
  world.start_qmgr();
  Usage before = usage_of(world.pid());
  TimePoint begin = monotonic_now();
  for (size_t at = 0; at < ids.size(); at += 20) {  // as cleanup names them: a few at a time
    std::vector<std::string> some(ids.begin() + static_cast<ptrdiff_t>(at),
                                  ids.begin() + static_cast<ptrdiff_t>(at + 20));
    for (const auto& id : some)
      ::rename((world.root() + "/" + id).c_str(), world.path(QueueName::incoming, id).c_str());
    world.announce(some);
    REQUIRE(world.until([&] { return world.deliveries.size() + 100 >= at; }));
  }
  REQUIRE(world.until([&] { return world.deliveries.size() == kMessages; }, 60s));
  Usage after = usage_of(world.pid());
  fmt::print("{} messages in {:.2f} s; qmgr {:.1f} us of CPU a message, {} KiB resident\n", kMessages,
             seconds_since(begin), (after.cpu_seconds - before.cpu_seconds) * 1e6 / kMessages, after.resident_kib);
}

TEST_CASE("qmgr load: one message to 10,000 recipients", "[.][load]") {
  QmgrWorld world;
  world.put("AAAAA1", 10'000, QueueName::incoming, "a@b.example", 0,
            [](int i) { return "u" + std::to_string(i) + "@d" + std::to_string(i % 200) + ".example"; });
  TimePoint begin = monotonic_now();
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAA1"); }, 60s));
  Usage after = usage_of(world.pid());
  fmt::print("one message to 10,000 recipients in {} deliveries: {:.2f} s, {:.2f} s of CPU, {} KiB resident\n",
             world.deliveries.size(), seconds_since(begin), after.cpu_seconds, after.resident_kib);
}

TEST_CASE("qmgr load: Q15 100,000 deferred messages do not slow down new mail", "[.][load]") {
  QmgrWorld world;
  world.put("AAAAA0", 1);
  std::string sample = *fs::read_file(world.path(QueueName::incoming, "AAAAA0"), 1 << 20);
  for (int i = 0; i < 100'000; ++i) {
    std::string id = fmt::format("{:05X}{:05X}", (i * 7919) & 0xfffff, i);
    auto fd = world.spool().create(QueueName::deferred, id);
    REQUIRE(fs::write_all(fd->get(), sample));
    REQUIRE(fs::set_mode(fd->get(), 0700));
    REQUIRE(fs::set_modified(fd->get(), wall_seconds() + 100'000));
  }
  world.give_away();
  TimePoint begin = monotonic_now();
  world.start_qmgr();
  REQUIRE(world.until([&] { return world.nowhere("AAAAA0"); }, 60s));
  double first = seconds_since(begin);
  std::vector<double> waits;
  for (int i = 0; i < 200; ++i) {
    std::string id = "C" + std::to_string(10'000 + i);
    world.put(id, 1);
    TimePoint sent = monotonic_now();
    world.announce({id});
    REQUIRE(world.until([&] { return world.nowhere(id); }));
    waits.push_back(seconds_since(sent) * 1000);
  }
  std::sort(waits.begin(), waits.end());
  Usage after = usage_of(world.pid());
  fmt::print(
      "100,000 deferred: first message after {:.2f} s, new ones after {:.1f} ms (p99 {:.1f} ms), {:.2f} s of CPU, "
      "{} KiB resident\n",
      first, waits[100], waits[198], after.cpu_seconds, after.resident_kib);
}

TEST_CASE("qmgr load: 10,000 due messages for a dead destination, and mail for 100 live ones", "[.][load]") {
  QmgrWorld world;
  for (int i = 0; i < 10'000; ++i) {
    world.put(fmt::format("A{:06X}", i), 1, QueueName::incoming, "a@b.example", 0,
              [](int) { return "x@dead.example"; });
  }
  world.edit_reply = [](const agent::Request& request, agent::Reply& reply) {
    if (request.nexthop != "dead.example") return;
    reply.destination_failed = true;
    reply.destination_dsn = "4.4.1";
    reply.destination_text = "timed out";
    for (auto& result : reply.results) result.status = agent::Status::deferred;
  };
  world.start_qmgr();
  TimePoint begin = monotonic_now();
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    ids.push_back(fmt::format("B{:06X}", i));
    world.put(ids.back(), 1, QueueName::incoming, "a@b.example", 0,
              [i](int) { return "x@live" + std::to_string(i) + ".example"; });
  }
  world.announce(ids);
  REQUIRE(world.until([&] { return std::all_of(ids.begin(), ids.end(), [&](auto& id) { return world.nowhere(id); }); },
                      60s));
  double live = seconds_since(begin);
  Usage after = usage_of(world.pid());
  fmt::print("mail for 100 live hosts beside 10,000 for a dead one: {:.2f} s, {} deliveries, {} KiB resident\n", live,
             world.deliveries.size(), after.resident_kib);
}
