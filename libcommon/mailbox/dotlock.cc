#include "libcommon/mailbox/dotlock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/base/fd.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "libcommon/fs/calls.h"
#include "libcommon/mailbox/content.h"
#include "libcommon/mailbox/delivery_file.h"

namespace umaya::mailbox {

namespace {

std::string host_name() {
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  return host;
}

enum class Owner : unsigned char { alive, gone, gone_from_here, unknown };

/// gone_from_here: the lock names this host, so that the pid is certainly one of ours.
Owner owner_of(int directory, const std::string& name) {
  Fd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  char block[300];
  ssize_t n = fd ? ::read(fd.get(), block, sizeof block) : -1;
  std::string_view text = n > 0 ? trim({block, static_cast<size_t>(n)}) : std::string_view();
  size_t colon = std::min(text.find(':'), text.size());
  auto pid = parse_uint(text.substr(0, colon));
  bool has_host = colon < text.size();
  if (!pid || *pid == 0 || *pid > 0x7fffffff) return Owner::unknown;
  if (has_host && text.substr(colon + 1) != host_name()) return Owner::unknown;
  if (::kill(static_cast<pid_t>(*pid), 0) == 0 || errno != ESRCH) return Owner::alive;
  return has_host ? Owner::gone_from_here : Owner::gone;
}

// Breaks the lock when it is stale; true when it is worth trying again.
bool break_stale(int directory, const std::string& name, Duration stale_after) {
  struct stat before {};
  if (::fstatat(directory, name.c_str(), &before, AT_SYMLINK_NOFOLLOW) < 0) return errno == ENOENT;
  int64_t age = wall_seconds() - before.st_mtime;
  Owner owner = owner_of(directory, name);
  bool old = age >= std::chrono::duration_cast<std::chrono::seconds>(stale_after).count();
  if (owner == Owner::alive || (!old && owner != Owner::gone_from_here)) return false;
  struct stat now {};
  if (::fstatat(directory, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) < 0) return true;
  if (now.st_ino != before.st_ino || now.st_mtime != before.st_mtime) return false;
  return fs::calls().unlinkat(directory, name.c_str(), 0) == 0;
}

}  // namespace

Result<std::optional<Dotlock>> Dotlock::try_lock(int directory, const std::string& name, Duration stale_after,
                                                 LockOwner owner) {
  std::string own = fmt::format(".lk{}{:08x}", getpid(), static_cast<uint32_t>(random_u64()));
  Fd fd(fs::calls().openat(directory, own.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd) return delivery_error("create dotlock " + name);
  std::string text = fmt::format("{}\n", getpid());
  if (owner == LockOwner::pid_and_host) text = fmt::format("{}:{}", getpid(), host_name());
  auto written = write_all(fd.get(), text, "write of dotlock " + name);
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
