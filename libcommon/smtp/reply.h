// NAME    reply - print and parse SMTP replies (RFC 5321 4.2)
//
// SYNOPSIS
//     smtp::append_reply(out, 550, "5.1.1", "<u@d>: Recipient address rejected");   // to the client
//     ReplyParser parser;                                                           // from a server
//     auto step = parser.add_line("250-PIPELINING\r");  if (*step == done) use(parser.take());
//
// DESCRIPTION
//     A reply's text may hold several lines, separated by '\n'; each becomes a line of its own with the code in front.
//     The parser takes one line at a time, without LF, with or without CR.
//
// ERRORS
//     A line that is not "DDD text", a code that changes between lines, and a reply beyond the limits are temporary
//     errors: the connection is of no more use.
//
// LIMITS
//     ReplyLimits: 100 lines, 32 KiB in all; a server's longer chatter is cut line by line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::smtp {

struct Reply {
  int code = 0;                    ///< 200 to 599
  std::string dsn;                 ///< "2.1.5" when the last line has a valid one of the same class, else empty
  std::vector<std::string> lines;  ///< text of each line, without the code

  int severity() const { return code / 100; }
  /// "250 2.1.5 Ok; next line": everything on one line, as logs and bounces show it.
  std::string one_line() const;
};

struct ReplyLimits {
  size_t lines = 100;
  size_t bytes = 32 * 1024;
};

class ReplyParser {
 public:
  enum class Step : uint8_t { more, done };

  explicit ReplyParser(ReplyLimits limits = {}) : limits_(limits) {}
  Result<Step> add_line(std::string_view line);
  /// The finished reply; the parser is ready for the next one.
  Reply take();

 private:
  ReplyLimits limits_;
  Reply reply_;
  size_t bytes_ = 0;
};

/// Appends the reply with CRLF line ends. dsn may be empty. Bytes that could forge a line become '?' (UTF-8 is kept
/// when keep_utf8).
enum class Utf8 : uint8_t { no, yes };
void append_reply(std::string& out, int code, std::string_view dsn, std::string_view text, Utf8 utf8 = Utf8::no);
std::string format_reply(int code, std::string_view dsn, std::string_view text);

/// Three digits 200-599 at the front (followed by the end, ' ' or '-'), else 0.
int reply_code(std::string_view line);

}  // namespace umaya::smtp
