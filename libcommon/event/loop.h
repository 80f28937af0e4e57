// NAME    loop - the event loop of a daemon: readiness, timers, signals, deferred calls
//
// SYNOPSIS
//     Loop& loop = Loop::current();
//     loop.run();                       // until stop()
//     co_await sleep(1s);
//     co_await readable(fd, 30s);
//
// DESCRIPTION
//     One loop for each thread that runs one, around libevent, which is included nowhere but in this folder. A watch or
//     timer is an object: destroying it cancels it. Callbacks run on the loop's stack and must not block.
//     now() is taken once a round.
//
//     A timer is never early. It is late by microseconds, or by a few milliseconds in a program that has called
//     use_coarse_timers().
//
// ERRORS
//     A callback that throws is a bug: the process aborts, nothing unwinds through libevent.
#pragma once

#include <chrono>
#include <coroutine>
#include <functional>
#include <memory>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/event/task.h"

struct event;
struct event_base;

namespace umaya::event {

using namespace std::chrono_literals;

/// No time limit.
inline constexpr Duration kForever = Duration::max();

namespace detail {
struct EventFree {
  void operator()(::event* e) const;
};
struct BaseFree {
  void operator()(::event_base* b) const;
};
using EventPtr = std::unique_ptr<::event, EventFree>;
}  // namespace detail

/// For this program's loops from now on: timers by the kernel's ticks, for one system call less in each round. For
/// programs whose timers are time limits; where work is gathered for milliseconds it costs more than it saves.
void use_coarse_timers();

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();
  /// The loop of this thread: the innermost Loop object that lives, or one made at the first call.
  static Loop& current();

  /// Runs until stop(), or until nothing is left to wait for.
  void run();
  /// Runs what is ready now, without waiting.
  void run_once();
  void stop();
  /// Monotonic time at the start of this round.
  TimePoint now() const { return now_; }
  /// Calls fn after the running callback has returned, in this round.
  void defer(std::function<void()> fn);
  /// Calls fn at the end of every round, before the loop waits (the log gathers lines until then).
  void at_round_end(std::function<void()> fn) { round_end_.push_back(std::move(fn)); }
  /// Drops the state shared with the parent after fork(), so that the child may use the loop.
  void after_fork();
  ::event_base* base() { return base_.get(); }

 private:
  void drain_deferred();
  std::unique_ptr<::event_base, detail::BaseFree> base_;
  std::vector<std::function<void()>> deferred_;
  std::vector<std::function<void()>> round_end_;
  TimePoint now_;
  Loop* outer_ = nullptr;
  bool stopping_ = false;
};

/// What a watch waits for. edge: told once for each arrival; the caller reads until EAGAIN.
enum class Readiness : short { read, write, read_edge, write_edge };

/// Calls back each time a descriptor is ready; borrows the descriptor, which must stay open as long as the watch.
class IoWatch {
 public:
  IoWatch(int fd, Readiness readiness, std::function<void()> callback);
  IoWatch(const IoWatch&) = delete;
  IoWatch& operator=(const IoWatch&) = delete;
  /// Stops and goes on; a new watch is on.
  void enable();
  void disable();

 private:
  static void on_event(int, short what, void* self);
  std::function<void()> callback_;
  detail::EventPtr event_;
};

/// One shot; may be armed again.
class Timer {
 public:
  explicit Timer(std::function<void()> callback);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void arm(Duration after);
  void cancel();
  bool armed() const { return armed_; }

 private:
  static void on_event(int, short, void* self);
  void wait(Duration time);
  std::function<void()> callback_;
  detail::EventPtr event_;
  TimePoint due_;
  bool armed_ = false;
};

/// Calls back on the loop, not in the signal handler.
class SignalWatch {
 public:
  SignalWatch(int signal, std::function<void()> callback);
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  static void on_event(int, short, void* self);
  std::function<void()> callback_;
  detail::EventPtr event_;
};

/// co_await sleep(d): waits for d.
class SleepAwaiter {
 public:
  explicit SleepAwaiter(Duration after) : after_(after), timer_([this] { waiter_.resume(); }) {}
  bool await_ready() const { return after_ <= Duration::zero(); }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    timer_.arm(after_);
  }
  void await_resume() const {}

 private:
  Duration after_;
  std::coroutine_handle<> waiter_;
  Timer timer_;
};
inline SleepAwaiter sleep(Duration after) {
  return SleepAwaiter(after);
}

/// co_await next_round(): lets everything else run that is ready.
class RoundAwaiter {
 public:
  RoundAwaiter() : timer_([this] { waiter_.resume(); }) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    timer_.arm(Duration::zero());
  }
  void await_resume() const {}

 private:
  std::coroutine_handle<> waiter_;
  Timer timer_;
};
inline RoundAwaiter next_round() {
  return {};
}

/// co_await readable(fd, limit): true when the descriptor is ready, false when the time is over.
/// On a descriptor that is watched with an edge watch too, only the *_edge forms may be used.
class ReadyAwaiter {
 public:
  ReadyAwaiter(int fd, Readiness readiness, Duration limit) : fd_(fd), readiness_(readiness), limit_(limit) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter);
  bool await_resume() const { return ready_; }

 private:
  void finish(bool ready);
  int fd_;
  Readiness readiness_;
  Duration limit_;
  bool ready_ = false;
  std::coroutine_handle<> waiter_;
  std::unique_ptr<IoWatch> watch_;
  std::unique_ptr<Timer> timer_;
};
inline ReadyAwaiter readable(int fd, Duration limit = kForever) {
  return {fd, Readiness::read, limit};
}
inline ReadyAwaiter writable(int fd, Duration limit = kForever) {
  return {fd, Readiness::write, limit};
}
inline ReadyAwaiter readable_edge(int fd, Duration limit = kForever) {
  return {fd, Readiness::read_edge, limit};
}
inline ReadyAwaiter writable_edge(int fd, Duration limit = kForever) {
  return {fd, Readiness::write_edge, limit};
}

/// Runs a task on the current loop until it ends, and gives its result: for commands and tests.
template <class T>
T run_until_done(Task<T> task) {
  TaskScope scope;
  Loop& loop = Loop::current();
  if constexpr (std::is_void_v<T>) {
    auto outer = [](Task<T> inner, Loop* l, bool* done) -> Task<void> {
      co_await inner;
      *done = true;
      l->stop();
    };
    bool done = false;
    scope.spawn(outer(std::move(task), &loop, &done));
    if (!done) loop.run();
  } else {
    std::optional<T> result;
    auto outer = [](Task<T> inner, Loop* l, std::optional<T>* out) -> Task<void> {
      out->emplace(co_await inner);
      l->stop();
    };
    scope.spawn(outer(std::move(task), &loop, &result));
    if (!result) loop.run();
    return std::move(*result);
  }
}

}  // namespace umaya::event
