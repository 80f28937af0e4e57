#include "libcommon/fs/file.h"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/fs/calls.h"
#include "libcommon/fs/temp_file.h"

namespace umaya::fs {
namespace {

Result<> check(int result, std::string_view what, const std::string& path) {
  if (result < 0) return sys_error(std::string(what) + " " + path);
  return {};
}

Result<> check(int result, const char* what) {
  if (result < 0) return sys_error(what);
  return {};
}

Result<> check_plain(const struct stat& status, const std::string& path) {
  if (!S_ISREG(status.st_mode)) return permanent(path + ": not a plain file");
  if (status.st_nlink != 1) return permanent(path + ": file has " + std::to_string(status.st_nlink) + " names");
  return {};
}

}  // namespace

Result<Fd> create_exclusive(const std::string& path, mode_t mode) {
  Fd fd(calls().openat(AT_FDCWD, path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  if (!fd) return sys_error("create " + path);
  return fd;
}

Result<Fd> open_safe(const std::string& path, int flags) {
  struct stat status;
  return open_safe(path, flags, status);
}

Result<Fd> open_safe(const std::string& path, int flags, struct stat& status) {
  Fd fd(calls().openat(AT_FDCWD, path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0));
  if (!fd) {
    if (errno == ELOOP) return permanent(path + ": is a symbolic link");
    return sys_error("open " + path);
  }
  if (::fstat(fd.get(), &status) < 0) return sys_error("fstat " + path);
  UMAYA_CHECK(check_plain(status, path));
  return fd;
}

Result<Fd> open_or_create(const std::string& path, mode_t mode) {
  Fd fd(calls().openat(AT_FDCWD, path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode));
  if (!fd) return sys_error("open " + path);
  struct stat status;
  if (::fstat(fd.get(), &status) < 0) return sys_error("fstat " + path);
  UMAYA_CHECK(check_plain(status, path));
  return fd;
}

Result<Fd> open_cached(int directory, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_CACHED;
  Fd fd(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
  if (!fd) return sys_error("open " + path);
  return fd;
}

Result<> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = calls().write(fd, bytes.data(), bytes.size());
    if (n < 0) return sys_error("write");
    if (n == 0) return sys_error("write", ENOSPC);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<> write_all(int fd, std::span<iovec> pieces) {
  while (!pieces.empty()) {
    ssize_t n = calls().writev(fd, pieces.data(), static_cast<int>(std::min<size_t>(pieces.size(), 1024)));
    if (n < 0) return sys_error("write");
    size_t left = static_cast<size_t>(n);
    while (!pieces.empty() && left >= pieces.front().iov_len) {
      left -= pieces.front().iov_len;
      pieces = pieces.subspan(1);
    }
    if (pieces.empty()) break;
    if (n == 0) return sys_error("write", ENOSPC);
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + left;
    pieces.front().iov_len -= left;
  }
  return {};
}

Result<> write_all_at(int fd, std::string_view bytes, uint64_t offset) {
  while (!bytes.empty()) {
    ssize_t n = calls().pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0) return sys_error("pwrite");
    if (n == 0) return sys_error("pwrite", ENOSPC);
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Result<size_t> read_at(int fd, std::span<char> buffer, uint64_t offset) {
  size_t done = 0;
  while (done < buffer.size()) {
    ssize_t n = ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("pread");
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

Result<size_t> read_at_cached(int fd, std::span<char> buffer, uint64_t offset) {
  iovec piece{buffer.data(), buffer.size()};
  ssize_t n = ::preadv2(fd, &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  if (n < 0) return sys_error("preadv2");
  return static_cast<size_t>(n);
}

Result<std::string> read_all(int fd, size_t limit) {
  struct stat status;
  if (::fstat(fd, &status) < 0) return sys_error("fstat");
  std::string content;
  size_t expected = static_cast<size_t>(std::max<off_t>(status.st_size, 0));
  for (size_t want = std::min(expected, limit) + 1;; want = content.size() + 64 * 1024) {
    size_t had = content.size();
    content.resize(want);
    UMAYA_TRY(size_t n, read_at(fd, std::span(content).subspan(had), had));
    content.resize(had + n);
    if (content.size() > limit) return sys_error("read", EFBIG);
    if (content.size() < want) return content;
  }
}

Result<std::string> read_file(const std::string& path, size_t limit) {
  Fd fd(calls().openat(AT_FDCWD, path.c_str(), O_RDONLY, 0));
  if (!fd) return sys_error("open " + path);
  auto content = read_all(fd.get(), limit);
  if (!content) content.error().what = path + ": " + content.error().what;
  return content;
}

Result<> sync(int fd) {
  return check(calls().fsync(fd), "fsync");
}
Result<> sync_data(int fd) {
  return check(calls().fdatasync(fd), "fdatasync");
}

Result<> sync_directory(const std::string& path) {
  Fd fd(calls().openat(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY, 0));
  if (!fd) return sys_error("open directory " + path);
  return check(calls().fsync(fd.get()), "fsync directory", path);
}

Result<> set_mode(int fd, mode_t mode) {
  return check(calls().fchmod(fd, mode), "fchmod");
}
Result<> set_modified(int fd, int64_t seconds) {
  return check(calls().futimens_seconds(fd, seconds), "futimens");
}
Result<> truncate(int fd, uint64_t size) {
  return check(calls().ftruncate(fd, static_cast<off_t>(size)), "ftruncate");
}

Result<> rename(const std::string& from, const std::string& to) {
  if (calls().renameat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str()) < 0) {
    return sys_error("rename " + from + " to " + to);
  }
  return {};
}

Result<> link(const std::string& from, const std::string& to) {
  if (calls().linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str()) < 0) {
    return sys_error("link " + from + " to " + to);
  }
  return {};
}

Result<> remove(const std::string& path) {
  return check(calls().unlinkat(AT_FDCWD, path.c_str(), 0), "remove", path);
}

Result<> make_directory(const std::string& path, mode_t mode) {
  if (calls().mkdirat(AT_FDCWD, path.c_str(), mode) < 0) {
    if (errno == EEXIST) return {};
    return sys_error("create directory " + path);
  }
  return sync_directory(parent_directory(path));
}

Result<> replace_file(const std::string& path, std::string_view content, mode_t mode) {
  UMAYA_TRY(TempFile temp, TempFile::create(parent_directory(path), mode));
  UMAYA_CHECK(write_all(temp.fd(), content));
  UMAYA_CHECK(sync(temp.fd()));
  UMAYA_CHECK(temp.rename_to(path));
  return sync_directory(parent_directory(path));
}

std::string parent_directory(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace umaya::fs
