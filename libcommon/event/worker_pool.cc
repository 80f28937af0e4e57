#include "libcommon/event/worker_pool.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>

#include "libcommon/log/log.h"

namespace umaya::event {
namespace {

constexpr int kWakeTries = 10;

}  // namespace

WorkerPool::WorkerPool(size_t threads) : limit_(threads) {}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

size_t WorkerPool::queued() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

void WorkerPool::submit(std::shared_ptr<Job> job) {
  if (!signal_) {
    signal_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    watch_ = std::make_unique<IoWatch>(signal_.get(), Readiness::read, [this] { collect(); });
  }
  std::unique_lock lock(mutex_);
  const bool is_idle = idle_ > waiting_.size();
  if (!is_idle && threads_.size() < limit_ && !start_thread() && threads_.empty()) {
    job->work();
    finish(lock, std::move(job));
    return;
  }
  waiting_.push_back(std::move(job));
  lock.unlock();  // whoever is woken wants it at once
  if (is_idle) wake_.notify_one();
}

bool WorkerPool::start_thread() {
  sigset_t all, before;  // signals are for the loop's thread
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  bool is_started = true;
  try {
    threads_.emplace_back([this] { thread_main(); });
  } catch (const std::system_error& error) {
    is_started = false;
    if (!refused_) log::warning("no thread for blocking work: {}", error.what());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  refused_ = !is_started;
  return is_started;
}

/// The waiter is resumed by the loop. The lock is held before and after.
void WorkerPool::finish(std::unique_lock<std::mutex>& lock, std::shared_ptr<Job> job) {
  finished_.push_back(std::move(job));
  if (finished_.size() > 1) return;
  lock.unlock();
  const uint64_t one = 1;
  for (int tries = 0; ::write(signal_.get(), &one, sizeof one) < 0; ++tries) {
    if (tries == kWakeTries) log::panic("worker pool: {}", strerror(errno));  // or somebody waits for ever
  }
  lock.lock();
}

void WorkerPool::thread_main() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    std::shared_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job->work();
    lock.lock();
    finish(lock, std::move(job));
  }
}

void WorkerPool::collect() {
  uint64_t count;
  if (::read(signal_.get(), &count, sizeof count) < 0) return;
  std::vector<std::shared_ptr<Job>> done;
  {
    std::lock_guard lock(mutex_);
    done.swap(finished_);
  }
  for (auto& job : done) {
    if (job->waiter) std::exchange(job->waiter, {}).resume();
  }
}

}  // namespace umaya::event
