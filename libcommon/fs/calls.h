// NAME    calls - the one door to the system calls that change files
//
// SYNOPSIS
//     fs::calls().fsync(fd);
//     fs::ScopedCalls scope(model);      // tests: put a file system that loses everything unsynced underneath
//
// DESCRIPTION
//     Every change to a file that must survive (queue, mailbox, table, log of bounces) goes through this class, so that
//     a test can record the calls, stop after any of them and rebuild what a power cut would have left on the disk.
//     The functions have the arguments, results and errno of the calls of the same name; an EINTR is tried again.
//     Reading has no durability and is done directly.
//
// OWNERSHIP
//     ScopedCalls restores the former object; the object that it installs must outlive it. Not for use by several
//     threads while it changes.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

namespace umaya::fs {

class Calls {
 public:
  virtual ~Calls() = default;
  virtual int openat(int dir, const char* path, int flags, mode_t mode);
  virtual ssize_t write(int fd, const void* data, size_t size);
  virtual ssize_t writev(int fd, const iovec* pieces, int count);
  virtual ssize_t pwrite(int fd, const void* data, size_t size, off_t offset);
  virtual int ftruncate(int fd, off_t size);
  virtual int fsync(int fd);
  virtual int fdatasync(int fd);
  virtual int fchmod(int fd, mode_t mode);
  virtual int futimens_seconds(int fd, long long modified);
  virtual int renameat(int from_dir, const char* from, int to_dir, const char* to);
  virtual int linkat(int from_dir, const char* from, int to_dir, const char* to);
  virtual int unlinkat(int dir, const char* path, int flags);
  virtual int mkdirat(int dir, const char* path, mode_t mode);
};

/// The calls in use: the system's, unless a test put others there.
Calls& calls();

class ScopedCalls {
 public:
  explicit ScopedCalls(Calls& replacement);
  ScopedCalls(const ScopedCalls&) = delete;
  ScopedCalls& operator=(const ScopedCalls&) = delete;
  ~ScopedCalls();

 private:
  Calls* former_;
};

}  // namespace umaya::fs
