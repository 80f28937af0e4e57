// NAME    worker_pool - threads for calls that block (fsync, getaddrinfo, password hashes)
//
// SYNOPSIS
//     WorkerPool pool(4);
//     auto flush = [fd] { return fsync(fd) ? errno : 0; };
//     int error = co_await pool.run(flush);
//
// DESCRIPTION
//     The function runs on a thread of the pool, its result comes back on the loop. It must own, by value, all that it
//     uses: when the waiting coroutine is destroyed the function still runs to its end and its result is dropped.
//     Threads are started when there is work for them. Where not even one can be had (limits of processes or memory)
//     the loop's thread does the work itself, and everything waits for it. The destructor waits for what is running.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/event/loop.h"

namespace umaya::event {

class WorkerPool {
 public:
  explicit WorkerPool(size_t threads);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  /// co_await: the result of fn, which must not be void.
  template <class F>
  auto run(F fn);
  /// Work that waits for a thread.
  size_t queued() const;

 private:
  struct Job {
    virtual ~Job() = default;
    virtual void work() = 0;
    std::coroutine_handle<> waiter;  // touched by the loop's thread only; empty when nobody waits any more
  };
  template <class F, class R>
  struct TypedJob;
  template <class F, class R>
  class Awaiter;

  void submit(std::shared_ptr<Job> job);
  bool start_thread();
  void finish(std::unique_lock<std::mutex>& lock, std::shared_ptr<Job> job);
  void thread_main();
  void collect();

  const size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Shared: a job lives until both its thread and its waiter, which may be destroyed at any time, are done with it.
  std::deque<std::shared_ptr<Job>> waiting_;
  std::vector<std::shared_ptr<Job>> finished_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopping_ = false;
  bool refused_ = false;  ///< the last start of a thread
  Fd signal_;
  std::unique_ptr<IoWatch> watch_;
};

template <class F, class R>
struct WorkerPool::TypedJob : Job {
  explicit TypedJob(F f) : fn(std::move(f)) {}
  void work() override { result.emplace(fn()); }
  F fn;
  std::optional<R> result;
};

template <class F, class R>
class WorkerPool::Awaiter {
 public:
  Awaiter(WorkerPool& pool, F fn) : pool_(pool), job_(std::make_shared<TypedJob<F, R>>(std::move(fn))) {}
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;
  ~Awaiter() { job_->waiter = {}; }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    job_->waiter = waiter;
    pool_.submit(job_);
  }
  R await_resume() { return std::move(*job_->result); }

 private:
  WorkerPool& pool_;
  std::shared_ptr<TypedJob<F, R>> job_;
};

template <class F>
auto WorkerPool::run(F fn) {
  return Awaiter<F, std::invoke_result_t<F>>(*this, std::move(fn));
}

}  // namespace umaya::event
