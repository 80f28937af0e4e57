// NAME    message_encoder - a stored message as RETR and TOP send it
//
// SYNOPSIS
//     MessageEncoder encoder;
//     std::vector<char> out(MessageEncoder::most(block.size()));
//     size_t n = encoder.encode(block, out.data());     // as often as there are blocks
//     n = encoder.finish(out.data());
//
// DESCRIPTION
//     A line end becomes CRLF, a line that begins with a dot gets another (RFC 1939 section 3), a last line without end
//     is completed. A CR that is no part of a line end stays. NUL, which no client expects (RFC 5322 has none), becomes
//     the octet 128, so that nothing changes its place. Lines may be of any length.
//
//     What is sent without the doubled dots and the mark at the end is as long as mailbox::wire_size() says.
//
// OWNERSHIP
//     Writes into the caller's memory, at most most() octets.
#pragma once

#include <cstddef>
#include <string_view>

namespace umaya::pop3d {

class MessageEncoder {
 public:
  /// The most that encode() makes of n octets.
  static constexpr size_t most(size_t n) { return 2 * n + kMostAtEnd; }
  static constexpr size_t kMostAtEnd = 8;

  /// Gives the number of octets written to out.
  size_t encode(std::string_view in, char* out);
  /// Completes the last line and adds the mark ".".
  size_t finish(char* out);

 private:
  bool line_start_ = true;
  bool after_cr_ = false;
};

}  // namespace umaya::pop3d
