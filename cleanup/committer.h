// NAME    committer - makes finished queue files durable, many with one flush
//
// SYNOPSIS
//     Committer committer(pool, scope, spool, on_durable);
//     Result<> safe = co_await committer.commit(std::move(fd), queue::QueueName::incoming, id);
//
// DESCRIPTION
//     While one flush is under way, the files that arrive wait for the next one; so the busier it is, the more
//     messages share a flush. A flush starts writing all files, then syncs each of them, then the directories: on a
//     journaling file system the first sync carries most of the others. It runs on a thread of the pool, the loop goes
//     on meanwhile.
//
// ERRORS
//     A file whose sync fails, and every file of a directory whose sync fails, gets the error; it must be given up.
//
// OWNERSHIP
//     Pool, scope and spool outlive the committer. A caller that is destroyed while it waits loses only the answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"
#include "libcommon/event/worker_pool.h"
#include "libcommon/queue/directories.h"

namespace umaya::cleanup {

class Committer {
 public:
  using Durable = std::function<void(std::vector<std::string> ids)>;
  /// on_durable: called after each flush with the ids in incoming/ that are safe now.
  Committer(event::WorkerPool& pool, event::TaskScope& scope, const queue::QueueDirectories& spool, Durable on_durable)
      : pool_(pool), scope_(scope), spool_(spool), on_durable_(std::move(on_durable)) {}

  event::Task<Result<>> commit(Fd fd, queue::QueueName queue, std::string id);

 private:
  struct Ticket {
    event::Event done;
    Result<> result;
  };
  struct Entry {
    Fd fd;
    queue::QueueName queue;
    std::string id;
    std::string directory;
    // Shared: the flush must be able to answer after the caller is gone.
    std::shared_ptr<Ticket> ticket;
  };
  struct Batch {
    std::vector<Entry> entries;
  };
  event::Task<void> flush_all();
  static std::vector<int> sync_batch(const Batch& batch);

  event::WorkerPool& pool_;
  event::TaskScope& scope_;
  const queue::QueueDirectories& spool_;
  Durable on_durable_;
  std::vector<Entry> waiting_;
  unsigned flushing_ = 0;
};

}  // namespace umaya::cleanup
