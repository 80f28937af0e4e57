// NAME    dot - message text on the wire: line endings, dot transparency, long lines (RFC 5321 4.5.2)
//
// SYNOPSIS
//     DotDecoder decoder;                                       // DATA, server side; multi-line answers, client side
//     size_t used = decoder.feed(bytes, [&](std::string_view piece) { content.append(piece); });
//     if (decoder.done()) …                                     // bytes.substr(used) are commands again
//
//     DotEncoder encoder({.line_limit = 998});                  // DATA, client side; RETR, server side
//     encoder.feed(content, sink);  encoder.finish(sink);       // finish adds CRLF where it lacks, and ".\r\n"
//
// DESCRIPTION
//     The one place that knows how text ends. Both work on spans as they arrive, give out pieces of the argument where
//     nothing has to be changed, and keep only a few bytes of state.
//
//     Decoding: only CRLF.CRLF ends the text. A bare LF is a line end of content (given out as CRLF), never part of the
//     end of the text, unless lf_ends_text is set for a client that has not sent one CR in its whole session. A bare CR
//     and a NUL are content. What was met is counted, so that the caller can refuse.
//
//     Encoding: adds a dot where a line begins with one; breaks lines longer than line_limit with CRLF and a blank, not
//     within a UTF-8 character (0: never); makes a bare LF a CRLF; a bare CR becomes a blank or stays, as asked. The
//     output holds CRLF.CRLF once, at its end.
//
// LIMITS
//     None on sizes: the caller counts.
#pragma once

#include <cstdint>
#include <string_view>

#include "libcommon/smtp/piece_sink.h"

namespace umaya::smtp {

class DotDecoder {
 public:
  struct Options {
    bool lf_ends_text = false;  ///< LF.LF ends the text too, until the first CR
  };
  /// What was met that RFC 5321 2.3.8 forbids.
  struct Findings {
    uint64_t bare_lf = 0;
    uint64_t bare_cr = 0;
    bool nul = false;
  };

  DotDecoder() = default;
  explicit DotDecoder(Options options) : options_(options) {}

  /// Reads on; the sink is called for content in order. Gives how many bytes were used: all, until done().
  size_t feed(std::string_view in, PieceSink sink);
  bool done() const { return state_ == State::done; }
  const Findings& findings() const { return findings_; }

 private:
  /// text_cr: a CR at the end of the last span is held back. dot, dot_cr: at the start of a line, held back.
  enum class State : uint8_t { line_start, text, text_cr, dot, dot_cr, done };

  size_t text(std::string_view in, size_t begin, size_t i, PieceSink sink);
  void after_dot(char c, size_t& i, PieceSink sink);
  void end_line(bool crlf);
  void count_bare_cr(std::string_view run);

  Options options_{};
  Findings findings_{};
  State state_ = State::line_start;
  bool after_crlf_ = true;  ///< the line that is read now began after a CRLF
};

class DotEncoder {
 public:
  enum class Dots : uint8_t { stuffed, plain };  ///< plain: BDAT, where a dot means nothing; finish() adds no end mark
  enum class BareCr : uint8_t { blank, keep };
  struct Options {
    size_t line_limit = 0;
    Dots dots = Dots::stuffed;
    BareCr bare_cr = BareCr::blank;
  };

  DotEncoder() = default;
  explicit DotEncoder(Options options) : options_(options) {}

  void feed(std::string_view in, PieceSink sink);
  /// Ends the text: completes the last line and adds the end mark.
  void finish(PieceSink sink);

 private:
  /// One run without LF inside, at most up to its line end.
  void run(std::string_view text, PieceSink sink);
  void limited(std::string_view text, PieceSink sink);

  Options options_{};
  size_t column_ = 0;     ///< octets of the current line that were given out
  bool held_cr_ = false;  ///< the last span ended in CR
};

}  // namespace umaya::smtp
