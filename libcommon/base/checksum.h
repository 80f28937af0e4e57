// NAME    checksum - CRC-32C (Castagnoli), which finds every error of up to 32 neighbouring bits
#pragma once

#include <cstdint>
#include <string_view>

namespace umaya {

/// The checksum of the bytes; former is that of what stands before them, so that pieces can be fed one by one.
uint32_t crc32c(std::string_view bytes, uint32_t former = 0);

}  // namespace umaya
