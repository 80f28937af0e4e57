// NAME    committer - makes finished queue files durable, many with one flush
//
// SYNOPSIS
//     Committer committer(pool, scope, spool, on_durable);
//     Result<> safe = co_await committer.commit(std::move(fd), queue::QueueName::incoming, id);
//
// DESCRIPTION
//     While a flush is under way, the files that arrive wait for the next one; so the busier it is, the more
//     messages share a flush. A flush starts writing all files, then syncs all of them and their directories at the
//     same time on the threads of the pool: the kernel makes one journal commit and one flush of the disk out of many
//     that come together, where one after the other each would wait for its own. The loop goes on meanwhile.
//     What is safe is marked as complete and closed, and only then announced.
//
// ERRORS
//     A file whose sync fails, and every file of a directory whose sync fails, gets the error; it must be given up.
//
// OWNERSHIP
//     Pool, scope and spool outlive the committer. A caller that is destroyed while it waits loses only the answer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"
#include "libcommon/event/worker_pool.h"
#include "libcommon/queue/directories.h"

namespace umaya::cleanup {

/// Files that are synced at the same time in one flush.
inline constexpr size_t kSyncThreads = 4;

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
  /// A flush: what is synced, and who waits for the parts of it.
  struct Flush {
    std::vector<Entry> entries;
    std::vector<int> errors;                 ///< errno for each entry, 0 when it is safe
    std::map<std::string, int> directories;  ///< errno for each
    size_t parts_left = 0;
    event::Event done;
  };
  // Shared: threads may still work on a flush when nobody waits for it any more.
  using FlushPtr = std::shared_ptr<Flush>;
  event::Task<void> flush_all();
  event::Task<void> run_part(FlushPtr flush, size_t part, size_t parts);
  event::Task<void> run_directory(FlushPtr flush, std::string path);
  void finish(Flush& flush);

  event::WorkerPool& pool_;
  event::TaskScope& scope_;
  const queue::QueueDirectories& spool_;
  Durable on_durable_;
  std::vector<Entry> waiting_;
  unsigned flushing_ = 0;
};

}  // namespace umaya::cleanup
