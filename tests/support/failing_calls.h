// NAME    failing_calls - a file system of which one call fails
//
// SYNOPSIS
//     for (int k = 1;; ++k) {
//       FailingCalls failing(k, ENOSPC);                  // or kShortWrite: the call writes a part and says so
//       { fs::ScopedCalls scope(failing); …work… }
//       if (failing.made() < k) break;                    // the work makes fewer calls than that
//     }
//
// DESCRIPTION
//     Counts the calls that go through fs::calls(), whatever they are, and lets the one of that number fail without
//     doing anything (a write does a part of its work first, as on a disk that fills up).
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <iterator>

#include "libcommon/fs/calls.h"

namespace umaya::test {

/// In place of an errno: not a failure, but fewer bytes than asked for.
inline constexpr int kShortWrite = -1;
/// What disks, quotas and tables of the kernel answer when they are at their end.
inline constexpr int kDiskErrors[] = {EIO, ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, EAGAIN, EFBIG, ESTALE, kShortWrite};

class FailingCalls : public fs::Calls {
 public:
  FailingCalls(int number, int error) : number_(number), error_(error) {}
  int made() const { return made_; }

  int openat(int dir, const char* path, int flags, mode_t mode) override {
    return fails() ? -1 : Calls::openat(dir, path, flags, mode);
  }
  ssize_t write(int fd, const void* data, size_t size) override {
    if (!is_this()) return Calls::write(fd, data, size);
    ssize_t done = Calls::write(fd, data, size > 1 ? size / 2 : size);
    return error_ == kShortWrite ? done : fail();
  }
  ssize_t writev(int fd, const iovec* pieces, int count) override {
    if (!is_this()) return Calls::writev(fd, pieces, count);
    while (count > 1 && pieces->iov_len == 0) ++pieces, --count;
    ssize_t done = Calls::write(fd, pieces->iov_base, (pieces->iov_len + 1) / 2);
    return error_ == kShortWrite ? done : fail();
  }
  ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) override {
    if (!is_this()) return Calls::pwrite(fd, data, size, offset);
    ssize_t done = Calls::pwrite(fd, data, size > 1 ? size / 2 : size, offset);
    return error_ == kShortWrite ? done : fail();
  }
  int ftruncate(int fd, off_t size) override { return fails() ? -1 : Calls::ftruncate(fd, size); }
  int fsync(int fd) override { return fails() ? -1 : Calls::fsync(fd); }
  int fdatasync(int fd) override { return fails() ? -1 : Calls::fdatasync(fd); }
  int fchmod(int fd, mode_t mode) override { return fails() ? -1 : Calls::fchmod(fd, mode); }
  int renameat(int from_dir, const char* from, int to_dir, const char* to) override {
    return fails() ? -1 : Calls::renameat(from_dir, from, to_dir, to);
  }
  int linkat(int from_dir, const char* from, int to_dir, const char* to) override {
    return fails() ? -1 : Calls::linkat(from_dir, from, to_dir, to);
  }
  int unlinkat(int dir, const char* path, int flags) override {
    return fails() ? -1 : Calls::unlinkat(dir, path, flags);
  }
  int mkdirat(int dir, const char* path, mode_t mode) override {
    return fails() ? -1 : Calls::mkdirat(dir, path, mode);
  }

 private:
  bool is_this() { return ++made_ == number_; }
  bool fails() {
    if (!is_this() || error_ == kShortWrite) return false;
    fail();
    return true;
  }
  int fail() {
    errno = error_;
    return -1;
  }
  int number_;
  int error_;
  std::atomic<int> made_ = 0;  // worker pools sync side by side
};

/// Descriptors that this process has open.
inline size_t open_descriptors() {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

}  // namespace umaya::test
