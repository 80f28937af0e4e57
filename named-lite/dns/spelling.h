// NAME    spelling - the word that somebody probably meant
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace umaya::named {

/// Number of letters to insert, delete, change or swap with their neighbour to get from a to b; words are cut at 40.
size_t edit_distance(std::string_view a, std::string_view b);

/// Which letters a word has. Each that only one of two words has is at least one step between them.
constexpr uint64_t letters_of(std::string_view word) {
  uint64_t letters = 0;
  for (char c : word) letters |= uint64_t{1} << (static_cast<unsigned char>(c) & 63);
  return letters;
}

/// Among count words given by word(i), the one nearest to text; empty when it would be a guess.
template <class WordAt>
std::string_view nearest_word(std::string_view text, size_t count, WordAt word) {
  std::string_view best;
  size_t best_distance = text.size() <= 3 ? 2 : 3;
  uint64_t letters = letters_of(text);
  for (size_t i = 0; i < count; ++i) {
    std::string_view candidate = word(i);
    size_t lengths_apart =
        candidate.size() > text.size() ? candidate.size() - text.size() : text.size() - candidate.size();
    if (lengths_apart >= best_distance) continue;
    uint64_t of_candidate = letters_of(candidate);
    auto most = static_cast<int>(best_distance);
    if (std::popcount(letters & ~of_candidate) >= most || std::popcount(of_candidate & ~letters) >= most) continue;
    size_t distance = edit_distance(text, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace umaya::named
