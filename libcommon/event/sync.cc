#include "libcommon/event/sync.h"

namespace umaya::event {

void WaitList::wake(size_t n) {
  while (n-- > 0 && !waiting_.empty()) {
    woken_.splice(woken_.end(), waiting_, waiting_.begin());
  }
  if (!woken_.empty() && !wake_.armed()) wake_.arm(Duration::zero());
}

void WaitList::run_woken() {
  bool destroyed = false;  // a resumed coroutine may destroy other waiters, or this list
  destroyed_ = &destroyed;
  while (!woken_.empty()) {
    Awaiter* first = woken_.front();
    woken_.pop_front();
    first->ready_ = true;
    if (first->timer_) first->timer_->cancel();
    std::exchange(first->waiter_, {}).resume();
    if (destroyed) return;
  }
  destroyed_ = nullptr;
}

/// Forgets a waiter; a wake that was meant for it goes to the next one.
void WaitList::remove(Awaiter* awaiter) {
  waiting_.remove(awaiter);
  if (woken_.remove(awaiter) > 0) wake(1);
}

void WaitList::Awaiter::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  list_.waiting_.push_back(this);
  if (limit_ == kForever) return;
  timer_ = std::make_unique<Timer>([this] {
    list_.remove(this);
    std::exchange(waiter_, {}).resume();
  });
  timer_->arm(limit_);
}

WaitList::Awaiter::~Awaiter() {
  if (!waiter_) return;
  list_.remove(this);
}

Task<bool> Semaphore::acquire(Duration limit) {
  TimePoint until = limit == kForever ? TimePoint::max() : monotonic_now() + limit;
  while (free_ == 0) {
    Duration left = limit == kForever ? kForever : until - monotonic_now();
    bool woken = co_await WaitList::Awaiter(waiters_, false, left);
    if (!woken) co_return false;
  }
  --free_;
  co_return true;
}

}  // namespace umaya::event
