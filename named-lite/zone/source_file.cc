#include "named-lite/zone/source_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libcommon/base/fd.h"

namespace umaya::named {

namespace {

int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * INT64_C(1'000'000'000) + time.tv_nsec;
}

/// 0 when it is not known.
int64_t birth_time(int directory, const char* path, int flags) {
  struct statx status {};
  bool told = ::statx(directory, path, flags, STATX_BTIME, &status) == 0 && (status.stx_mask & STATX_BTIME) != 0;
  return told ? status.stx_btime.tv_sec * INT64_C(1'000'000'000) + status.stx_btime.tv_nsec : 0;
}

/// The whole of an open file. path: for messages; full_path: for `read`.
Result<std::string> read_open(int fd, const std::string& path, std::string full_path, SourceFiles* read) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return sys_error(path);
  if (!S_ISREG(status.st_mode)) return permanent(path + " is not a regular file");
  if (static_cast<uint64_t>(status.st_size) > kMostZoneText) return permanent(path + " is larger than 2 GiB");
  std::string text(static_cast<size_t>(status.st_size), '\0');
  size_t got = 0;
  while (got < text.size()) {
    ssize_t n = ::read(fd, text.data() + got, text.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error(path);
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  if (read != nullptr) {
    SourceFile before = describe_source(full_path, status, true);
    bool again = fstat(fd, &status) == 0;
    bool steady = again && got == text.size() && before == describe_source(full_path, status, true);
    before.steady = steady;
    before.born = birth_time(fd, "", AT_EMPTY_PATH);
    read->push_back(std::move(before));
  }
  text.resize(got);
  return text;
}

Result<std::string> read_beneath(const std::string& directory, std::string_view asked, SourceFiles* read) {
  std::string path(asked);
  // Written in full but beneath the directory: the same file.
  if (path.starts_with(directory + "/")) path.erase(0, directory.size() + 1);
  Fd root(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return sys_error("open " + directory);
  open_how how{};
  how.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  Fd file(static_cast<int>(syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  if (!file && errno == EXDEV) return permanent(path + " is outside the directory " + directory);
  if (!file) return sys_error(path);
  return read_open(file.get(), path, directory + "/" + path, read);
}

}  // namespace

SourceFile describe_source(std::string path, const struct stat& status, bool steady) {
  return {std::move(path),
          status.st_dev,
          status.st_ino,
          static_cast<uint64_t>(status.st_size),
          nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim),
          steady,
          0};
}

Result<std::string> read_source(const std::string& path, SourceFiles* read) {
  Fd file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return sys_error("open " + path);
  return read_open(file.get(), path, path, read);
}

OpenFile open_beneath(std::string directory, SourceFiles* read) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return
      [directory = std::move(directory), read](std::string_view path) { return read_beneath(directory, path, read); };
}

bool is_unchanged(const SourceFile& file) {
  struct stat status {};
  if (!file.steady || ::stat(file.path.c_str(), &status) != 0) return false;
  SourceFile now = describe_source(file.path, status, true);
  now.born = file.born;
  return now == file;
}

bool is_same_file(const SourceFile& file) {
  struct stat status {};
  if (!file.steady || file.born == 0 || ::stat(file.path.c_str(), &status) != 0) return false;
  return status.st_dev == file.device && status.st_ino == file.inode &&
         static_cast<uint64_t>(status.st_size) == file.size && birth_time(AT_FDCWD, file.path.c_str(), 0) == file.born;
}

}  // namespace umaya::named
