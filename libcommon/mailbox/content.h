// NAME    content - message text from the queue (CRLF) as mailboxes and commands want it (LF)
//
// SYNOPSIS
//     TextConverter text({.quote_from = true});
//     text.feed(block, out);  …  text.finish(out);
//     UMAYA_CHECK(copy_content(source, options, sink));
//
// DESCRIPTION
//     TextConverter is a pure transformation that may be fed in pieces of any size. CRLF and lone LF end a line; a lone
//     CR is kept as it is. With quote_from a line that is any number of '>' followed by "From " gets one '>' more
//     (mboxrd: it can be undone), also where a line was ended by a lone LF. With quote_dot a line that starts with '.'
//     gets one '.' more.
//     ContentSource names a part of an open queue file; it is read with pread, so that several readers may share it.
//
// OWNERSHIP
//     ContentSource borrows its descriptor. Nothing is kept from the blocks that are fed.
//
// ERRORS
//     A file that ends before its stated size is a temporary error: the message is not delivered in part.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::mailbox {

struct TextOptions {
  std::string eol = "\n";
  bool quote_from = false;
  bool quote_dot = false;
};

class TextConverter {
 public:
  explicit TextConverter(TextOptions options) : options_(std::move(options)) {}
  /// Appends the converted text of this block to out; up to five bytes may be held back until the next call.
  void feed(std::string_view block, std::string& out);
  /// Appends what was held back, and an end of line if the last line had none.
  void finish(std::string& out);

 private:
  size_t line_start(std::string_view block, std::string& out);
  void begin_body(std::string& out);
  void line_body(std::string_view part, std::string& out);
  void end_line(std::string& out);

  TextOptions options_;
  bool in_start_ = true;    ///< nothing but '>' and a part of "From " was seen of this line
  bool first_byte_ = true;  ///< nothing was seen of this line
  size_t matched_ = 0;      ///< bytes of "From " that are held back
  bool held_cr_ = false;
};

/// A part of a queue file.
struct ContentSource {
  int fd = -1;
  uint64_t offset = 0;
  uint64_t size = 0;
};

/// Takes a block of converted text; an error ends the copy.
using TextSink = std::function<Result<>(std::string_view)>;

/// Reads the source in big blocks and gives its converted text to the sink. start is what stands before the text (it
/// goes out in the first block, unconverted).
Result<> copy_content(const ContentSource& source, const TextOptions& options, std::string start, const TextSink& sink);

/// Writes all of it, going on after short writes and EINTR.
Result<> write_all(int fd, std::string_view bytes, std::string_view what);

}  // namespace umaya::mailbox
