#include "named-lite/peers/transfer_places.h"

#include <iterator>

namespace umaya::named {

/// A place that was granted and not yet taken goes back by itself.
TransferPlaces::Waiter::~Waiter() {
  auto known = places.servers_.find(server);
  if (known == places.servers_.end()) return;
  if (known->second.queue.remove(this) > 0) --places.waiting_;
  if (known->second.queue.empty() && known->second.running == 0) places.servers_.erase(known);
}

void TransferPlaces::configure(size_t most) {
  most_ = most;
  for (auto each = servers_.begin(); each != servers_.end();) {
    Server& server = each->second;
    for (Waiter* waiter : server.queue) waiter->turn.set();
    server.queue.clear();
    each = server.running == 0 ? servers_.erase(each) : std::next(each);
  }
  waiting_ = 0;
}

event::Task<std::optional<TransferPlaces::Place>> TransferPlaces::take(net::IpAddress server, size_t most_of_server,
                                                                       Duration limit) {
  Waiter waiter(*this);
  waiter.server = server;
  waiter.most = most_of_server;
  waiter.number = ++last_number_;
  servers_[server].queue.push_back(&waiter);
  ++waiting_;
  grant();
  if (!waiter.place) {
    bool granted = co_await waiter.turn.wait(limit);
    (void)granted;  // the place says it
  }
  co_return std::move(waiter.place);
}

void TransferPlaces::leave(const net::IpAddress& server) {
  --running_;
  auto known = servers_.find(server);
  --known->second.running;
  if (known->second.queue.empty() && known->second.running == 0) servers_.erase(known);
  grant();
}

/// Places to the longest waiting of those whose server has one to give.
void TransferPlaces::grant() {
  while (running_ < most_ && waiting_ > 0) {
    Server* next = nullptr;
    for (auto& [address, server] : servers_) {
      if (server.queue.empty() || server.running >= server.queue.front()->most) continue;
      bool older = next == nullptr || server.queue.front()->number < next->queue.front()->number;
      if (older) next = &server;
    }
    if (next == nullptr) return;
    Waiter& first = *next->queue.front();
    next->queue.pop_front();
    --waiting_;
    ++next->running;
    ++running_;
    first.place.emplace(Place(*this, first.server));
    first.turn.set();
  }
}

}  // namespace umaya::named
