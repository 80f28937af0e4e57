// Messages that nobody told us about: those of the time before us, and those that wait for their next try.
#include <sys/stat.h>

#include "libcommon/log/log.h"
#include "queue-manager/queue_manager.h"

namespace umaya::qmgr {

using namespace std::chrono_literals;

namespace {

/// Files looked at before other work gets its turn.
constexpr int kSlice = 100;
constexpr int64_t kUnmarkedAfter = 60;

}  // namespace

void QueueManager::want_scan(Scan& scan, Urgency urgency) {
  if (urgency == Urgency::now || !scan.wanted) scan.urgency_wanted = urgency;
  scan.wanted = true;
  if (!scan_step_.armed()) scan_step_.arm(0s);
}

/// Goes on with the scans, one file of each in turn; the incoming one first when there is little room.
void QueueManager::run_scans() {
  if (process_.stopping()) return;
  for (int i = 0; i < kSlice && has_room(); ++i) {
    bool more_incoming = scan_step(incoming_);
    bool more_deferred = has_room() && scan_step(deferred_);
    if (!more_incoming && !more_deferred) return;
  }
  if (has_room()) scan_step_.arm(0s);
}

/// One file; false when there is nothing to scan.
bool QueueManager::scan_step(Scan& scan) {
  if (!scan.running) {
    if (!scan.wanted) return false;
    scan.wanted = false;
    scan.urgency = scan.urgency_wanted;
    auto opened = spool_.scan(scan.queue);
    if (!opened) {
      log::warning("{}", opened.error().what);
      return false;
    }
    scan.running = std::move(*opened);
  }
  auto found = scan.running->next();
  if (!found) {
    scan.running.reset();
    return scan.wanted;
  }
  struct stat status;
  if (::lstat(found->path.c_str(), &status) < 0) return true;
  bool due = scan.urgency == Urgency::now || status.st_mtime <= wall_seconds() + 1 ||
             (status.st_mode & (queue::mode::kUnthrottle | queue::mode::kForceExpire)) != 0;
  const bool is_marked = (status.st_mode & queue::mode::kReadyBit) != 0;
  // Without the mark it is under way, or left behind by a crash: at our start, or a minute after its last change.
  if (!is_marked) due = early_rounds_ < kEarlyRounds || wall_seconds() - status.st_mtime > kUnmarkedAfter;
  if (due) take(found->path, found->id, scan.queue, scan.urgency);
  return true;
}

/// What a crash or restart left in active/.
void QueueManager::recover_active() {
  auto scan = spool_.scan(queue::QueueName::active);
  if (!scan) {
    log::warning("{}", scan.error().what);
    return;
  }
  while (auto found = scan->next()) {
    if (keys_.contains(found->id) || locked_.contains(found->id)) continue;
    if (!has_room()) {
      (void)spool_.move_from(found->path, found->id, queue::QueueName::incoming);
    } else if (take(found->path, found->id, queue::QueueName::active, Urgency::when_due) == Taken::busy) {
      locked_.insert(found->id);
    }
  }
}

}  // namespace umaya::qmgr
