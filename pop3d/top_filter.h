// NAME    top_filter - header and first lines of a message (TOP)
#pragma once

#include <cstdint>
#include <string_view>

namespace umaya::pop3d {

/// Lets the header, the empty line behind it and a number of lines pass. Fed in blocks of any size.
class TopFilter {
 public:
  static constexpr uint64_t kAll = UINT64_MAX;
  explicit TopFilter(uint64_t body_lines) : left_(body_lines) {}
  /// The part of the block that passes.
  std::string_view take(std::string_view block);
  /// Nothing more will pass.
  bool done() const { return done_; }

 private:
  uint64_t left_;
  bool in_header_ = true;
  enum class Line : unsigned char { empty, cr, text } line_ = Line::empty;  // what was seen of this line
  bool done_ = false;
};

}  // namespace umaya::pop3d
