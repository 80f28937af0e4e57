// NAME    hash - a fast hash of octets with a secret seed
//
// DESCRIPTION
//     For tables whose keys strangers choose: without the seed, keys that collide cannot be found.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace umaya::named {

inline uint64_t mix_words(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash_octets(std::string_view octets, uint64_t seed) {
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15ull;
  uint64_t hash = seed ^ mix_words(octets.size() + 1, kMultiplier);
  const char* at = octets.data();
  size_t left = octets.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    hash = mix_words(hash ^ word, seed | 1) + kMultiplier;
  }
  uint64_t rest = 0;
  std::memcpy(&rest, at, left);
  hash = mix_words(hash ^ rest, seed | 1);
  return mix_words(hash, kMultiplier);
}

}  // namespace umaya::named
