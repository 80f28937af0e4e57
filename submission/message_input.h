// NAME    message_input - the text that a program gives to sendmail, made into content of the queue
//
// SYNOPSIS
//     MessageInput input({.dot_ends = true, .line_endings = LineEndings::always});
//     while (read(…)) out(input.feed(bytes));
//     out(input.finish());
//
// DESCRIPTION
//     Lines get CR LF ends. A "From " line at the start (mbox) and ">From " lines right after it are dropped. A line
//     that is a dot alone ends the message where asked; the rest is not read. What sendmail_fix_line_endings says
//     decides whether a CR before the line end belongs to the text. A last line without end gets one.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::submission {

/// sendmail_fix_line_endings.
enum class LineEndings : unsigned char {
  always,  ///< CR LF becomes LF on every line
  strict,  ///< only when the first line ends in CR LF
  never,   ///< CR stays
};
Result<LineEndings> parse_line_endings(std::string_view word);

struct InputRules {
  bool dot_ends = true;
  LineEndings line_endings = LineEndings::always;
};

class MessageInput {
 public:
  explicit MessageInput(InputRules rules) : rules_(rules) {}
  /// What the bytes add to the content.
  std::string feed(std::string_view bytes);
  /// The rest.
  std::string finish();
  /// The lone dot was seen: nothing more counts.
  bool ended() const { return ended_; }

 private:
  void line(std::string_view text, std::string& out);

  InputRules rules_;
  std::string partial_;
  bool first_line_ = true;
  bool in_mbox_lines_ = true;
  bool strip_cr_ = false;
  bool ended_ = false;
};

}  // namespace umaya::submission
