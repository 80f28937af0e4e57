#include "libcommon/event/loop.h"

#include <event2/event.h>

#include <algorithm>

#include "libcommon/log/log.h"

namespace umaya::event {

void detail::EventFree::operator()(::event* e) const {
  event_free(e);
}
void detail::BaseFree::operator()(::event_base* b) const {
  event_base_free(b);
}

static thread_local Loop* current_loop = nullptr;
static bool coarse_timers = false;

void use_coarse_timers() {
  coarse_timers = true;
}

static event_base* make_base() {
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  // Costs a timerfd_settime() each time the loop waits.
  if (!coarse_timers) event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  if (!base) log::panic("event loop: no event base");
  return base;
}

static timeval to_timeval(Duration d) {
  auto usec = std::max<int64_t>(0, std::chrono::ceil<std::chrono::microseconds>(d).count());
  return {usec / 1'000'000, static_cast<suseconds_t>(usec % 1'000'000)};
}

Loop::Loop() : base_(make_base()), now_(monotonic_now()), outer_(current_loop) {
  current_loop = this;
}

Loop::~Loop() {
  if (current_loop == this) current_loop = outer_;
}

Loop& Loop::current() {
  static thread_local std::unique_ptr<Loop> made_here;
  if (!current_loop) made_here = std::make_unique<Loop>();
  return *current_loop;
}

void Loop::run() {
  stopping_ = false;
  while (!stopping_) {
    drain_deferred();
    for (auto& fn : round_end_) fn();
    if (stopping_) break;
    if (!deferred_.empty()) {
      event_base_loop(base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
    } else if (event_base_loop(base(), EVLOOP_ONCE) == 1) {
      break;  // nothing is registered any more
    }
    now_ = monotonic_now();
  }
  drain_deferred();
}

void Loop::run_once() {
  drain_deferred();
  now_ = monotonic_now();
  event_base_loop(base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  drain_deferred();
}

void Loop::stop() {
  stopping_ = true;
  event_base_loopbreak(base());
}

void Loop::defer(std::function<void()> fn) {
  deferred_.push_back(std::move(fn));
}

void Loop::after_fork() {
  event_reinit(base());
}

void Loop::drain_deferred() {
  while (!deferred_.empty()) {
    auto batch = std::exchange(deferred_, {});
    for (auto& fn : batch) fn();
  }
}

static short event_flags(Readiness readiness) {
  switch (readiness) {
    case Readiness::read:
      return EV_READ | EV_PERSIST;
    case Readiness::write:
      return EV_WRITE | EV_PERSIST;
    case Readiness::read_edge:
      return EV_READ | EV_PERSIST | EV_ET;
    case Readiness::write_edge:
      return EV_WRITE | EV_PERSIST | EV_ET;
  }
  return 0;
}

IoWatch::IoWatch(int fd, Readiness readiness, std::function<void()> callback)
    : callback_(std::move(callback)),
      event_(event_new(Loop::current().base(), fd, event_flags(readiness), &IoWatch::on_event, this)) {
  enable();
}

void IoWatch::enable() {
  if (event_add(event_.get(), nullptr) != 0) log::panic("event loop: cannot watch descriptor");
}
void IoWatch::disable() {
  event_del(event_.get());
}

void IoWatch::on_event(int, short, void* self) {
  [&]() noexcept { static_cast<IoWatch*>(self)->callback_(); }();
}

Timer::Timer(std::function<void()> callback)
    : callback_(std::move(callback)), event_(event_new(Loop::current().base(), -1, 0, &Timer::on_event, this)) {}

void Timer::arm(Duration after) {
  if (after == kForever) return cancel();
  due_ = monotonic_now() + after;
  wait(after);
  armed_ = true;
}

void Timer::wait(Duration time) {
  timeval tv = to_timeval(time);
  event_add(event_.get(), &tv);
}

void Timer::cancel() {
  if (armed_) event_del(event_.get());
  armed_ = false;
}

void Timer::on_event(int, short, void* self) {
  [&]() noexcept {
    auto* timer = static_cast<Timer*>(self);
    // The clock of the base moves in ticks of the kernel's and is behind by up to one.
    if (Duration left = timer->due_ - monotonic_now(); left > Duration::zero()) return timer->wait(left);
    timer->armed_ = false;
    timer->callback_();
  }();
}

SignalWatch::SignalWatch(int signal, std::function<void()> callback)
    : callback_(std::move(callback)),
      event_(event_new(Loop::current().base(), signal, EV_SIGNAL | EV_PERSIST, &SignalWatch::on_event, this)) {
  event_add(event_.get(), nullptr);
}

void SignalWatch::on_event(int, short, void* self) {
  [&]() noexcept { static_cast<SignalWatch*>(self)->callback_(); }();
}

void ReadyAwaiter::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  watch_ = std::make_unique<IoWatch>(fd_, readiness_, [this] { finish(true); });
  if (limit_ != kForever) {
    timer_ = std::make_unique<Timer>([this] { finish(false); });
    timer_->arm(limit_);
  }
}

void ReadyAwaiter::finish(bool ready) {
  ready_ = ready;
  watch_->disable();
  if (timer_) timer_->cancel();
  waiter_.resume();  // may destroy this object
}

}  // namespace umaya::event
