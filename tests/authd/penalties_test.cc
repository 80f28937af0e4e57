#include "authd/penalties.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::authd;
using namespace std::chrono_literals;

namespace {

const TimePoint kStart = TimePoint() + std::chrono::hours(1000);
const std::string kAddress = "192.0.2.1";

}  // namespace

TEST_CASE("penalties: A11 each wrong password of an address doubles the delay up to the limit", "[authd][penalties]") {
  Penalties penalties({2s, 15s});
  std::vector<Duration> delays;
  for (int i = 0; i < 6; ++i) {
    delays.push_back(penalties.failed(kAddress, "user" + std::to_string(i), "mark" + std::to_string(i), kStart));
  }
  CHECK(delays == std::vector<Duration>{2s, 4s, 8s, 15s, 15s, 15s});
  // Another address is not touched; the same /64 is one address.
  CHECK(penalties.failed("192.0.2.2", "alice", "m", kStart) == 2s);
  CHECK(penalties.failed("2001:db8::1", "alice", "m1", kStart) == 2s);
  CHECK(penalties.failed("2001:db8::ffff", "alice", "m2", kStart) == 4s);
  CHECK(penalties.failed("2001:db8:0:1::1", "alice", "m3", kStart) == 2s);
  // An IPv4 address in IPv6 dress is itself.
  CHECK(penalties.failed("::ffff:192.0.2.2", "alice", "m4", kStart) == 4s);
}

TEST_CASE("penalties: A11 the same password again counts once", "[authd][penalties]") {
  Penalties penalties({2s, 15s});
  for (int i = 0; i < 5; ++i) CHECK(penalties.failed(kAddress, "alice", "old password", kStart) == 2s);
  CHECK(penalties.failed(kAddress, "alice", "another", kStart) == 4s);
}

TEST_CASE("penalties: A11 a right password clears what was that user's, and steps back from others'",
          "[authd][penalties]") {
  Penalties penalties({2s, 15s});
  (void)penalties.failed(kAddress, "alice", "1", kStart);
  (void)penalties.failed(kAddress, "alice", "2", kStart);
  penalties.succeeded(kAddress, "alice", kStart);
  CHECK(penalties.failed(kAddress, "alice", "3", kStart) == 2s);
  // Guesses at many, a log-in to one's own account between them.
  for (int i = 0; i < 4; ++i) (void)penalties.failed("192.0.2.9", "u" + std::to_string(i), std::to_string(i), kStart);
  penalties.succeeded("192.0.2.9", "mallory", kStart);
  CHECK(penalties.failed("192.0.2.9", "u9", "9", kStart) == 15s);
}

TEST_CASE("penalties: A11 steps are forgotten with time", "[authd][penalties]") {
  Penalties penalties({2s, 15s});
  for (int i = 0; i < 4; ++i) (void)penalties.failed(kAddress, "alice", std::to_string(i), kStart);
  CHECK(penalties.failed(kAddress, "alice", "x", kStart + 3min) == 4s);
  CHECK(penalties.failed(kAddress, "alice", "y", kStart + 1h) == 2s);
}

TEST_CASE("penalties: A11 guesses over many connections at once are bounded", "[authd][penalties]") {
  Penalties penalties({2s, 15s});
  int looked_at = 0;
  TimePoint now = kStart;
  for (int i = 0; i < 100'000; ++i) {
    now += 1ms;  // a thousand guesses a second, 100 seconds
    if (penalties.admit(kAddress, "u" + std::to_string(i), now).refused) continue;
    ++looked_at;
    (void)penalties.failed(kAddress, "u" + std::to_string(i), std::to_string(i), now);
  }
  CHECK(looked_at > 20);
  CHECK(looked_at < 200);
}

TEST_CASE("penalties: A11 nobody can lock a user out", "[authd][penalties]") {
  Penalties penalties({2s, 15s});
  penalties.succeeded("198.51.100.7", "alice", kStart);
  for (int i = 0; i < 10'000; ++i) {
    std::string address = "10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1";
    auto admission = penalties.admit(address, "alice", kStart);
    CHECK(!admission.refused);
    CHECK(admission.wait <= 15s);
    (void)penalties.failed(address, "alice", std::to_string(i), kStart);
  }
  // From a new address her password is looked at, late; from where she was before at once.
  auto stranger = penalties.admit("203.0.113.1", "alice", kStart);
  CHECK(!stranger.refused);
  CHECK(stranger.wait == 15s);
  auto known = penalties.admit("198.51.100.7", "alice", kStart);
  CHECK((known.known && !known.refused && known.wait == 0s));
  // Also when her own address guesses at others without end.
  for (int i = 0; i < 1000; ++i) (void)penalties.failed("198.51.100.7", "bob", std::to_string(i), kStart);
  CHECK(penalties.admit("198.51.100.7", "bob", kStart).refused);
  CHECK(!penalties.admit("198.51.100.7", "alice", kStart).refused);
  // Another user is not slowed down by it.
  CHECK(penalties.admit("203.0.113.1", "carol", kStart).wait == 0s);
}

TEST_CASE("penalties: A11 memory is bounded", "[authd][penalties]") {
  Penalties penalties({2s, 15s});
  for (int i = 0; i < 300'000; ++i) {
    std::string address = "2001:db8:" + hex_encode(std::string_view(reinterpret_cast<const char*>(&i), 2)) + ":" +
                          hex_encode(std::string_view(reinterpret_cast<const char*>(&i) + 2, 2)) + "::1";
    (void)penalties.failed(address, "u" + std::to_string(i), "m", kStart);
    if (i % 3 == 0) penalties.succeeded(address, "s" + std::to_string(i), kStart);
  }
  CHECK(penalties.entries() <= 3 * Penalties::kMostEntries);
}

TEST_CASE("penalties: loopback and unknown addresses are not one address", "[authd][penalties]") {
  Penalties penalties({2s, 15s});
  for (std::string address : {"127.0.0.1", "::1", "", "nonsense"}) {
    for (int i = 0; i < 100; ++i) {
      CHECK(penalties.failed(address, "u" + std::to_string(i), std::to_string(i), kStart) == 2s);
    }
    CHECK(!penalties.admit(address, "alice", kStart).refused);
  }
  Penalties off({0s, 15s});
  CHECK(off.failed(kAddress, "alice", "1", kStart) == 0s);
}
