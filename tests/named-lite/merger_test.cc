#include "named-lite/update/merger.h"

#include <condition_variable>
#include <map>
#include <mutex>

#include "named-lite/dns/wire_record.h"
#include "named-lite/zone/change_image.h"
#include "named-lite/zone/image_lookup.h"
#include "named-lite/zone/image_records.h"
#include "tests/named-lite/zone_support.h"

using namespace std::chrono_literals;
using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

constexpr int kHosts = 30'000;

ZoneRecord soa(uint32_t serial) {
  Problems problems;
  RecordList list = parse_zone_text("@ 60 SOA ns root " + std::to_string(serial) + " 2 3 4 5\n", "r",
                                    {name("z.test."), {}}, problems);
  return {std::string(list.owner(list.records()[0])), type::kSoa, 60, std::string(list.rdata(list.records()[0]))};
}

/// A zone of many hosts, each with one address, as it should be.
struct Hosts {
  std::map<int, std::string> addresses;
  uint32_t serial = 1;

  static std::string owner(int host) { return std::string(name("h" + std::to_string(host) + ".z.test.").wire()); }
  static ImagePtr image() {
    std::string text = "$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\n";
    for (int i = 0; i < kHosts; ++i) text += "h" + std::to_string(i) + " A 10.0.0.1\n";
    return std::move(check("z.test", text).image);
  }
  /// Gives a host another address.
  ZoneChange change(int host) {
    std::string& address = addresses.try_emplace(host, "\x0A\0\0\1", 4).first->second;
    std::string next{'\xAC', static_cast<char>(serial >> 16), static_cast<char>(serial >> 8),
                     static_cast<char>(serial)};
    ZoneChange out{serial, serial + 1, {soa(serial)}, {soa(serial + 1)}};
    out.removed.push_back({owner(host), type::kA, 60, std::exchange(address, next)});
    out.added.push_back({owner(host), type::kA, 60, next});
    ++serial;
    return out;
  }
  void require_in(const ZoneImage& image) const {
    REQUIRE(image.validate());
    REQUIRE(image.header().serial == serial);
    REQUIRE(image.header().record_count == kHosts + 3);
    for (const auto& [host, address] : addresses) {
      const Node* node = find_node(image, owner(host));
      REQUIRE(node != nullptr);
      REQUIRE(records_at(image, *node).at(0).rdata == address);
    }
  }
};

/// A pool whose only thread is busy until it is let go.
struct BusyPool {
  BusyPool() { tasks.spawn(occupy()); }
  ~BusyPool() { let_go(); }
  void let_go() {
    std::lock_guard lock(mutex);
    open = true;
    opened.notify_all();
  }
  event::Task<void> occupy() {
    auto wait = [this] {
      std::unique_lock lock(mutex);
      opened.wait(lock, [this] { return open; });
      return 0;
    };
    co_await pool.run(wait);
  }
  std::mutex mutex;
  std::condition_variable opened;
  bool open = false;
  event::WorkerPool pool{1};
  event::TaskScope tasks;
};

void run_until(const std::function<bool()>& done) {
  event::Loop& loop = event::Loop::current();
  for (int i = 0; i < 20'000 && !done(); ++i) {
    loop.run_once();
    std::this_thread::sleep_for(1ms);
  }
  REQUIRE(done());
}

}  // namespace

TEST_CASE("merger: a zone that goes on changing is written anew, with what came meanwhile", "[named][update]") {
  BusyPool busy;
  int told = 0;
  Merger merger(busy.pool, [&] { ++told; });
  Hosts hosts;
  ImagePtr image = Hosts::image();
  auto change = [&](int host) {
    ZoneChange one = hosts.change(host);
    image = *apply_change(image, one);
    merger.changed(image, one);
  };
  while (!should_be_merged(*image)) change(static_cast<int>(hosts.serial) * 7 % kHosts);
  CHECK(hosts.serial > 50);
  for (int i = 0; i < 40; ++i) change(i);
  change(0);
  CHECK_FALSE(merger.is_ready());
  busy.let_go();
  run_until([&] { return merger.is_ready(); });
  CHECK(told == 1);
  change(kHosts - 1);
  Merger::Work work = merger.take();
  CHECK_FALSE(merger.is_ready());
  auto next = work.finish();
  REQUIRE(next);
  CHECK((*next)->header().size < image->header().size);
  hosts.require_in(*image);
  hosts.require_in(**next);
  image = *next;
  change(3);
  hosts.require_in(*image);
}

TEST_CASE("merger: who has no room waits as long as a new image is under way, and never fails", "[named][update]") {
  BusyPool busy;
  Merger merger(busy.pool, [] {});
  Hosts hosts;
  ImagePtr image = Hosts::image();
  auto memory = image->shared_memory();
  bool waited = false, done = false;
  auto wait = [](Merger& m, ImagePtr i, bool& end) -> event::Task<void> {
    co_await m.until_there_is_room(std::move(i));
    end = true;
  };
  event::TaskScope tasks;
  int changes = 0;
  for (; image->shared_memory() == memory && changes < 5000; ++changes) {
    ZoneChange one = hosts.change(changes % kHosts);
    auto next = apply_change(image, one);
    REQUIRE(next);
    image = *next;
    merger.changed(image, one);
    if (waited || image->shared_memory() != memory) continue;
    done = false;
    tasks.spawn(wait(merger, image, done));
    waited = !done;
  }
  CHECK(waited);
  CHECK(changes < 5000);  // it was written anew after all
  hosts.require_in(*image);
  run_until([&] { return done; });
  busy.let_go();
  CHECK_FALSE(merger.is_ready());
}

TEST_CASE("merger: a zone from elsewhere is not replaced by what was under way", "[named][update]") {
  BusyPool busy;
  Merger merger(busy.pool, [] {});
  Hosts hosts;
  ImagePtr image = Hosts::image();
  while (!should_be_merged(*image)) {
    ZoneChange one = hosts.change(static_cast<int>(hosts.serial));
    image = *apply_change(image, one);
    merger.changed(image, one);
  }
  merger.forget();
  busy.let_go();
  for (int i = 0; i < 200; ++i) {
    event::Loop::current().run_once();
    std::this_thread::sleep_for(1ms);
  }
  CHECK_FALSE(merger.is_ready());
}
