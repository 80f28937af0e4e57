#include "cleanup/inflow.h"

#include <unistd.h>

namespace umaya::cleanup {

bool Inflow::is_waiting(const std::string& id) const {
  return access(spool_.path(queue::QueueName::incoming, id).c_str(), F_OK) == 0;
}

Duration Inflow::pause() {
  while (ids_.size() > limits_.ahead) {
    if (is_waiting(ids_.front())) return limits_.delay;
    ids_.pop_front();
  }
  return Duration::zero();
}

void Inflow::add(std::string id) {
  if (limits_.delay == Duration::zero()) return;
  ids_.push_back(std::move(id));
  // While the queue manager stands still, the oldest one speaks for all.
  constexpr size_t kRemembered = 10'000;
  if (ids_.size() > limits_.ahead + kRemembered) ids_.erase(ids_.begin() + 1, ids_.begin() + 1 + kRemembered / 2);
}

}  // namespace umaya::cleanup
