#include "libcommon/services/cleanup_client.h"

#include <algorithm>

namespace umaya::services::cleanup {
namespace {

constexpr size_t kRecipientBytes = 32 * 1024;
constexpr size_t kRecipientHead = 16;

/// Takes recipients off the front of `rest`, as many as fit into one packet; at least one.
std::vector<Recipient> take_some(std::span<Recipient>& rest) {
  std::vector<Recipient> some;
  size_t bytes = 0;
  size_t count = 0;
  while (count < rest.size()) {
    const Recipient& r = rest[count];
    bytes += r.address.size() + r.original.size() + r.dsn_original.size() + kRecipientHead;
    if (count > 0 && bytes > kRecipientBytes) break;
    ++count;
  }
  for (Recipient& r : rest.first(count)) some.push_back(std::move(r));
  rest = rest.subspan(count);
  return some;
}

/// Fills `block` from the source to its full size, or to the end of the content.
Result<bool> read_block(ContentSource& source, std::string& block) {
  block.resize(kContentBlock);
  size_t filled = 0;
  while (filled < block.size()) {
    UMAYA_TRY(size_t n, source.read(std::span(block).subspan(filled)));
    if (n == 0) break;
    filled += n;
  }
  const bool more = filled == block.size();
  block.resize(filled);
  return more;
}

}  // namespace

event::Task<Result<Outcome>> post(ipc::Channel& channel, Submission submission, ContentSource& source, Duration limit) {
  std::vector<Recipient> recipients = std::move(submission.recipients);
  std::span<Recipient> rest(recipients);
  submission.recipients = take_some(rest);
  submission.last_recipients = rest.empty();
  bool more = true;
  if (submission.last_recipients) {
    UMAYA_CO_TRY(more, read_block(source, submission.content));
  }
  submission.last_content = !more;
  UMAYA_CO_CHECK(co_await channel.send(std::move(submission), {}, limit));
  while (!rest.empty()) {
    MoreRecipients next;
    next.recipients = take_some(rest);
    next.last = rest.empty();
    UMAYA_CO_CHECK(co_await channel.send(std::move(next), {}, limit));
  }
  while (more) {
    Content next;
    UMAYA_CO_TRY(more, read_block(source, next.bytes));
    next.last = !more;
    UMAYA_CO_CHECK(co_await channel.send(std::move(next), {}, limit));
  }
  co_return co_await channel.receive<Outcome>(limit);
}

}  // namespace umaya::services::cleanup
