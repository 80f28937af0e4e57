#include "smtpd/handover.h"

#include "libcommon/log/log.h"

namespace umaya::smtpd {

using event::Task;
using namespace std::chrono_literals;
namespace cleanup = services::cleanup;

static constexpr Duration kOutcomeLimit = 3600s;
static constexpr Duration kSendLimit = 300s;
/// Bytes of recipients that go along with the first packet; more follow in packets of their own.
static constexpr size_t kRecipientBytes = 32 * 1024;

static size_t recipient_size(const services::Recipient& r) {
  return 64 + r.address.size() + r.original.size() + r.dsn_original.size();
}

void Handover::settle(const Error& error) {
  log::warning("cleanup: {}", error.what);
  early_ = cleanup::Outcome{cleanup::Verdict::deferred, 451, "4.3.0", "Error: queue file write error"};
  if (channel_) channel_->drop();
  channel_.reset();
}

Task<Result<void>> Handover::send_recipients(std::vector<services::Recipient> recipients) {
  size_t i = 0;
  while (i < recipients.size()) {
    cleanup::MoreRecipients more;
    for (size_t bytes = 0; i < recipients.size() && bytes < kRecipientBytes; ++i) {
      bytes += recipient_size(recipients[i]);
      more.recipients.push_back(std::move(recipients[i]));
    }
    more.last = i == recipients.size();
    Result<void> sent = co_await (*channel_)->send(std::move(more), {}, kSendLimit);
    if (!sent) co_return sent;
  }
  co_return Result<void>{};
}

/// Takes a connection and sends the submission, with as much content as fits.
Task<Result<void>> Handover::start(bool last_content) {
  auto lease = pool_.lease();
  if (!lease) co_return std::unexpected(lease.error());
  channel_.emplace(std::move(*lease));
  size_t bytes = 0;
  for (const auto& recipient : submission_.recipients) bytes += recipient_size(recipient);
  std::vector<services::Recipient> later;
  if (bytes > kRecipientBytes) {
    later = std::exchange(submission_.recipients, {});
    submission_.last_recipients = false;
    submission_.last_content = false;
  } else {
    bool all = content_.size() <= cleanup::kContentBlock;
    submission_.last_content = last_content && all;
    if (all) submission_.content = std::exchange(content_, {});
  }
  bool whole = submission_.last_content;
  std::string packet = ipc::encode(submission_);
  submission_.content.clear();
  Result<void> sent = co_await (*channel_)->send_packet(std::move(packet), {}, kSendLimit);
  if (!sent) co_return sent;
  if (!later.empty()) {
    sent = co_await send_recipients(std::move(later));
    if (!sent) co_return sent;
  }
  if (whole) co_return Result<void>{};
  co_return co_await send_content(last_content);
}

Task<Result<void>> Handover::send_content(bool last) {
  std::string_view rest = content_;
  bool done = rest.empty() && !last;
  while (!done) {
    cleanup::Content block;
    block.bytes = rest.substr(0, cleanup::kContentBlock);
    rest.remove_prefix(block.bytes.size());
    block.last = last && rest.empty();
    done = rest.empty();
    Result<void> sent = co_await (*channel_)->send(std::move(block), {}, kSendLimit);
    if (!sent) co_return sent;
  }
  content_.clear();
  co_return Result<void>{};
}

Task<void> Handover::push() {
  if (early_) {
    content_.clear();
    co_return;
  }
  Result<void> sent;
  if (!channel_) {
    sent = co_await start(false);
  } else if (!(*channel_)->stale()) {
    sent = co_await send_content(false);
  }
  if (!sent) {
    settle(sent.error());
  } else if ((*channel_)->stale()) {
    Result<cleanup::Outcome> outcome = co_await (*channel_)->receive<cleanup::Outcome>(kSendLimit);
    if (!outcome) {
      settle(outcome.error());
    } else {
      early_ = std::move(*outcome);
      channel_->drop();
      channel_.reset();
    }
  }
}

Task<cleanup::Outcome> Handover::finish() {
  if (early_) co_return *early_;
  Result<void> sent;
  if (!channel_) {
    sent = co_await start(true);
  } else {
    sent = co_await send_content(true);
  }
  Result<cleanup::Outcome> outcome = temporary("not sent");
  // The service may have closed after an early outcome: that outcome counts, not the failed write.
  if (channel_) outcome = co_await (*channel_)->receive<cleanup::Outcome>(kOutcomeLimit);
  if (!outcome) {
    settle(sent ? outcome.error() : sent.error());
    co_return *early_;
  }
  if (!sent) channel_->drop();
  channel_.reset();
  co_return std::move(*outcome);
}

}  // namespace umaya::smtpd
