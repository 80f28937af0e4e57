// NAME    text_filter - content with clean line ends
//
// SYNOPSIS
//     TextFilter filter({.replace_stray = true});
//     UMAYA_CHECK(filter.apply(bytes));      // in place, block by block
//     filter.finish(bytes);                  // the last line gets its end
//
// DESCRIPTION
//     A CR or LF that is not part of CR LF becomes a blank (cleanup_replace_stray_cr_lf), so that no receiver further
//     on can see the end of the message where we did not. Characters of message_strip_characters are removed, those of
//     message_reject_characters refuse the message. A CR at the end of a block waits for the next one.
#pragma once

#include <bitset>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::cleanup {

class TextFilter {
 public:
  struct Options {
    bool replace_stray = true;
    std::string strip;   ///< characters
    std::string reject;  ///< characters
  };
  explicit TextFilter(const Options& options);

  /// Changes bytes; the error is permanent: a refused character.
  Result<> apply(std::string& bytes);
  /// What is still missing at the end of the content.
  std::string finish();
  bool has_eight_bit() const { return eight_bit_; }

 private:
  Result<> strip_and_reject(std::string& bytes) const;
  void replace_stray(std::string& bytes);

  bool replace_stray_;
  bool has_sets_ = false;
  std::bitset<256> strip_, reject_;
  bool held_cr_ = false;
  bool eight_bit_ = false;
  char last_ = '\n';  ///< last byte that was given out
};

/// "\000\r" style C escapes to bytes. Error: a broken escape.
Result<std::string> unescape(std::string_view text);

}  // namespace umaya::cleanup
