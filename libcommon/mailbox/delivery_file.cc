#include "libcommon/mailbox/delivery_file.h"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "libcommon/base/strings.h"
#include "libcommon/fs/calls.h"

namespace umaya::mailbox {

namespace {

// openat2 when the kernel (and its seccomp filter) has it, otherwise ENOSYS.
int open_resolved(int base, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, base, path, &how, sizeof how));
}

// The same without openat2: every component is opened without following links.
int open_walk(int base, std::string_view path, int flags) {
  Fd at;
  std::vector<std::string_view> parts = split(path, "/");
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "..") return errno = EXDEV, -1;
    bool last = i + 1 == parts.size();
    int how = last ? flags : O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int fd = ::openat(at ? at.get() : base, std::string(parts[i]).c_str(), how | O_NOFOLLOW);
    if (fd < 0) return -1;
    at.reset(fd);
  }
  return at.release();
}

int open_beneath(int base, const std::string& path, int flags) {
  int fd = open_resolved(base, path.c_str(), flags | O_CLOEXEC);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == E2BIG)) fd = open_walk(base, path, flags | O_CLOEXEC);
  return fd;
}

Result<Fd> make_directory(int parent, const std::string& name) {
  if (fs::calls().mkdirat(parent, name.c_str(), 0700) < 0 && errno != EEXIST) return delivery_error("mkdir " + name);
  Fd made(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made) return delivery_error("open directory " + name);
  UMAYA_CHECK(sync_directory(parent, name));
  return made;
}

Result<Fd> make_path(int base, std::string_view path) {
  Fd at;
  for (std::string_view part : split(path, "/")) {
    if (part == ".") continue;
    if (part == "..") return delivery_error("open directory " + std::string(path), EXDEV);
    int parent = at ? at.get() : base;
    Fd next(open_beneath(parent, std::string(part), O_RDONLY | O_DIRECTORY));
    if (!next) {
      if (errno != ENOENT) return delivery_error("open directory " + std::string(part));
      UMAYA_TRY(next, make_directory(parent, std::string(part)));
    }
    at = std::move(next);
  }
  return at;
}

Result<> check_regular(const Opened& file, std::string_view name) {
  if (!S_ISREG(file.status.st_mode)) return temporary(std::string(name) + ": not a regular file", "4.2.0");
  if (file.status.st_nlink != 1) return temporary(std::string(name) + ": has more than one hard link", "4.2.0");
  return {};
}

}  // namespace

std::unexpected<Error> delivery_error(std::string_view what, int err) {
  auto error = sys_error(what, err);
  error.error().dsn = err == ENOSPC ? "4.3.1" : err == EDQUOT || err == EFBIG ? "4.2.2" : "4.2.0";
  return error;
}

Result<Fd> open_base(const std::string& path) {
  if (path.empty() || path[0] != '/') return temporary("not an absolute directory name: \"" + path + "\"", "4.3.5");
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return delivery_error("open directory " + path);
  return fd;
}

Result<Fd> open_directory_beneath(int base, std::string_view path, Missing missing) {
  std::string name(path.substr(0, path.find_last_not_of('/') + 1));
  if (name.empty()) name = ".";
  Fd fd(open_beneath(base, name, O_RDONLY | O_DIRECTORY));
  if (fd) return fd;
  if (errno != ENOENT || missing == Missing::fail) return delivery_error("open directory " + name);
  return make_path(base, name);
}

Result<Opened> open_file_in(int directory, const std::string& name, int flags, Missing missing, mode_t mode) {
  constexpr int kAlways = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos || name.find('\0') != name.npos) {
    return temporary("not a file name: \"" + printable(name) + "\"", "4.3.5");
  }
  Opened file;
  for (int tries = 0; tries < 5 && !file.fd; ++tries) {
    file.fd.reset(::openat(directory, name.c_str(), flags | kAlways));
    if (file.fd || errno != ENOENT || missing == Missing::fail) break;
    file.fd.reset(fs::calls().openat(directory, name.c_str(), flags | kAlways | O_CREAT | O_EXCL, mode));
    file.created = static_cast<bool>(file.fd);
    if (!file.fd && errno != EEXIST) break;
  }
  if (!file.fd) return delivery_error("open file " + name);
  if (::fstat(file.fd.get(), &file.status) < 0) return delivery_error("fstat of file " + name);
  UMAYA_CHECK(check_regular(file, name));
  return file;
}

Result<Opened> open_regular_beneath(int base, std::string_view path) {
  auto [folder, name] = split_path(path);
  Fd directory;
  if (!folder.empty()) {
    UMAYA_TRY(directory, open_directory_beneath(base, folder, Missing::fail));
  }
  return open_file_in(directory ? directory.get() : base, name, O_RDONLY, Missing::fail);
}

Result<> sync_directory(int directory, std::string_view what) {
  if (fs::calls().fsync(directory) < 0) return delivery_error("fsync of the directory of " + std::string(what));
  return {};
}

std::pair<std::string, std::string> split_path(std::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == path.npos) return {"", std::string(path)};
  return {std::string(path.substr(0, slash + 1)), std::string(path.substr(slash + 1))};
}

}  // namespace umaya::mailbox
