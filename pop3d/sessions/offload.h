// NAME    offload - calls that read or write the disk, beside the event loop where several users share a process
//
// SYNOPSIS
//     Offload offload(2);                       // 0: on the loop's own thread
//     auto work = [box] { return box->total_size(); };
//     auto size = co_await offload.run(std::move(work));
//
// DESCRIPTION
//     A process that serves one user alone may wait for its disk; one that serves many must not let all wait for the
//     disk of one.
//
// OWNERSHIP
//     As event::WorkerPool: the function owns, by value, all that it uses.
#pragma once

#include <optional>
#include <type_traits>

#include "libcommon/event/task.h"
#include "libcommon/event/worker_pool.h"

namespace umaya::pop3d {

class Offload {
 public:
  explicit Offload(size_t threads) {
    if (threads > 0) pool_.emplace(threads);
  }
  template <class F>
  event::Task<std::invoke_result_t<F>> run(F work) {
    if (!pool_) co_return work();
    co_return co_await pool_->run(std::move(work));
  }
  /// Work is done on other threads.
  bool separate() const { return pool_.has_value(); }

 private:
  std::optional<event::WorkerPool> pool_;
};

}  // namespace umaya::pop3d
