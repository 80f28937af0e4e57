#include "libcommon/mailbox/dotlock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "libcommon/fs/calls.h"
#include "libcommon/mailbox/content.h"
#include "libcommon/mailbox/delivery_file.h"

namespace umaya::mailbox {

namespace {

bool owner_is_gone(int directory, const std::string& name) {
  Fd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  char text[32];
  ssize_t n = fd ? ::read(fd.get(), text, sizeof text) : -1;
  auto pid = n > 0 ? parse_uint(trim({text, static_cast<size_t>(n)})) : std::nullopt;
  if (!pid || *pid == 0 || *pid > 0x7fffffff) return true;
  return ::kill(static_cast<pid_t>(*pid), 0) < 0 && errno == ESRCH;
}

// Breaks the lock when it is stale; true when it is worth trying again.
bool break_stale(int directory, const std::string& name, Duration stale_after) {
  struct stat before {};
  if (::fstatat(directory, name.c_str(), &before, AT_SYMLINK_NOFOLLOW) < 0) return errno == ENOENT;
  int64_t age = wall_seconds() - before.st_mtime;
  if (age < std::chrono::duration_cast<std::chrono::seconds>(stale_after).count()) return false;
  if (!owner_is_gone(directory, name)) return false;
  struct stat now {};
  if (::fstatat(directory, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) < 0) return true;
  if (now.st_ino != before.st_ino || now.st_mtime != before.st_mtime) return false;
  return fs::calls().unlinkat(directory, name.c_str(), 0) == 0;
}

}  // namespace

Result<std::optional<Dotlock>> Dotlock::try_lock(int directory, const std::string& name, Duration stale_after) {
  std::string own = fmt::format(".lk{}{:08x}", getpid(), static_cast<uint32_t>(random_u64()));
  Fd fd(fs::calls().openat(directory, own.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd) return delivery_error("create dotlock " + name);
  auto written = write_all(fd.get(), fmt::format("{}\n", getpid()), "write of dotlock " + name);
  bool linked = false;
  int err = written ? 0 : written.error().sys_errno;
  for (int tries = 0; written && !linked && tries < 2; ++tries) {
    linked = fs::calls().linkat(directory, own.c_str(), directory, name.c_str()) == 0;
    err = errno;
    struct stat status {};
    if (!linked && ::fstat(fd.get(), &status) == 0 && status.st_nlink == 2) linked = true;  // NFS lost the reply
    if (!linked && (err != EEXIST || !break_stale(directory, name, stale_after))) break;
  }
  fs::calls().unlinkat(directory, own.c_str(), 0);
  if (linked) return std::optional<Dotlock>(Dotlock(directory, name));
  if (err == EEXIST) return std::optional<Dotlock>();
  return delivery_error("create dotlock " + name, err);
}

Dotlock::~Dotlock() {
  if (directory_ >= 0) fs::calls().unlinkat(directory_, name_.c_str(), 0);
}

}  // namespace umaya::mailbox
