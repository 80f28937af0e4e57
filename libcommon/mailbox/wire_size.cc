#include "libcommon/mailbox/wire_size.h"

#include <string>

#include "libcommon/fs/file.h"

namespace umaya::mailbox {

Result<uint64_t> wire_size(int fd) {
  constexpr size_t kBlock = 64 * 1024;
  WireCounter counter;
  std::string block(kBlock, '\0');
  for (uint64_t offset = 0;;) {
    UMAYA_TRY(size_t n, fs::read_at(fd, block, offset));
    if (n == 0) return counter.finish();
    counter.feed(std::string_view(block).substr(0, n));
    offset += n;
  }
}

}  // namespace umaya::mailbox
