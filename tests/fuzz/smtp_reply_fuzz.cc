// LINK umaya_smtp
// NAME    smtp_reply_fuzz - replies of a hostile server
#include <cstdint>
#include <string_view>

#include "libcommon/smtp/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::smtp;
  std::string_view in(reinterpret_cast<const char*>(data), size);
  ReplyParser parser;
  while (!in.empty()) {
    size_t end = std::min(in.find('\n'), in.size() - 1) + 1;
    auto step = parser.add_line(in.substr(0, end));
    if (!step) return 0;
    if (*step == ReplyParser::Step::done) {
      Reply reply = parser.take();
      if (reply.one_line().find_first_of("\r\n") != std::string::npos) __builtin_trap();
    }
    in.remove_prefix(end);
  }
  return 0;
}
