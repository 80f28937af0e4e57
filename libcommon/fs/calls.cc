#include "libcommon/fs/calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace umaya::fs {
namespace {

template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Calls system_calls;
Calls* current = &system_calls;

}  // namespace

int Calls::openat(int dir, const char* path, int flags, mode_t mode) {
  return retry([&] { return ::openat(dir, path, flags | O_CLOEXEC, mode); });
}
ssize_t Calls::write(int fd, const void* data, size_t size) {
  return retry([&] { return ::write(fd, data, size); });
}
ssize_t Calls::writev(int fd, const iovec* pieces, int count) {
  return retry([&] { return ::writev(fd, pieces, count); });
}
ssize_t Calls::pwrite(int fd, const void* data, size_t size, off_t offset) {
  return retry([&] { return ::pwrite(fd, data, size, offset); });
}
int Calls::ftruncate(int fd, off_t size) {
  return retry([&] { return ::ftruncate(fd, size); });
}
int Calls::fsync(int fd) {
  return retry([&] { return ::fsync(fd); });
}
int Calls::fdatasync(int fd) {
  return retry([&] { return ::fdatasync(fd); });
}
int Calls::fchmod(int fd, mode_t mode) {
  return ::fchmod(fd, mode);
}
int Calls::futimens_seconds(int fd, long long modified) {
  const timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(modified), 0}};
  return ::futimens(fd, times);
}
int Calls::renameat(int from_dir, const char* from, int to_dir, const char* to) {
  return ::renameat(from_dir, from, to_dir, to);
}
int Calls::linkat(int from_dir, const char* from, int to_dir, const char* to) {
  return ::linkat(from_dir, from, to_dir, to, 0);
}
int Calls::unlinkat(int dir, const char* path, int flags) {
  return ::unlinkat(dir, path, flags);
}
int Calls::mkdirat(int dir, const char* path, mode_t mode) {
  return ::mkdirat(dir, path, mode);
}

Calls& calls() {
  return *current;
}

ScopedCalls::ScopedCalls(Calls& replacement) : former_(current) {
  current = &replacement;
}
ScopedCalls::~ScopedCalls() {
  current = former_;
}

}  // namespace umaya::fs
