#include "libcommon/mailbox/maildir/session_lock.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "libcommon/base/clock.h"
#include "libcommon/fs/lock.h"

namespace umaya::mailbox {

namespace {

constexpr int64_t kDovecotStale = 300;  // seconds; Dovecot touches its lock more often than that

bool dovecot_has_session(const MaildirFolder& folder) {
  struct stat status {};
  if (::fstatat(folder.root(), "dovecot-pop3-session.lock", &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return wall_seconds() - status.st_mtime < kDovecotStale;
}

Result<Fd> open_lock_file(const MaildirFolder& folder) {
  Fd fd(::openat(folder.root(), "umaya-pop3.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd) return sys_error("open " + folder.path() + "/umaya-pop3.lock");
  return fd;
}

}  // namespace

Result<Fd> take_session_lock(const MaildirFolder& folder) {
  auto in_use = [] { return sys_error("another session has the mailbox", EBUSY); };
  if (dovecot_has_session(folder)) return in_use();
  // A description of its own: locks belong to it.
  Fd fd(::openat(folder.root(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return sys_error("open " + folder.path());
  auto state = fs::try_lock(fd.get(), fs::LockKind::flock);
  if (!state) {
    UMAYA_TRY(fd, open_lock_file(folder));
    state = fs::try_lock(fd.get(), fs::LockKind::flock);
  }
  if (!state) return std::unexpected(state.error());
  if (*state == fs::LockState::busy) return in_use();
  return fd;
}

}  // namespace umaya::mailbox
