#include "cleanup/committer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/fs/file.h"
#include "libcommon/queue/message_file.h"

namespace umaya::cleanup {
namespace {

// Two flushes may run at once: the second one's writes overlap the wait of the first for the disk.
constexpr unsigned kFlushesAtOnce = 2;

}  // namespace

event::Task<Result<>> Committer::commit(Fd fd, queue::QueueName queue, std::string id) {
  auto ticket = std::make_shared<Ticket>();
  std::string directory = fs::parent_directory(spool_.path(queue, id));
  waiting_.push_back({std::move(fd), queue, std::move(id), std::move(directory), ticket});
  if (flushing_ < kFlushesAtOnce) scope_.spawn(flush_all());
  co_await ticket->done.wait();
  co_return ticket->result;
}

/// Every parts-th file, from part on.
event::Task<void> Committer::run_part(FlushPtr flush, size_t part, size_t parts) {
  auto work = [flush, part, parts] {
    // All writes are under way before the first wait.
    for (size_t i = part; i < flush->entries.size(); i += parts) {
      sync_file_range(flush->entries[i].fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    }
    for (size_t i = part; i < flush->entries.size(); i += parts) {
      auto synced = fs::sync(flush->entries[i].fd.get());
      if (!synced) flush->errors[i] = synced.error().sys_errno;
    }
    return true;
  };
  co_await pool_.run(std::move(work));
  if (--flush->parts_left == 0) flush->done.set();
}

event::Task<void> Committer::run_directory(FlushPtr flush, std::string path) {
  auto work = [path] {
    auto synced = fs::sync_directory(path);
    return synced ? 0 : synced.error().sys_errno;
  };
  int error = co_await pool_.run(std::move(work));
  flush->directories[path] = error;
  if (--flush->parts_left == 0) flush->done.set();
}

void Committer::finish(Flush& flush) {
  std::vector<std::string> durable;
  for (size_t i = 0; i < flush.entries.size(); ++i) {
    Entry& entry = flush.entries[i];
    int error = flush.errors[i] != 0 ? flush.errors[i] : flush.directories[entry.directory];
    if (error != 0) {
      entry.ticket->result = sys_error("sync " + entry.id, error);
    } else {
      entry.ticket->result = queue::mark_complete(entry.fd.get());
    }
    entry.fd.reset();  // and its lock, before the queue manager comes
    if (entry.ticket->result && entry.queue == queue::QueueName::incoming) durable.push_back(entry.id);
  }
  if (!durable.empty()) on_durable_(std::move(durable));
  for (Entry& entry : flush.entries) entry.ticket->done.set();
}

event::Task<void> Committer::flush_all() {
  ++flushing_;
  while (!waiting_.empty()) {
    auto flush = std::make_shared<Flush>();
    flush->entries = std::exchange(waiting_, {});
    flush->errors.resize(flush->entries.size(), 0);
    for (const Entry& entry : flush->entries) flush->directories[entry.directory] = 0;
    size_t parts = std::min(flush->entries.size(), kSyncThreads);
    flush->parts_left = parts + flush->directories.size();
    std::vector<std::string> directories;
    for (const auto& [path, error] : flush->directories) directories.push_back(path);
    for (const std::string& path : directories) scope_.spawn(run_directory(flush, path));
    for (size_t part = 0; part < parts; ++part) scope_.spawn(run_part(flush, part, parts));
    co_await flush->done.wait();
    finish(*flush);
  }
  --flushing_;
}

}  // namespace umaya::cleanup
