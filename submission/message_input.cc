#include "submission/message_input.h"

#include <fmt/format.h>

namespace umaya::submission {

Result<LineEndings> parse_line_endings(std::string_view word) {
  if (word == "always") return LineEndings::always;
  if (word == "strict") return LineEndings::strict;
  if (word == "never") return LineEndings::never;
  return permanent(fmt::format("\"{}\": expected always, strict or never", word));
}

void MessageInput::line(std::string_view text, std::string& out) {
  if (first_line_) {
    first_line_ = false;
    strip_cr_ = rules_.line_endings == LineEndings::always ||
                (rules_.line_endings == LineEndings::strict && text.ends_with('\r'));
  }
  if (strip_cr_ && text.ends_with('\r')) text.remove_suffix(1);
  if (in_mbox_lines_) {
    if (text.starts_with("From ") || text.starts_with(">From ")) return;
    in_mbox_lines_ = false;
  }
  if (rules_.dot_ends && text == ".") {
    ended_ = true;
    return;
  }
  out.append(text).append("\r\n");
}

std::string MessageInput::feed(std::string_view bytes) {
  std::string out;
  while (!bytes.empty() && !ended_) {
    size_t end = bytes.find('\n');
    if (end == bytes.npos) {
      partial_ += bytes;
      break;
    }
    if (partial_.empty()) {
      line(bytes.substr(0, end), out);
    } else {
      partial_ += bytes.substr(0, end);
      line(partial_, out);
      partial_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
  return out;
}

std::string MessageInput::finish() {
  std::string out;
  if (!ended_ && !partial_.empty()) line(partial_, out);
  partial_.clear();
  return out;
}

}  // namespace umaya::submission
