#include "pop3d/message_encoder.h"

#include <cstring>

namespace umaya::pop3d {

namespace {

constexpr char kInsteadOfNul = '\x80';

void replace_nul(char* from, char* end) {
  while (from < end) {
    auto* nul = static_cast<char*>(std::memchr(from, 0, static_cast<size_t>(end - from)));
    if (nul == nullptr) return;
    *nul = kInsteadOfNul;
    from = nul + 1;
  }
}

}  // namespace

size_t MessageEncoder::encode(std::string_view in, char* out) {
  const char* from = in.data();
  const char* const end = from + in.size();
  char* to = out;
  while (from < end) {
    if (line_start_ && *from == '.') *to++ = '.';
    const auto* lf = static_cast<const char*>(std::memchr(from, '\n', static_cast<size_t>(end - from)));
    const auto size = static_cast<size_t>((lf != nullptr ? lf : end) - from);
    std::memcpy(to, from, size);
    to += size;
    if (size > 0) after_cr_ = from[size - 1] == '\r';
    line_start_ = lf != nullptr;
    if (lf == nullptr) break;
    if (!after_cr_) *to++ = '\r';
    *to++ = '\n';
    after_cr_ = false;
    from = lf + 1;
  }
  replace_nul(out, to);
  return static_cast<size_t>(to - out);
}

size_t MessageEncoder::finish(char* out) {
  char* to = out;
  auto put = [&to](std::string_view text) {
    std::memcpy(to, text.data(), text.size());
    to += text.size();
  };
  if (!line_start_) put("\r\n");
  put(".\r\n");
  line_start_ = true;
  after_cr_ = false;
  return static_cast<size_t>(to - out);
}

}  // namespace umaya::pop3d
