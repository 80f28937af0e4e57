#include "authd/fair_queue.h"

#include <algorithm>

namespace umaya::authd {

/// Stands in its lane as long as it lives on the frame of enter().
struct FairQueue::Waiter {
  Waiter(FairQueue* q, std::string a, std::string u, Standing s)
      : queue(q), address(std::move(a)), user(std::move(u)), standing(s) {
    queue->join(this);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() {
    if (!called) queue->remove(this);
    if (called && !taken) queue->give_back();
  }
  FairQueue* queue;
  std::string address, user;
  Standing standing;
  event::Event turn;
  bool called = false;  ///< has a slot and is out of its lane
  bool taken = false;   ///< has put the slot into a place
};

void FairQueue::Place::leave() {
  if (queue_ != nullptr) std::exchange(queue_, nullptr)->give_back();
}

event::Task<bool> FairQueue::enter(Place* place, std::string address, std::string user, Standing standing) {
  if (busy_ < options_.slots && waiting_ == 0) {
    ++busy_;
    place->queue_ = this;
    co_return true;
  }
  if (is_full(address, user, standing)) co_return false;
  Waiter waiter(this, std::move(address), std::move(user), standing);
  bool called = co_await waiter.turn.wait(options_.limit);
  if (!called || !waiter.called) co_return false;
  waiter.taken = true;
  place->queue_ = this;
  co_return true;
}

bool FairQueue::is_full(const std::string& address, const std::string& user, Standing standing) {
  if (waiting_ >= options_.most_waiting) return true;
  auto lane = index_.find({standing, address});
  if (lane != index_.end() && lane->second->waiters.size() >= options_.most_of_address) return true;
  if (standing == Standing::known) return false;
  auto same = of_user_.find(user);
  return same != of_user_.end() && same->second >= options_.most_of_user;
}

void FairQueue::join(Waiter* waiter) {
  Lanes& lanes = lanes_of(waiter->standing);
  auto [row, is_new] = index_.try_emplace({waiter->standing, waiter->address});
  if (is_new) {
    lanes.push_back({waiter->address, {}});
    row->second = std::prev(lanes.end());
  }
  row->second->waiters.push_back(waiter);
  ++waiting_;
  if (waiter->standing == Standing::stranger) ++of_user_[waiter->user];
}

void FairQueue::remove(Waiter* waiter) {
  auto row = index_.find({waiter->standing, waiter->address});
  if (row == index_.end()) return;
  std::erase(row->second->waiters, waiter);
  if (row->second->waiters.empty()) {
    lanes_of(waiter->standing).erase(row->second);
    index_.erase(row);
  }
  --waiting_;
  if (waiter->standing != Standing::stranger) return;
  auto same = of_user_.find(waiter->user);
  if (same != of_user_.end() && --same->second == 0) of_user_.erase(same);
}

FairQueue::Waiter* FairQueue::next() {
  bool strangers_turn = ++turn_ % 4 == 0;
  Lanes& first = strangers_turn ? strangers_ : known_;
  Lanes& lanes = first.empty() ? (strangers_turn ? known_ : strangers_) : first;
  if (lanes.empty()) return nullptr;
  Waiter* waiter = lanes.front().waiters.front();
  lanes.splice(lanes.end(), lanes, lanes.begin());  // the lane's next turn comes after all others'
  remove(waiter);
  return waiter;
}

void FairQueue::give_back() {
  --busy_;
  Waiter* waiter = next();
  if (waiter == nullptr) return;
  ++busy_;
  waiter->called = true;
  waiter->turn.set();
}

}  // namespace umaya::authd
