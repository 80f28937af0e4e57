#include "libcommon/base/random.h"

#include <sys/random.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace umaya {

void random_bytes(std::span<char> out) {
  static thread_local char pool[256];
  static thread_local size_t available = 0;
  static thread_local pid_t owner = 0;
  if (owner != getpid()) {  // a fork must not repeat its parent's numbers
    owner = getpid();
    available = 0;
  }
  while (!out.empty()) {
    if (available == 0) {
      if (getrandom(pool, sizeof pool, 0) != sizeof pool) abort();
      available = sizeof pool;
    }
    size_t n = out.size() < available ? out.size() : available;
    std::memcpy(out.data(), pool + available - n, n);
    explicit_bzero(pool + available - n, n);
    available -= n;
    out = out.subspan(n);
  }
}

uint64_t random_u64() {
  uint64_t value;
  random_bytes({reinterpret_cast<char*>(&value), sizeof value});
  return value;
}

uint64_t random_below(uint64_t bound) {
  if (bound == 0) return 0;
  uint64_t reject_below = -bound % bound;
  while (true) {
    uint64_t value = random_u64();
    if (value >= reject_below) return value % bound;
  }
}

}  // namespace umaya
