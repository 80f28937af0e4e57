#include "named-lite/query/wait_limits.h"

namespace umaya::named {

using namespace std::chrono_literals;

std::string WaitLimits::network_of(const net::IpAddress& client) {
  return std::string(client.bytes().substr(0, client.is_v4() ? 3 : 7));
}

bool WaitLimits::enter(const net::IpAddress& client) {
  Network& network = waiting_[network_of(client)];
  if (network.waiting >= kMostWaiting) return false;
  ++network.waiting;
  return true;
}

bool WaitLimits::leave(const net::IpAddress& client, Duration waited, TimePoint now) {
  auto known = waiting_.find(network_of(client));
  if (known == waiting_.end()) return true;
  Network& network = known->second;
  bool sent = true;
  if (waited > kLong) {
    if (now - network.second >= 1s) {
      network.second = now;
      network.late = 0;
    }
    sent = ++network.late <= kMostLate;
  }
  if (--network.waiting == 0) waiting_.erase(known);
  return sent;
}

}  // namespace umaya::named
