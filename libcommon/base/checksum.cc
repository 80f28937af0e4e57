#include "libcommon/base/checksum.h"

#include <array>
#include <cstring>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace umaya {
namespace {

using Table = std::array<std::array<uint32_t, 256>, 8>;

constexpr Table kTable = [] {
  Table table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78U : 0);
    table[0][i] = value;
  }
  for (uint32_t i = 0; i < 256; ++i) {
    for (size_t k = 1; k < 8; ++k) table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff];
  }
  return table;
}();

uint32_t by_table(const char* p, size_t left, uint32_t crc) {
  for (; left >= 8; left -= 8, p += 8) {  // eight bytes a step, each through its own table
    uint32_t low, high;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + 4, 4);
    low ^= crc;
    crc = kTable[7][low & 0xff] ^ kTable[6][(low >> 8) & 0xff] ^ kTable[5][(low >> 16) & 0xff] ^ kTable[4][low >> 24] ^
          kTable[3][high & 0xff] ^ kTable[2][(high >> 8) & 0xff] ^ kTable[1][(high >> 16) & 0xff] ^
          kTable[0][high >> 24];
  }
  for (; left > 0; --left, ++p) crc = (crc >> 8) ^ kTable[0][(crc ^ static_cast<unsigned char>(*p)) & 0xff];
  return crc;
}

#ifdef __x86_64__
/// The processor begins a step of the instruction in each cycle but ends it three cycles later: three stretches of this
/// many octets are summed side by side.
constexpr size_t kStretch = 2048;

/// What a sum becomes when kStretch zero octets follow. It is linear: the sums of its four octets make it up.
struct Shift {
  std::array<std::array<uint32_t, 256>, 4> of_octet{};
  __attribute__((target("sse4.2"))) Shift() {
    for (uint32_t bit = 0; bit < 32; ++bit) {
      uint64_t sum = uint64_t{1} << bit;
      for (size_t k = 0; k < kStretch; k += 8) sum = _mm_crc32_u64(sum, 0);
      for (uint32_t i = 0; i < 256; ++i) {
        if ((i >> bit % 8 & 1) != 0) of_octet[bit / 8][i] ^= static_cast<uint32_t>(sum);
      }
    }
  }
  uint32_t operator()(uint64_t sum) const {
    return of_octet[0][sum & 0xff] ^ of_octet[1][sum >> 8 & 0xff] ^ of_octet[2][sum >> 16 & 0xff] ^
           of_octet[3][sum >> 24 & 0xff];
  }
};

__attribute__((target("sse4.2"))) uint32_t three_stretches(const char* p, uint32_t crc) {
  static const Shift shift;
  uint64_t sums[3] = {crc, 0, 0};
  for (const char* end = p + kStretch; p < end; p += 8) {
    for (size_t k = 0; k < 3; ++k) {
      uint64_t word;
      std::memcpy(&word, p + k * kStretch, 8);
      sums[k] = _mm_crc32_u64(sums[k], word);
    }
  }
  return shift(shift(sums[0]) ^ sums[1]) ^ static_cast<uint32_t>(sums[2]);
}

__attribute__((target("sse4.2"))) uint32_t by_instruction(const char* p, size_t left, uint32_t crc) {
  for (; left >= 3 * kStretch; left -= 3 * kStretch, p += 3 * kStretch) crc = three_stretches(p, crc);
  uint64_t wide = crc;
  for (; left >= 8; left -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  for (; left > 0; --left, ++p) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*p));
  return crc;
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t former) {
#ifdef __x86_64__
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~by_instruction(bytes.data(), bytes.size(), ~former);
#endif
  return ~by_table(bytes.data(), bytes.size(), ~former);
}

}  // namespace umaya
