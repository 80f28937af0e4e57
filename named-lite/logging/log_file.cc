#include "named-lite/logging/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "libcommon/log/log.h"

namespace umaya::named {

namespace {

constexpr uint32_t kMostVersions = 10'000;

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

LogFile::LogFile(Options options) : options_(std::move(options)) {
  struct stat status {};
  bool has_former = ::stat(options_.path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
  if (has_former && options_.versions > 0 && options_.size == 0) put_aside();
  open();
}

void LogFile::open() {
  fd_.reset(::open(options_.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644));
  struct stat status {};
  written_ = fd_ && ::fstat(fd_.get(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
  if (!fd_) log::error("log file {}: {}", options_.path, strerror(errno));
}

/// path.1 becomes path.2, path.0 path.1, and the file path.0.
void LogFile::put_aside() {
  uint32_t last = 0;
  while (last < kMostVersions && exists(options_.path + "." + std::to_string(last))) ++last;
  if (options_.versions != UINT32_MAX && last >= options_.versions) last = options_.versions - 1;
  for (; last > 0; --last) {
    std::string from = options_.path + "." + std::to_string(last - 1);
    ::rename(from.c_str(), (options_.path + "." + std::to_string(last)).c_str());
  }
  ::rename(options_.path.c_str(), (options_.path + ".0").c_str());
}

void LogFile::write(std::string_view line) {
  bool full = options_.size != 0 && written_ + line.size() > options_.size;
  if (full && options_.versions > 0 && written_ > 0) {
    flush();
    put_aside();
    open();
    full = false;
  }
  if (!fd_ || full) {
    ++lost_;
    return;
  }
  gathered_ += line;
  written_ += line.size();
  if (gathered_.size() >= kMostGathered) flush();
}

void LogFile::flush() {
  if (gathered_.empty()) return;
  if (!fd_ || ::write(fd_.get(), gathered_.data(), gathered_.size()) < 0) ++lost_;
  gathered_.clear();
}

}  // namespace umaya::named
