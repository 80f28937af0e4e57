// NAME    wire_size - how many octets a stored message has when it is sent (RFC 1939 11)
//
// DESCRIPTION
//     Line ends count two octets, a last line without one is completed; dots are not counted twice. The same code that
//     sends the message counts, so that the number is exact.
#pragma once

#include <cstdint>
#include <string_view>

#include "libcommon/base/result.h"
#include "libcommon/smtp/dot.h"

namespace umaya::mailbox {

/// Counts text that comes in blocks.
class WireCounter {
 public:
  void feed(std::string_view block) {
    auto count = [this](std::string_view piece) { total_ += piece.size(); };
    encoder_.feed(block, count);
  }
  /// The number, when all was fed.
  uint64_t finish() {
    auto count = [this](std::string_view piece) { total_ += piece.size(); };
    encoder_.finish(count);
    return total_;
  }

 private:
  smtp::DotEncoder encoder_{{.dots = smtp::DotEncoder::Dots::plain, .bare_cr = smtp::DotEncoder::BareCr::keep}};
  uint64_t total_ = 0;
};

/// Of an open message.
Result<uint64_t> wire_size(int fd);

}  // namespace umaya::mailbox
