// NAME    random - bytes and numbers from the system's CSPRNG (getrandom), buffered
#pragma once

#include <cstdint>
#include <span>

namespace umaya {

void random_bytes(std::span<char> out);
uint64_t random_u64();
/// Uniform in [0, bound); 0 when bound is 0.
uint64_t random_below(uint64_t bound);

}  // namespace umaya
