#include "libcommon/fs/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <thread>

namespace umaya::fs {
namespace {

enum class Wait : unsigned char { no, yes };

int flock_call(int fd, int operation) {
  int result = ::flock(fd, operation);
  while (result < 0 && errno == EINTR) result = ::flock(fd, operation);
  return result;
}

int fcntl_call(int fd, short type, Wait wait) {
  struct flock whole {};
  whole.l_type = type;
  whole.l_whence = SEEK_SET;
  int command = wait == Wait::yes ? F_SETLKW : F_SETLK;
  int result = ::fcntl(fd, command, &whole);
  while (result < 0 && errno == EINTR) result = ::fcntl(fd, command, &whole);
  return result;
}

int lock_call(int fd, LockKind kind, LockMode mode, Wait wait) {
  if (kind == LockKind::flock) {
    int operation = mode == LockMode::exclusive ? LOCK_EX : LOCK_SH;
    return flock_call(fd, wait == Wait::yes ? operation : operation | LOCK_NB);
  }
  return fcntl_call(fd, mode == LockMode::exclusive ? F_WRLCK : F_RDLCK, wait);
}

}  // namespace

Result<LockState> try_lock(int fd, LockKind kind, LockMode mode) {
  if (lock_call(fd, kind, mode, Wait::no) == 0) return LockState::locked;
  if (errno == EWOULDBLOCK || errno == EACCES) return LockState::busy;
  return sys_error("lock");
}

Result<> lock(int fd, LockKind kind, LockMode mode) {
  if (lock_call(fd, kind, mode, Wait::yes) < 0) return sys_error("lock");
  return {};
}

Result<LockState> lock_within(int fd, LockKind kind, LockMode mode, Duration limit) {
  TimePoint end = monotonic_now() + limit;
  for (;;) {
    UMAYA_TRY(LockState state, try_lock(fd, kind, mode));
    if (state == LockState::locked || monotonic_now() >= end) return state;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Result<> unlock(int fd, LockKind kind) {
  int result = kind == LockKind::flock ? flock_call(fd, LOCK_UN) : fcntl_call(fd, F_UNLCK, Wait::no);
  if (result < 0) return sys_error("unlock");
  return {};
}

}  // namespace umaya::fs
