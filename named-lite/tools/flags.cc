#include "named-lite/tools/flags.h"

#include <algorithm>
#include <utility>

namespace umaya::named {

std::optional<Flag> Flags::next() {
  if (at_ >= arguments_.size()) return std::nullopt;
  std::string_view word = arguments_[at_];
  if (letter_ == 0) {
    if (word == "--") {
      ++at_;
      return std::nullopt;
    }
    if (word.size() < 2 || word[0] != '-') return std::nullopt;
    letter_ = 1;
  }
  Flag flag;
  flag.letter = word[letter_++];
  size_t place = flag.letter == ':' ? std::string_view::npos : known_.find(flag.letter);
  if (place == std::string_view::npos) {
    wrong_ = std::string("-") + flag.letter + " is not known";
    return std::nullopt;
  }
  bool takes_value = place + 1 < known_.size() && known_[place + 1] == ':';
  if (letter_ < word.size() && !takes_value) return flag;
  ++at_;
  size_t value = std::exchange(letter_, 0);
  if (!takes_value) return flag;
  if (value < word.size()) {
    flag.value = word.substr(value);
  } else if (at_ < arguments_.size()) {
    flag.value = arguments_[at_++];
  } else {
    wrong_ = std::string("-") + flag.letter + " needs a value";
    return std::nullopt;
  }
  return flag;
}

std::vector<std::string> Flags::words() const {
  auto rest = arguments_.subspan(std::min(at_, arguments_.size()));
  return {rest.begin(), rest.end()};
}

}  // namespace umaya::named
