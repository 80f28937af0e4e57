#include "libcommon/fs/temp_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include "libcommon/base/random.h"
#include "libcommon/fs/calls.h"
#include "libcommon/fs/file.h"

namespace umaya::fs {

Result<TempFile> TempFile::create(const std::string& directory, mode_t mode) {
  for (int attempt = 0;; ++attempt) {
    std::string path = fmt::format("{}/.tmp.{:016x}", directory, random_u64());
    auto fd = create_exclusive(path, mode);
    if (fd) return TempFile(std::move(*fd), std::move(path));
    if (fd.error().sys_errno != EEXIST || attempt == 10) return std::unexpected(std::move(fd.error()));
  }
}

TempFile::TempFile(TempFile&& other) noexcept
    : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, std::string())) {}

TempFile& TempFile::operator=(TempFile&& other) noexcept {
  if (this != &other) {
    discard();
    fd_ = std::move(other.fd_);
    path_ = std::exchange(other.path_, std::string());
  }
  return *this;
}

TempFile::~TempFile() {
  discard();
}

void TempFile::discard() {
  if (!path_.empty()) calls().unlinkat(AT_FDCWD, path_.c_str(), 0);
  path_.clear();
}

Result<> TempFile::rename_to(const std::string& path) {
  UMAYA_CHECK(rename(path_, path));
  path_.clear();
  return {};
}

Result<> TempFile::link_to(const std::string& path) {
  return link(path_, path);
}

}  // namespace umaya::fs
