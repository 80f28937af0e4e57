#include "smtp-client/content.h"

#include <unistd.h>

#include <algorithm>

namespace umaya::smtp_client {

Result<bool> FileContent::pump(smtp::PieceSink sink) {
  if (position_ >= size_) return false;
  const size_t want = static_cast<size_t>(std::min<uint64_t>(scratch_.size(), size_ - position_));
  ssize_t n;
  do {
    n = ::pread(fd_, scratch_.data(), want, static_cast<off_t>(offset_ + position_));
  } while (n < 0 && errno == EINTR);
  if (n < 0) return sys_error("read queue file");
  if (n == 0) return temporary("queue file is shorter than its head says", "4.3.0");
  position_ += static_cast<uint64_t>(n);
  sink(std::string_view(scratch_.data(), static_cast<size_t>(n)));
  return true;
}

}  // namespace umaya::smtp_client
