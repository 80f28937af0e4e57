#include "libcommon/base/bytes.h"

#include <catch2/catch.hpp>

using namespace umaya;

TEST_CASE("bytes: a reader never gives more than it has and stays failed", "[base][bytes]") {
  std::string wire;
  ByteWriter(wire).u8(1).u32(0xdeadbeef).string("abc").be16(0x1234);
  for (size_t cut = 0; cut < wire.size(); ++cut) {
    ByteReader r(std::string_view(wire).substr(0, cut));
    r.u8(), r.u32(), r.string(), r.be16();
    REQUIRE_FALSE(r.ok());
    REQUIRE(r.u64() == 0);
  }
  ByteReader r(wire);
  REQUIRE(r.u8() == 1);
  REQUIRE(r.u32() == 0xdeadbeef);
  REQUIRE(r.string() == "abc");
  REQUIRE(r.be16() == 0x1234);
  REQUIRE(r.at_end());
}

TEST_CASE("bytes: a buffer keeps its bytes in order while it grows and shrinks", "[base][bytes]") {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    std::string piece(static_cast<size_t>(i % 97), static_cast<char>('a' + i % 26));
    buffer.append(piece);
    expected += piece;
    size_t take = std::min<size_t>(expected.size(), static_cast<size_t>(i % 89));
    REQUIRE(buffer.view().substr(0, take) == std::string_view(expected).substr(0, take));
    buffer.consume(take);
    expected.erase(0, take);
  }
  REQUIRE(buffer.view() == expected);
}
