// NAME    header - logical headers of a message, read as the content flows by
//
// SYNOPSIS
//     HeaderScanner scanner({.header_size = 102400});
//     size_t used = scanner.feed(bytes, [&](const Header& h) { … });    // as often as bytes arrive
//     if (scanner.done()) …                                             // bytes.substr(used) is body
//     scanner.finish(on_header);                                        // the content ended
//
// DESCRIPTION
//     Content is CRLF text (a bare LF also ends a line). A logical header is a line "Name: value" with its continuation
//     lines. The first line that is neither ends the headers: an empty line is swallowed as the separator, any other
//     line stays as the first line of the body (separator() tells which).
//     Header views are valid during the call only.
//
// LIMITS
//     Of a logical header the first Limits::header_size octets are kept, the rest is dropped (header_size_limit);
//     dropped() counts it. All headers together are not limited here: the caller has the message size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace umaya::message {

/// One logical header.
struct Header {
  std::string_view name;   ///< without white space before the colon
  std::string_view value;  ///< after the colon, folding included, without the final line end
  std::string_view raw;    ///< the whole header without the final line end
};

/// "Name" when the line begins like a header (RFC 5322 3.6.8; white space before the colon is tolerated).
std::optional<std::string_view> header_name(std::string_view line);

/// Divides the raw text of a logical header; nothing when it is none.
std::optional<Header> split_header(std::string_view raw);

/// The value on one line: each line end with the white space after it becomes one blank; trimmed.
std::string unfold(std::string_view value);

/// The header's text with another name.
std::string rename_header(const Header& header, std::string_view new_name);

/// The value of the first header of that name in a complete header section, unfolded; nothing when there is none.
std::optional<std::string> find_header(std::string_view content, std::string_view name);

class HeaderScanner {
 public:
  struct Limits {
    size_t header_size = 102400;
  };
  enum class Separator : uint8_t { none, empty_line, body_line };

  HeaderScanner() = default;
  explicit HeaderScanner(Limits limits) : limits_(limits) {}

  /// Reads on; gives how many bytes belong to the headers (all, until done()).
  template <class OnHeader>
  size_t feed(std::string_view bytes, OnHeader&& on_header) {
    size_t used = 0;
    while (!done_ && used < bytes.size()) {
      size_t n = take_line(bytes.substr(used));
      used += n;
      if (!line_complete_) break;
      deliver(on_header);
    }
    return used;
  }

  /// The content ended: gives the last header.
  template <class OnHeader>
  void finish(OnHeader&& on_header) {
    if (done_) return;
    if (!line_.empty()) {
      line_complete_ = true;
      deliver(on_header);
    }
    flush_header(on_header);
    done_ = true;
  }

  bool done() const { return done_; }
  /// How the headers ended. After body_line, body_start() holds the bytes of the body that were read already.
  Separator separator() const { return separator_; }
  std::string_view body_start() const { return body_start_; }
  size_t dropped() const { return dropped_; }

 private:
  /// Adds the line that bytes begin with (or what is there of it) to line_; gives its size.
  size_t take_line(std::string_view bytes);
  /// Sorts the complete line_ into the current header; true when the current header must be given out first.
  bool ends_current() const;
  void start_or_continue();

  template <class OnHeader>
  void deliver(OnHeader&& on_header) {
    if (ends_current()) flush_header(on_header);
    start_or_continue();
  }
  template <class OnHeader>
  void flush_header(OnHeader&& on_header) {
    if (current_.empty()) return;
    if (auto header = split_header(current_)) on_header(*header);
    current_.clear();
  }

  Limits limits_{};
  std::string line_;     ///< the physical line being read, with its line end when complete
  std::string current_;  ///< the logical header being gathered, without its final line end
  std::string body_start_;
  size_t dropped_ = 0;
  bool line_complete_ = false;
  bool done_ = false;
  Separator separator_ = Separator::none;
};

}  // namespace umaya::message
