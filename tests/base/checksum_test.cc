#include "libcommon/base/checksum.h"

#include <catch2/catch.hpp>
#include <string>

using namespace umaya;

TEST_CASE("checksum: CRC-32C of texts whose sums are known", "[base][checksum]") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
}

TEST_CASE("checksum: long texts have the sum of their pieces", "[base][checksum]") {
  std::string text(50'000, '\0');
  uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  for (size_t size : {6143u, 6144u, 6145u, 6151u, 12288u, 12300u, 49999u, 50000u}) {
    for (size_t begin : {0u, 1u, 7u}) {
      std::string_view whole = std::string_view(text).substr(begin, size);
      uint32_t sum = 0;
      for (size_t at = 0; at < whole.size(); at += 1000) sum = crc32c(whole.substr(at, 1000), sum);
      INFO(size << " " << begin);
      CHECK(crc32c(whole) == sum);
      CHECK(crc32c(whole.substr(100), crc32c(whole.substr(0, 100))) == sum);
    }
  }
}
