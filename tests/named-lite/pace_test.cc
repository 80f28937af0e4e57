#include "named-lite/query/pace.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using namespace umaya;
using namespace umaya::named;

namespace {

/// Looks at a socket for a while; whether the last one was followed by a tick.
bool ask(Pace& pace, TimePoint& now, double rate, Duration time, Duration between = 100us) {
  bool paced = false;
  double questions = 0;
  for (TimePoint end = now + time; now < end; now += between) {
    questions += rate * std::chrono::duration<double>(between).count();
    auto whole = static_cast<size_t>(questions);
    questions -= static_cast<double>(whole);
    paced = pace.note(now, whole);
  }
  return paced;
}

}  // namespace

TEST_CASE("pace: a socket is looked at by the clock as long as it is busy", "[named][udp]") {
  Pace pace;
  TimePoint now = monotonic_now();
  CHECK_FALSE(ask(pace, now, 20'000, 1s));
  CHECK_FALSE(ask(pace, now, 35'000, 1s));
  CHECK(ask(pace, now, 50'000, 1s));
  CHECK(ask(pace, now, 30'000, 1s));  // no to and fro at the limit
  CHECK_FALSE(ask(pace, now, 20'000, 1s));
  CHECK_FALSE(ask(pace, now, 35'000, 1s));
}

TEST_CASE("pace: a short burst and questions after a long silence wait for nothing", "[named][udp]") {
  Pace pace;
  TimePoint now = monotonic_now();
  CHECK_FALSE(pace.note(now, 0));
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(pace.note(now += 10ms, 64));
    CHECK_FALSE(pace.note(now += 1us, 64));
  }
  CHECK_FALSE(pace.note(now += 24h, 1000));
  CHECK_FALSE(ask(pace, now, 500'000, 4 * Pace::kWindow));
  CHECK_FALSE(ask(pace, now, 20'000, Pace::kWindow));
  CHECK_FALSE(ask(pace, now, 500'000, 4 * Pace::kWindow));
}

TEST_CASE("pace: when all have gone silent it ends within two windows", "[named][udp]") {
  Pace pace;
  TimePoint now = monotonic_now();
  REQUIRE(ask(pace, now, 500'000, 100ms));
  CHECK_FALSE(ask(pace, now, 0, 2 * Pace::kWindow, Pace::kTick));
}
