#include "pop3d/message_sender.h"

#include <sys/uio.h>

#include <algorithm>

#include "libcommon/fs/file.h"
#include "pop3d/header_surrogate.h"

namespace umaya::pop3d {

namespace {

/// Octets of text on the wire, dots not doubled.
uint64_t wire_octets(std::string_view text) {
  uint64_t octets = text.size();
  for (size_t lf = text.find('\n'); lf != std::string_view::npos; lf = text.find('\n', lf + 1)) {
    if (lf == 0 || text[lf - 1] != '\r') ++octets;
  }
  return octets;
}

}  // namespace

MessageSender::MessageSender(event::Stream& client, Offload& offload, mailbox::PopBox::Body body, bool utf8)
    : client_(client),
      offload_(offload),
      body_(std::make_shared<mailbox::PopBox::Body>(std::move(body))),
      block_size_(static_cast<size_t>(std::clamp<uint64_t>(body_->size, 1, kBlock))),
      utf8_(utf8) {
  block_ = std::make_shared_for_overwrite<char[]>(block_size_);
  out_ = std::make_unique_for_overwrite<char[]>(MessageEncoder::most(block_size_));
}

/// What is in memory; EAGAIN when it would have to come from the disk.
Result<size_t> MessageSender::read_now(size_t want) {
  iovec piece{block_.get(), want};
  ssize_t n = preadv2(body_->file.get(), &piece, 1, static_cast<off_t>(body_->offset + offset_), RWF_NOWAIT);
  if (n >= 0) return static_cast<size_t>(n);
  if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL) return sys_error("read");
  return fs::read_at(body_->file.get(), {block_.get(), want}, body_->offset + offset_);
}

/// The next block, empty at the end.
event::Task<Result<std::string_view>> MessageSender::read_block() {
  const auto want = static_cast<size_t>(std::min<uint64_t>(block_size_, body_->size - offset_));
  if (want == 0) co_return std::string_view();
  Result<size_t> n = 0;
  if (offload_.separate()) {
    n = read_now(want);
    if (!n && n.error().sys_errno == EAGAIN) {
      auto work = [body = body_, block = block_, want, offset = body_->offset + offset_] {
        return fs::read_at(body->file.get(), {block.get(), want}, offset);
      };
      n = co_await offload_.run(std::move(work));
    }
  } else {
    n = fs::read_at(body_->file.get(), {block_.get(), want}, body_->offset + offset_);
  }
  if (!n) co_return std::unexpected(n.error());
  if (*n == 0) co_return temporary("the message has become shorter");
  offset_ += *n;
  co_return std::string_view(block_.get(), *n);
}

/// Gives what is sent for the first block to a client without UTF8; corrects the message's size.
std::string_view MessageSender::replace_header(std::string_view block, uint64_t* size) {
  std::string_view header = block.substr(0, header_size(block));
  if (header.empty() && block.size() == body_->size) header = block;  // a message without body
  if (!needs_surrogate(header)) return block;
  first_ = header_surrogate(header);
  *size = *size - std::min(*size, wire_octets(header)) + wire_octets(first_);
  first_ += block.substr(header.size());
  return first_;
}

event::Task<Result<uint64_t>> MessageSender::send_whole(uint64_t size) {
  Result<std::string_view> block = co_await read_block();
  if (!block) co_return std::unexpected(block.error());
  std::string_view first = utf8_ ? *block : replace_header(*block, &size);
  std::string head = "+OK " + std::to_string(size) + " octets\r\n";
  co_return co_await send(std::move(head), first, TopFilter(TopFilter::kAll));
}

event::Task<Result<uint64_t>> MessageSender::send_top(uint64_t body_lines) {
  Result<std::string_view> block = co_await read_block();
  if (!block) co_return std::unexpected(block.error());
  uint64_t size = 0;
  std::string_view first = utf8_ ? *block : replace_header(*block, &size);
  std::string head = "+OK\r\n";
  co_return co_await send(std::move(head), first, TopFilter(body_lines));
}

event::Task<Result<uint64_t>> MessageSender::send(std::string head, std::string_view first, TopFilter filter) {
  begun_ = true;
  client_.write(head);
  std::string_view text = first;
  while (!text.empty()) {
    std::string_view passed = filter.take(text);
    Result<void> given = co_await give(passed);
    if (!given) {
      client_gone_ = true;
      co_return std::unexpected(given.error());
    }
    if (filter.done()) break;
    Result<std::string_view> block = co_await read_block();
    if (!block) co_return std::unexpected(block.error());
    text = *block;
  }
  size_t n = encoder_.finish(out_.get());
  client_.write({out_.get(), n});
  co_return sent_ + n;
}

event::Task<Result<void>> MessageSender::give(std::string_view text) {
  while (!text.empty()) {
    std::string_view piece = text.substr(0, block_size_);
    text.remove_prefix(piece.size());
    size_t n = encoder_.encode(piece, out_.get());
    sent_ += n;
    if (body_->size <= kSmall) {
      client_.write({out_.get(), n});
      continue;
    }
    Result<void> sent = co_await client_.flush({out_.get(), n});
    if (!sent) co_return sent;
  }
  co_return Result<void>();
}

}  // namespace umaya::pop3d
