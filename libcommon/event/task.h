// NAME    task - coroutines that are owned, awaited once and cancelled by destruction
//
// SYNOPSIS
//     Task<Result<int>> answer(Stream& s) { … co_return 42; }
//     auto n = co_await answer(s);
//     TaskScope scope;  scope.spawn(session(std::move(fd)));
//
// DESCRIPTION
//     A Task starts when it is awaited. Its result moves to the awaiter. A TaskScope starts tasks on its own and owns
//     them until they end; destroying the scope destroys the frames of all tasks that still wait, and with them every
//     event that they registered.
//
// OWNERSHIP
//     A Task has one owner and is awaited once. Parameters of a coroutine are values, or refer to what the scope's
//     owner outlives. A scope is never destroyed from inside one of its own tasks: ask loop.defer().
//
//     g++ 12 destroys an aggregate-initialised temporary, or a lambda with captures, twice when it stands inside an
//     expression with co_await: name it first and move it in. tools/lint.sh looks for that.
//
// ERRORS
//     An exception that leaves a coroutine is a bug and ends the process.
#pragma once

#include <coroutine>
#include <cstdlib>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace umaya::event {

template <class T = void>
class Task;

namespace detail {

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
    return self.promise().continuation ? self.promise().continuation : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  /// Runs the task at once. When it ends without waiting, the awaiter goes on without being suspended, so that a loop
  /// of such awaits does not grow the stack, whether or not the compiler makes a tail call of the transfer.
  bool await_suspend(std::coroutine_handle<> awaiter) noexcept {
    handle_.resume();
    if (handle_.done()) return false;
    handle_.promise().continuation = awaiter;
    return true;
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
  }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}
}  // namespace detail

/// Owns running tasks. Not movable: tasks point back at it.
class TaskScope {
 public:
  TaskScope() = default;
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;
  ~TaskScope() { cancel(); }

  /// Starts the task now, on the caller's stack, until it first waits.
  void spawn(Task<void> task);
  /// Destroys every task that still waits.
  void cancel();
  /// Tasks that have not ended.
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Runner;
  static Runner run(TaskScope* scope, Task<void> task);
  void* first_ = nullptr;
  size_t size_ = 0;
};

}  // namespace umaya::event
