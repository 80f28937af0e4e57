// NAME    trailing_null - the two ways in which Postfix's tools store text in indexed files (private to this folder)
//
// DESCRIPTION
//     Keys and values may end in a NUL byte or not, the same way throughout a file. A reader tries both until it has
//     seen one of them work. Not for use by several threads at once.
#pragma once

#include <string>
#include <string_view>

namespace umaya::table {

class TrailingNull {
 public:
  /// Asks get(bytes) -> bool for key without and with NUL, in that order, skipping what cannot be.
  template <class Get>
  bool find(std::string_view key, Get get) {
    if (state_ != State::with && get(key)) {
      state_ = State::without;
      return true;
    }
    if (state_ == State::without) return false;
    std::string longer(key);
    longer += '\0';
    if (!get(std::string_view(longer))) return false;
    state_ = State::with;
    return true;
  }
  /// Stored bytes without their NUL.
  static std::string_view strip(std::string_view stored) {
    if (!stored.empty() && stored.back() == '\0') stored.remove_suffix(1);
    return stored;
  }

 private:
  enum class State : unsigned char { unknown, without, with };
  State state_ = State::unknown;
};

}  // namespace umaya::table
