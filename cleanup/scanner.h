// NAME    scanner - content divided into headers, the end of the headers, and body
//
// DESCRIPTION
//     Two ways: when nobody looks into the body, it is passed on in blocks as it is; else the MIME structure is
//     followed and every body line is an event of its own. Events own their text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/message/header.h"
#include "libcommon/message/mime.h"

namespace umaya::cleanup {

enum class EventKind : unsigned char { header, headers_end, body_line, body_block };

struct Event {
  EventKind kind = EventKind::body_block;
  message::HeaderClass header_class = message::HeaderClass::primary;
  std::string text;      ///< header without final line end, body line without line end, or a block as it is
  bool complete = true;  ///< body_line: the line ended; headers_end: an empty line was there
};

class Scanner : private message::MimeEvents {
 public:
  enum class Depth : unsigned char { headers_only, structure };
  Scanner(Depth depth, const message::MimeLimits& limits);
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  void feed(std::string bytes);
  void finish();
  /// What was met since the last call.
  std::vector<Event> take() { return std::exchange(events_, {}); }
  const message::MimeProblems& problems() const { return mime_.problems(); }

 private:
  void on_header(message::HeaderClass header_class, const message::Header& header) override;
  void on_headers_end(message::HeaderClass header_class, bool separator) override;
  void on_body_line(std::string_view line, bool complete) override;
  void end_simple_headers();

  Depth depth_;
  message::HeaderScanner headers_;
  message::MimeScanner mime_;
  std::vector<Event> events_;
  bool headers_over_ = false;
};

}  // namespace umaya::cleanup
