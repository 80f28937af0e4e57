#include "pop3d/message_encoder.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "libcommon/smtp/dot.h"

using namespace umaya;
using namespace umaya::pop3d;

namespace {

std::string encoded(std::string_view text, size_t piece) {
  MessageEncoder encoder;
  std::string out;
  std::vector<char> room(MessageEncoder::most(piece));
  for (size_t at = 0; at < text.size(); at += piece) {
    size_t n = encoder.encode(text.substr(at, piece), room.data());
    REQUIRE(n <= room.size());
    out.append(room.data(), n);
  }
  size_t n = encoder.finish(room.data());
  REQUIRE(n <= MessageEncoder::kMostAtEnd);
  return out.append(room.data(), n);
}

/// The same from the encoder that SMTP has.
std::string expected(std::string_view text) {
  smtp::DotEncoder encoder({.bare_cr = smtp::DotEncoder::BareCr::keep});
  std::string out;
  auto sink = [&](std::string_view piece) { out += piece; };
  encoder.feed(text, sink);
  encoder.finish(sink);
  return out;
}

}  // namespace

TEST_CASE("pop3 message encoder: A15 dots, line ends and a missing last line end", "[pop3d][encoder]") {
  CHECK(encoded("", 8) == ".\r\n");
  CHECK(encoded("a", 8) == "a\r\n.\r\n");
  CHECK(encoded(".\n..\r\n.x", 3) == "..\r\n...\r\n..x\r\n.\r\n");
  CHECK(encoded("a\rb\r\r\nc\r", 2) == "a\rb\r\r\nc\r\r\n.\r\n");
  std::string zero("a\0\0\n\0", 5);
  CHECK(encoded(zero, 5) == "a\x80\x80\r\n\x80\r\n.\r\n");
  std::string longest(300000, 'x');
  CHECK(encoded(longest, 65536) == longest + "\r\n.\r\n");
}

TEST_CASE("pop3 message encoder: sends what SMTP's encoder sends, however the text is cut", "[pop3d][encoder]") {
  std::mt19937 random(1939);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t n = random() % 40; n > 0; --n) text += "\n\r.ab"[random() % 5];
    for (size_t piece : {size_t{1}, size_t{2}, size_t{7}, size_t{64}}) {
      INFO(text);
      CHECK(encoded(text, piece) == expected(text));
    }
  }
}
