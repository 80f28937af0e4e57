// NAME    mime - the structure of a message, as far as header_checks and body_checks need it
//
// SYNOPSIS
//     struct Checks : MimeEvents { … };
//     MimeScanner scanner(checks, limits);
//     scanner.feed(bytes);  …  scanner.finish();
//
// DESCRIPTION
//     Follows multipart and message/rfc822 nesting line by line and tells which header is which: primary (of the
//     message), mime (Content-* and MIME-Version of the message, and headers of a body part), nested (of an attached
//     message). Body lines and boundaries are given as body. Nothing is decoded. Structure is kept on a stack of
//     bounded depth; there is no recursion.
//     Beyond a limit, the rest of the message is plain body; problems() tells what was met.
//
// OWNERSHIP
//     The events object must outlive the scanner. Views are valid during the call.
//
// LIMITS
//     Limits: logical header 102400 octets, nesting 100, boundary 2048, parts 10000, body line given in pieces of at
//     most 2048 octets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/message/header.h"

namespace umaya::message {

enum class HeaderClass : uint8_t { primary, mime, nested };

/// What a scan tells.
class MimeEvents {
 public:
  virtual ~MimeEvents() = default;
  virtual void on_header(HeaderClass header_class, const Header& header) = 0;
  /// The header section ended. separator: an empty line was there (it is not given as body).
  virtual void on_headers_end(HeaderClass header_class, bool separator) = 0;
  /// A body line without its line end; complete is false for a piece of a longer line.
  virtual void on_body_line(std::string_view line, bool complete) = 0;
};

struct MimeLimits {
  size_t header_size = 102400;
  size_t nesting = 100;
  size_t boundary = 2048;
  size_t parts = 10000;
  size_t line = 2048;
};

struct MimeProblems {
  bool nesting = false;              ///< mime_nesting_limit exceeded
  bool boundary = false;             ///< a boundary was cut to the limit
  bool parts = false;                ///< more parts than allowed
  bool header_size = false;          ///< a header was cut
  bool eight_bit_header = false;     ///< bytes above 127 in a header (strict_7bit_headers)
  bool eight_bit_body = false;       ///< bytes above 127 in a body that does not declare 8bit
  bool bad_encoding_domain = false;  ///< composite type with an encoding other than 7bit, 8bit, binary
};

/// The first word and one parameter of a structured value such as Content-Type. Comments and quotes are understood.
struct ContentType {
  std::string type;     ///< lower case: "multipart"
  std::string subtype;  ///< lower case: "mixed"
  std::string boundary;
};
ContentType parse_content_type(std::string_view value);

class MimeScanner {
 public:
  explicit MimeScanner(MimeEvents& events, MimeLimits limits = {}) : events_(events), limits_(limits) {}

  void feed(std::string_view bytes);
  /// The content ended: gives what is still gathered.
  void finish();
  const MimeProblems& problems() const { return problems_; }
  bool in_headers() const { return in_headers_; }

 private:
  enum class Content : uint8_t { text, multipart, message };

  /// Each takes what it can use of bytes and gives how much that was.
  size_t take_header_bytes(std::string_view bytes);
  size_t take_body_bytes(std::string_view bytes);
  void line(std::string_view text, bool complete);
  void header_line(std::string_view text);
  void body_line(std::string_view text, bool complete);
  void flush_header();
  void note_content_header(const Header& header);
  void end_headers(bool separator);
  void start_headers(HeaderClass header_class);
  /// The stack index of the boundary that the line is, or npos; closing tells "--boundary--".
  size_t match_boundary(std::string_view text, bool& closing) const;

  MimeEvents& events_;
  MimeLimits limits_;
  MimeProblems problems_;
  std::vector<std::string> boundaries_;
  std::string partial_;   ///< an unfinished physical line
  std::string header_;    ///< the logical header being gathered
  std::string boundary_;  ///< of the header section being read
  Content content_ = Content::text;
  HeaderClass class_ = HeaderClass::primary;
  bool in_headers_ = true;
  bool plain_rest_ = false;      ///< a limit was met: everything is body now
  bool line_continues_ = false;  ///< the next bytes continue a line of which pieces were given
  bool encoded_ = false;         ///< transfer encoding other than 7bit, 8bit, binary
  bool eight_bit_ok_ = false;
  size_t parts_ = 0;
};

}  // namespace umaya::message
