#include "libcommon/event/task.h"

namespace umaya::event {

/// The detached outermost coroutine of a spawned task: a node in its scope's list that frees itself at its end.
struct TaskScope::Runner {
  struct promise_type {
    TaskScope* scope;
    promise_type* next = nullptr;
    promise_type* previous = nullptr;

    promise_type(TaskScope* owner, Task<void>&) : scope(owner) { link(); }
    ~promise_type() { unlink(); }
    Runner get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }  // runs off its end: the frame is freed
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

    void link() {
      next = static_cast<promise_type*>(scope->first_);
      if (next) next->previous = this;
      scope->first_ = this;
      ++scope->size_;
    }
    void unlink() {
      (previous ? previous->next : reinterpret_cast<promise_type*&>(scope->first_)) = next;
      if (next) next->previous = previous;
      --scope->size_;
    }
  };
  std::coroutine_handle<promise_type> handle;
};

TaskScope::Runner TaskScope::run(TaskScope*, Task<void> task) {
  co_await task;
}

void TaskScope::spawn(Task<void> task) {
  run(this, std::move(task)).handle.resume();
}

void TaskScope::cancel() {
  while (first_) {
    std::coroutine_handle<Runner::promise_type>::from_promise(*static_cast<Runner::promise_type*>(first_)).destroy();
  }
}

}  // namespace umaya::event
