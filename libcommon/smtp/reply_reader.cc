#include "libcommon/smtp/reply_reader.h"

namespace umaya::smtp {

using event::ReadStatus;
using event::Task;

namespace {

constexpr size_t kLineLimit = 2048;
constexpr ReplyLimits kReplyLimits{.lines = 1000, .bytes = 64 * 1024};
constexpr size_t kMaxReplyOctets = 256 * 1024;  // received for one reply, what is dropped included

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

Task<ReplyOrLoss> read_reply(event::Stream& stream, Duration limit, const LineMender* mend) {
  ReplyParser parser(kReplyLimits);
  stream.set_deadline(monotonic_now() + limit);
  for (size_t received = 0; received < kMaxReplyOctets;) {
    event::Read line = co_await stream.read_line(kLineLimit);
    if (!line && line.status != ReadStatus::too_long) {
      co_return std::unexpected(line.status == ReadStatus::timed_out ? Loss::timed_out : Loss::closed);
    }
    received += line.data.size();
    const std::string_view text = without_line_end(line.data);
    auto step = mend ? parser.add_line((*mend)(text)) : parser.add_line(text);
    while (line.status == ReadStatus::too_long && received < kMaxReplyOctets) {
      line = co_await stream.read_line(kLineLimit);
      received += line.data.size();
    }
    if (!step) break;
    if (*step == ReplyParser::Step::done) co_return parser.take();
  }
  co_return std::unexpected(Loss::garbage);  // what follows cannot be understood any more
}

}  // namespace umaya::smtp
