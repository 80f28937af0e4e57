#include "libcommon/auth/cram_md5.h"

#include <string.h>

#include <bit>
#include <cmath>

#include "libcommon/auth/digest.h"
#include "libcommon/base/strings.h"

namespace umaya::auth {

namespace {

using State = CramKeys::State;

constexpr size_t kBlock = 64;
constexpr State kStart = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

uint32_t word_at(std::string_view bytes, size_t i) {
  uint32_t word = 0;
  for (size_t k = 4; k-- > 0;) word = word << 8 | static_cast<unsigned char>(bytes[i * 4 + k]);
  return word;
}

void put_word(uint32_t word, std::string& out) {
  for (int k = 0; k < 4; ++k) out += static_cast<char>(word >> (8 * k));
}

/// RFC 1321 3.4: the whole part of 4294967296 * abs(sin(i + 1)).
const std::array<uint32_t, 64>& sines() {
  static const std::array<uint32_t, 64> table = [] {
    std::array<uint32_t, 64> made{};
    for (size_t i = 0; i < made.size(); ++i) {
      made[i] = static_cast<uint32_t>(std::floor(std::fabs(std::sin(static_cast<double>(i + 1))) * 4294967296.0));
    }
    return made;
  }();
  return table;
}

/// One block of MD5.
void mix(State& state, std::string_view block) {
  static constexpr int kTurns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  auto [a, b, c, d] = state;
  for (size_t i = 0; i < 64; ++i) {
    uint32_t f = 0;
    size_t word = 0;
    switch (i / 16) {
      case 0:
        f = (b & c) | (~b & d);
        word = i;
        break;
      case 1:
        f = (d & b) | (~d & c);
        word = (5 * i + 1) % 16;
        break;
      case 2:
        f = b ^ c ^ d;
        word = (3 * i + 5) % 16;
        break;
      default:
        f = c ^ (b | ~d);
        word = 7 * i % 16;
        break;
    }
    uint32_t turned = std::rotl(a + f + sines()[i] + word_at(block, word), kTurns[i / 16][i % 4]);
    a = d;
    d = c;
    c = b;
    b += turned;
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d};
}

/// MD5 of text behind one block that led to this state.
std::string finish(State state, std::string_view text) {
  std::string rest(text);
  uint64_t bits = (kBlock + text.size()) * 8;
  rest += '\x80';
  while (rest.size() % kBlock != kBlock - 8) rest += '\0';
  put_word(static_cast<uint32_t>(bits), rest);
  put_word(static_cast<uint32_t>(bits >> 32), rest);
  for (size_t at = 0; at < rest.size(); at += kBlock) mix(state, std::string_view(rest).substr(at, kBlock));
  std::string out;
  for (uint32_t word : state) put_word(word, out);
  return out;
}

}  // namespace

CramKeys make_cram_keys(std::string_view password) {
  std::string key = password.size() > kBlock ? digest(Hash::md5, password) : std::string(password);
  key.resize(kBlock, '\0');
  CramKeys keys{kStart, kStart};
  for (auto [state, pad] : {std::pair(&keys.inner, '\x36'), std::pair(&keys.outer, '\x5c')}) {
    std::string padded = key;
    for (char& c : padded) c = static_cast<char>(c ^ pad);
    mix(*state, padded);
    explicit_bzero(padded.data(), padded.size());
  }
  explicit_bzero(key.data(), key.size());
  return keys;
}

Result<CramKeys> parse_cram_keys(std::string_view hexadecimal) {
  auto bytes = hex_decode(hexadecimal);
  if (!bytes || bytes->size() != 32) return permanent("malformed: 64 hexadecimal digits");
  CramKeys keys;
  for (size_t i = 0; i < 4; ++i) {
    keys.outer[i] = word_at(*bytes, i);
    keys.inner[i] = word_at(*bytes, i + 4);
  }
  return keys;
}

std::string cram_keys_text(const CramKeys& keys) {
  std::string bytes;
  for (uint32_t word : keys.outer) put_word(word, bytes);
  for (uint32_t word : keys.inner) put_word(word, bytes);
  return to_lower(hex_encode(bytes));
}

std::string cram_digest(const CramKeys& keys, std::string_view text) {
  return finish(keys.outer, finish(keys.inner, text));
}

}  // namespace umaya::auth
