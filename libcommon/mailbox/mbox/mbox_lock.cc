#include "libcommon/mailbox/mbox/mbox_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>

namespace umaya::mailbox {

namespace {

void sleep_for(Duration time) {
  auto nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  timespec left{static_cast<time_t>(nsec / 1'000'000'000), static_cast<long>(nsec % 1'000'000'000)};
  while (::nanosleep(&left, &left) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<> LockedMbox::open() {
  UMAYA_TRY(file_, open_file_in(directory_, name_, O_RDWR | (missing_ == Missing::create ? O_APPEND : 0), missing_));
  created_ = created_ || file_.created;
  if (rules_.owner && file_.status.st_uid != *rules_.owner) {
    return temporary("mailbox " + name_ + " is not owned by the recipient", "4.2.0");
  }
  return {};
}

Result<LockedMbox::Locked> LockedMbox::lock_kernel(MboxLock how) {
  int failed;
  if (how == MboxLock::flock) {
    failed = ::flock(fd(), LOCK_EX | LOCK_NB);
  } else {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    // Of this open file, not of the process: it keeps others away who have the mailbox open in this process, too.
    failed = ::fcntl(fd(), F_OFD_SETLK, &lock);
    if (failed != 0 && errno == EINVAL) failed = ::fcntl(fd(), F_SETLK, &lock);
  }
  if (failed == 0) return Locked::yes;
  if (errno == EAGAIN || errno == EACCES || errno == EINTR) return Locked::busy;
  return delivery_error("lock of mailbox " + name_);
}

Result<LockedMbox::Locked> LockedMbox::lock_dot() {
  auto lock = Dotlock::try_lock(directory_, name_ + ".lock", rules_.stale_lock_time);
  if (!lock) {
    int err = lock.error().sys_errno;
    bool not_allowed = err == EACCES || err == EPERM || err == EROFS;
    if (not_allowed && rules_.dotlock == DotlockNeed::if_possible) return Locked::yes;
    return std::unexpected(lock.error());
  }
  if (!*lock) return Locked::busy;
  dotlock_.emplace(std::move(**lock));
  return Locked::yes;
}

Result<LockedMbox::Locked> LockedMbox::lock_all() {
  for (MboxLock how : rules_.locks) {
    UMAYA_TRY(Locked got, how == MboxLock::dotlock ? lock_dot() : lock_kernel(how));
    if (got == Locked::busy) return Locked::busy;
  }
  return Locked::yes;
}

// Name, file and its only link in one look: a link that comes and goes between other calls is found out here.
bool LockedMbox::name_means_file() const {
  struct stat named {};
  if (::fstatat(directory_, name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) < 0) return false;
  return named.st_dev == file_.status.st_dev && named.st_ino == file_.status.st_ino && named.st_nlink == 1;
}

Result<> LockedMbox::acquire() {
  int attempts = std::max(1, rules_.lock_attempts);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (attempt > 0) sleep_for(rules_.lock_delay);
    UMAYA_CHECK(open());
    UMAYA_TRY(Locked got, lock_all());
    if (got == Locked::yes && name_means_file()) return {};
    dotlock_.reset();
    file_ = {};
  }
  auto locked = temporary("mailbox " + name_ + " is locked by another program", "4.2.0");
  locked.error().sys_errno = EBUSY;
  return locked;
}

}  // namespace umaya::mailbox
