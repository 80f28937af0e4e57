#include "cleanup/committer.h"

#include <fcntl.h>
#include <unistd.h>

#include <map>

#include "libcommon/fs/file.h"

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

/// On a worker thread: errno for each entry, 0 when it is safe.
std::vector<int> Committer::sync_batch(const Batch& batch) {
  std::vector<int> errors(batch.entries.size(), 0);
  if (batch.entries.size() > 1) {
    for (const Entry& e : batch.entries) sync_file_range(e.fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }
  for (size_t i = 0; i < errors.size(); ++i) {
    if (fsync(batch.entries[i].fd.get()) != 0) errors[i] = errno;
  }
  std::map<std::string_view, int> directories;
  for (const Entry& e : batch.entries) directories.emplace(e.directory, 0);
  for (auto& [path, error] : directories) {
    if (auto synced = fs::sync_directory(std::string(path)); !synced) error = synced.error().sys_errno;
  }
  for (size_t i = 0; i < errors.size(); ++i) {
    if (errors[i] == 0) errors[i] = directories[batch.entries[i].directory];
  }
  return errors;
}

event::Task<void> Committer::flush_all() {
  ++flushing_;
  while (!waiting_.empty()) {
    // Shared: the descriptors must stay open until the thread is done with them, whatever becomes of this task.
    auto batch = std::make_shared<Batch>();
    batch->entries = std::exchange(waiting_, {});
    auto work = [batch] { return sync_batch(*batch); };
    std::vector<int> errors = co_await pool_.run(std::move(work));
    std::vector<std::string> durable;
    for (size_t i = 0; i < errors.size(); ++i) {
      Entry& entry = batch->entries[i];
      if (errors[i] != 0) entry.ticket->result = sys_error("sync " + entry.id, errors[i]);
      if (errors[i] == 0 && entry.queue == queue::QueueName::incoming) durable.push_back(entry.id);
    }
    if (!durable.empty()) on_durable_(std::move(durable));
    for (Entry& entry : batch->entries) entry.ticket->done.set();
  }
  --flushing_;
}

}  // namespace umaya::cleanup
