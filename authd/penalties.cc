#include "authd/penalties.h"

#include <algorithm>

#include "libcommon/net/address.h"

namespace umaya::authd {

namespace {

using namespace std::chrono_literals;

constexpr Duration kStepForgotten = 60s;
constexpr Duration kUserForgotten = 10min;
constexpr Duration kKnownFor = std::chrono::hours(24 * 30);
constexpr size_t kPrefixBytes = 8;  // of an IPv6 address: /64

std::string pair_key(std::string_view key, std::string_view user) {
  return std::string(key) + ' ' + std::string(user);
}

Duration doubled(Duration first, int steps, Duration limit) {
  Duration delay = first;
  for (int i = 1; i < steps && delay < limit; ++i) delay *= 2;
  return std::min(delay, limit);
}

}  // namespace

std::string penalty_key(std::string_view address) {
  auto parsed = net::IpAddress::parse(address);
  if (!parsed || parsed->is_loopback()) return {};
  net::IpAddress plain = parsed->unmapped();
  std::string_view bytes = plain.bytes();
  return hex_encode(plain.is_v6() ? bytes.substr(0, kPrefixBytes) : bytes);
}

void Penalties::forget(Address& entry, TimePoint now) const {
  while (entry.steps > 0 && now - entry.since >= kStepForgotten) {
    --entry.steps;
    entry.since += kStepForgotten;
  }
  if (entry.steps > 0) return;
  for (std::string& mark : entry.last_marks) mark.clear();
  entry.user.clear();
  entry.many_users = false;
}

void Penalties::forget(User& entry, TimePoint now) const {
  if (entry.guesses > 0 && now - entry.since >= kUserForgotten) entry.guesses = 0;
}

Penalties::Admission Penalties::admit(std::string_view address, std::string_view user, TimePoint now) {
  Admission admission;
  if (rules_.delay <= Duration::zero()) return admission;
  std::string key = penalty_key(address);
  if (const TimePoint* last = known_.find(pair_key(key, user)); last != nullptr && now - *last < kKnownFor) {
    admission.known = true;
    return admission;
  }
  if (Address* entry = key.empty() ? nullptr : addresses_.find(key)) {
    admission.refused = entry->busy_until > now + rules_.delay_limit;
  }
  if (User* entry = users_.find(user)) {
    forget(*entry, now);
    int beyond = entry->guesses - kGuessesAtUser;
    if (beyond > 0) admission.wait = doubled(rules_.delay / 2, beyond, rules_.delay_limit);
  }
  return admission;
}

Duration Penalties::failed(std::string_view address, std::string_view user, std::string_view mark, TimePoint now) {
  if (rules_.delay <= Duration::zero()) return Duration::zero();
  std::string key = penalty_key(address);
  if (key.empty()) {
    // Behind a loopback address stand many users: only the name is watched.
    User& entry = users_.at(std::string(user));
    forget(entry, now);
    if (entry.guesses++ == 0) entry.since = now;
    return rules_.delay;
  }
  Address& entry = addresses_.at(key);
  forget(entry, now);
  bool repeated =
      std::find(std::begin(entry.last_marks), std::end(entry.last_marks), mark) != std::end(entry.last_marks);
  if (!repeated) {
    if (entry.steps == 0) entry.user = user;
    if (entry.user != user) entry.many_users = true;
    ++entry.steps;
    entry.since = now;
    entry.last_marks[entry.next_mark++ % kMarks] = mark;
    User& named = users_.at(std::string(user));
    forget(named, now);
    if (named.guesses++ == 0) named.since = now;
  }
  Duration delay = doubled(rules_.delay, entry.steps, rules_.delay_limit);
  entry.busy_until = std::max(entry.busy_until, now) + delay / kAtOnce;
  return delay;
}

void Penalties::succeeded(std::string_view address, std::string_view user, TimePoint now) {
  if (rules_.delay <= Duration::zero()) return;
  std::string key = penalty_key(address);
  known_.at(pair_key(key, user)) = now;
  Address* entry = key.empty() ? nullptr : addresses_.find(key);
  if (entry == nullptr) return;
  bool own = !entry->many_users && entry->user == user;
  if (own || entry->steps <= 1) {
    addresses_.erase(key);
  } else {
    --entry->steps;
  }
}

}  // namespace umaya::authd
