#include "named-lite/recursion/server_book.h"

#include <algorithm>
#include <cstring>

#include "libcommon/base/random.h"

namespace umaya::named {

namespace {

constexpr int64_t kLeastWait = 300'000;  // microseconds
constexpr int64_t kFirstWait = 800'000;
constexpr int64_t kLongestWait = 2'000'000;
constexpr int64_t kWorstSrtt = 5'000'000;
constexpr uint16_t kTimeoutsBeforeRest = 3;
constexpr int64_t kLongestRest = 30;  // seconds

std::string key_of(const net::Endpoint& server) {
  std::string key(server.address.bytes());
  key += static_cast<char>(server.port >> 8);
  key += static_cast<char>(server.port);
  return key;
}

int64_t nanoseconds(TimePoint at) {
  return at.time_since_epoch().count();
}

std::string_view octets_of(const auto& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

std::string ServerState::cookie() const {
  std::string all(client_cookie.data(), client_cookie.size());
  return all.append(server_cookie.data(), server_cookie_size);
}

Duration ServerState::time_limit() const {
  int64_t wait = measured ? std::max(kLeastWait, srtt_usec + 4 * variance_usec) : kFirstWait;
  for (uint16_t i = 0; i < std::min<uint16_t>(timeouts, 3); ++i) wait *= 2;
  return std::chrono::microseconds(std::min(wait, kLongestWait));
}

ServerState& ServerBook::of(const net::Endpoint& server) {
  std::string key = key_of(server);
  std::span<char> found = servers_.find(key);
  if (found.data() == nullptr) {
    ServerState fresh;
    fresh.srtt_usec = static_cast<int64_t>(1 + random_below(32'000));
    random_bytes(fresh.client_cookie);
    found = servers_.put(key, octets_of(fresh));
    if (found.data() == nullptr) return spare_ = fresh;
  }
  return *reinterpret_cast<ServerState*>(found.data());
}

void ServerBook::answered(const net::Endpoint& server, Duration took) {
  ServerState& state = of(server);
  int64_t usec = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  if (!state.measured) {
    state.srtt_usec = usec;
    state.variance_usec = usec / 2;
    state.measured = true;
  } else {  // RFC 6298 2.3
    state.variance_usec += (std::abs(state.srtt_usec - usec) - state.variance_usec) / 4;
    state.srtt_usec += (usec - state.srtt_usec) / 8;
  }
  state.timeouts = 0;
  state.rests_until = 0;
}

void ServerBook::timed_out(const net::Endpoint& server, TimePoint now) {
  ServerState& state = of(server);
  state.srtt_usec = std::min(kWorstSrtt, std::max<int64_t>(state.srtt_usec, 200'000) * 2);
  if (state.timeouts < UINT16_MAX) ++state.timeouts;
  if (state.timeouts < kTimeoutsBeforeRest) return;
  int64_t seconds = std::min(kLongestRest, int64_t{1} << std::min(state.timeouts - kTimeoutsBeforeRest, 5));
  state.rests_until = nanoseconds(now + std::chrono::seconds(seconds));
}

bool ServerBook::rests(const net::Endpoint& server, TimePoint now) {
  return of(server).rests_until > nanoseconds(now);
}

void ServerBook::passed_over(const net::Endpoint& server) {
  ServerState& state = of(server);
  state.srtt_usec -= state.srtt_usec / 64;
}

void ServerBook::mark_lame(std::string_view zone, const net::Endpoint& server, TimePoint until) {
  int64_t at = nanoseconds(until);
  lame_.put(key_of(server) + std::string(zone), octets_of(at));
}

bool ServerBook::is_lame(std::string_view zone, const net::Endpoint& server, TimePoint now) {
  std::span<char> found = lame_.find(key_of(server) + std::string(zone));
  if (found.data() == nullptr) return false;
  int64_t until;
  std::memcpy(&until, found.data(), sizeof until);
  return until > nanoseconds(now);
}

void ServerBook::clear() {
  servers_.clear();
  lame_.clear();
}

}  // namespace umaya::named
