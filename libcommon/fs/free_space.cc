#include "libcommon/fs/free_space.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <limits>

namespace umaya::fs {

static constexpr Duration kFresh = std::chrono::seconds(1);

FreeSpace::FreeSpace(std::string directory) {
  probe_ = [directory = std::move(directory)]() -> std::optional<uint64_t> {
    struct statvfs status;
    if (statvfs(directory.c_str(), &status) != 0) return {};
    return uint64_t{status.f_bavail} * status.f_frsize;
  };
}

std::optional<uint64_t> FreeSpace::bytes() {
  TimePoint now = monotonic_now();
  if (!fresh_ || now - asked_ >= kFresh) {
    known_ = probe_();
    asked_ = now;
    fresh_ = true;
  }
  return known_;
}

bool FreeSpace::is_below(uint64_t limit) {
  if (limit == 0) return false;
  auto free = bytes();
  return free && *free < limit;
}

uint64_t space_for_mail(uint64_t queue_minfree, uint64_t message_size_limit, uint64_t declared_size) {
  uint64_t largest = message_size_limit > 0 ? message_size_limit : declared_size;
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  uint64_t room = largest > kMost / 2 ? kMost : largest + largest / 2;
  return std::max(queue_minfree, room);
}

}  // namespace umaya::fs
