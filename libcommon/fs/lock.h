// NAME    lock - advisory locks on open files
//
// DESCRIPTION
//     flock(2) locks belong to the open file description: a descriptor handed to another process carries the lock, and
//     it is released when the last copy is closed. fcntl(2) locks belong to the process and the file, and are what
//     other mail programs use on mbox files.
//
// ERRORS
//     A lock that somebody else holds is not an error of the try_ forms: they give LockState::busy.
#pragma once

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"

namespace umaya::fs {

enum class LockKind : unsigned char { flock, fcntl };
enum class LockMode : unsigned char { shared, exclusive };
enum class LockState : unsigned char { locked, busy };

Result<LockState> try_lock(int fd, LockKind kind, LockMode mode = LockMode::exclusive);
/// Waits for the lock; blocks the thread.
Result<> lock(int fd, LockKind kind, LockMode mode = LockMode::exclusive);
/// Tries again every 50 ms until the time is over; blocks the thread, so call it in a worker.
Result<LockState> lock_within(int fd, LockKind kind, LockMode mode, Duration limit);
Result<> unlock(int fd, LockKind kind);

}  // namespace umaya::fs
