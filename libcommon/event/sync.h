// NAME    sync - coroutines that wait for one another
//
// SYNOPSIS
//     Event done;          co_await done.wait();   done.set();
//     Semaphore slots(5);  co_await slots.acquire();  …  slots.release();
//
// DESCRIPTION
//     Waiters are resumed in order, from the loop (deferred), never inside set() or release(). A waiter that is
//     destroyed leaves the queue.
#pragma once

#include <coroutine>
#include <list>

#include "libcommon/event/loop.h"

namespace umaya::event {

/// Queue of waiting coroutines, the base of Event and Semaphore.
class WaitList {
 public:
  class Awaiter;
  WaitList() : wake_([this] { run_woken(); }) {}
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;
  ~WaitList() {
    if (destroyed_) *destroyed_ = true;
  }
  bool empty() const { return waiting_.empty(); }
  /// Lets the first n waiters go on.
  void wake(size_t n);

 private:
  friend class Awaiter;
  void run_woken();
  void remove(Awaiter* awaiter);
  bool* destroyed_ = nullptr;
  std::list<Awaiter*> waiting_;
  std::list<Awaiter*> woken_;
  Timer wake_;
};

class WaitList::Awaiter {
 public:
  /// ready: do not wait at all. limit: wait no longer than this.
  Awaiter(WaitList& list, bool ready, Duration limit) : list_(list), ready_(ready), limit_(limit) {}
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;
  ~Awaiter();
  bool await_ready() const { return ready_; }
  void await_suspend(std::coroutine_handle<> waiter);
  /// false: the time is over.
  bool await_resume() const { return ready_; }

 private:
  friend class WaitList;
  WaitList& list_;
  bool ready_;
  Duration limit_;
  std::coroutine_handle<> waiter_;
  std::unique_ptr<Timer> timer_;
};

/// A flag that coroutines wait for. Stays set until reset().
class Event {
 public:
  /// co_await: true when set, false when the limit is over first.
  WaitList::Awaiter wait(Duration limit = kForever) { return {waiters_, set_, limit}; }
  void set() {
    set_ = true;
    waiters_.wake(SIZE_MAX);
  }
  void reset() { set_ = false; }
  /// Wakes those who wait now without setting the flag.
  void pulse() { waiters_.wake(SIZE_MAX); }
  bool is_set() const { return set_; }

 private:
  bool set_ = false;
  WaitList waiters_;
};

/// Counts free slots; acquire() waits for one, first come first served.
class Semaphore {
 public:
  explicit Semaphore(size_t slots) : free_(slots) {}
  /// co_await: true with a slot, false when the limit is over. A waiter that was given its slot and is cancelled
  /// before it runs gives it back.
  Task<bool> acquire(Duration limit = kForever);
  bool try_acquire() {
    if (free_ == 0) return false;
    --free_;
    return true;
  }
  void release() {
    ++free_;
    if (!waiters_.empty()) waiters_.wake(1);
  }
  size_t free() const { return free_; }

 private:
  size_t free_;
  WaitList waiters_;
};

}  // namespace umaya::event
