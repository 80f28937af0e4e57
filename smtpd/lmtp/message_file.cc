#include "smtpd/lmtp/message_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace umaya::smtpd {

using event::Task;

static bool has_eight_bit(std::string_view bytes) {
  unsigned char all = 0;
  for (char c : bytes) all |= static_cast<unsigned char>(c);
  return all > 127;
}

Result<> MessageFile::append(std::string_view bytes) {
  if (!fd_) fd_.reset(::memfd_create("message", MFD_CLOEXEC));
  if (!fd_) return sys_error("memfd_create");
  bool alone = memory_.held == size_;
  if (!alone && memory_.held + bytes.size() > memory_.limit) {
    return temporary("messages of this process fill lmtpd_memory_limit");
  }
  eight_bit_ = eight_bit_ || has_eight_bit(bytes);
  while (!bytes.empty()) {
    ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return sys_error("write of a message to memory");
    bytes.remove_prefix(static_cast<size_t>(n));
    size_ += static_cast<uint64_t>(n);
    memory_.held += static_cast<uint64_t>(n);
  }
  return {};
}

Task<void> MessageFile::push() {
  (void)close();
  co_return;
}

std::optional<Error> MessageFile::close() {
  if (!error_) {
    Result<> written = append(content_);
    if (!written) error_ = std::move(written).error();
  }
  content_.clear();
  return error_;
}

Result<std::string> MessageFile::read_start(uint64_t offset, size_t octets) const {
  std::string out(static_cast<size_t>(std::min<uint64_t>(octets, size_ - std::min(offset, size_))), '\0');
  for (size_t done = 0; done < out.size();) {
    ssize_t n = ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return sys_error("read of a message in memory");
    done += static_cast<size_t>(n);
  }
  return out;
}

}  // namespace umaya::smtpd
