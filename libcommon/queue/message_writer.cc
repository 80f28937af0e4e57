#include <array>

#include "libcommon/fs/file.h"
#include "libcommon/queue/checksum.h"
#include "libcommon/queue/directories.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/queue/message_format.h"

namespace umaya::queue {
namespace {

constexpr size_t kGather = 64 * 1024;

iovec piece(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

}  // namespace

MessageWriter::MessageWriter(Fd fd, Envelope envelope) : fd_(std::move(fd)), envelope_(std::move(envelope)) {}

Result<> MessageWriter::add_recipient(const Recipient& recipient) {
  UMAYA_CHECK(format::append_recipient(flushed_ ? tail_recipients_ : recipients_, recipient));
  ++(flushed_ ? tail_recipient_count_ : recipient_count_);
  return {};
}

Result<> MessageWriter::append(std::string_view content) {
  content_size_ += content.size();
  if (content_.size() + content.size() <= kGather) {
    content_.append(content);
    return {};
  }
  UMAYA_CHECK(flush());
  if (content.size() <= kGather / 2) {
    content_.append(content);
    return {};
  }
  return fs::write_all(fd_.get(), content);
}

Result<> MessageWriter::flush() {
  std::array<iovec, 4> pieces;
  size_t count = 0;
  std::string placeholder;
  if (!flushed_) {
    flushed_ = true;
    attributes_ = format::encode_attributes(envelope_);
    placeholder.resize(format::kHeadSize, '\0');  // no magic: until finish() nobody takes this for a message
    pieces = {piece(placeholder), piece(attributes_), piece(recipients_)};
    count = 3;
  }
  pieces[count++] = piece(content_);
  UMAYA_CHECK(fs::write_all(fd_.get(), std::span(pieces).first(count)));
  content_.clear();
  return {};
}

Result<Fd> MessageWriter::finish() {
  std::string attributes = format::encode_attributes(envelope_);
  std::string tail;
  if (!flushed_) {
    attributes_ = std::move(attributes);
  } else if (attributes != attributes_ || !tail_recipients_.empty()) {
    if (attributes == attributes_) attributes.clear();
    tail = encode(format::TailHead{.attributes_size = static_cast<uint32_t>(attributes.size()),
                                   .attributes_checksum = crc32c(attributes),
                                   .recipient_count = tail_recipient_count_,
                                   .recipients_checksum = format::recipients_checksum(tail_recipients_)});
    tail += attributes;
    tail += tail_recipients_;
  }
  if (attributes_.size() > format::kMaxAttributes || attributes.size() > format::kMaxAttributes) {
    return permanent("message has more than 1 MiB of attributes", "5.3.4");
  }
  format::Head head{.content_offset = format::kHeadSize + attributes_.size() + recipients_.size(),
                    .content_size = content_size_,
                    .tail_size = tail.size(),
                    .attributes_size = static_cast<uint32_t>(attributes_.size()),
                    .attributes_checksum = crc32c(attributes_),
                    .recipients_size = recipients_.size(),
                    .recipient_count = recipient_count_,
                    .recipients_checksum = format::recipients_checksum(recipients_)};
  head.file_size = head.content_offset + content_size_ + tail.size() + format::kEndSize;
  std::string head_bytes = encode(head);
  std::string end = format::encode_end(head.file_size);
  if (!flushed_) {
    std::array pieces{piece(head_bytes), piece(attributes_), piece(recipients_), piece(content_), piece(end)};
    UMAYA_CHECK(fs::write_all(fd_.get(), pieces));
  } else {
    std::array pieces{piece(content_), piece(tail), piece(end)};
    UMAYA_CHECK(fs::write_all(fd_.get(), pieces));
    UMAYA_CHECK(fs::write_all_at(fd_.get(), head_bytes, 0));
  }
  return std::move(fd_);
}

Result<> mark_complete(int fd) {
  return fs::set_mode(fd, mode::kComplete);
}

Result<> mark_recipient(int fd, uint64_t offset, RecipientState state) {
  char byte = static_cast<char>(state);
  return fs::write_all_at(fd, {&byte, 1}, offset);
}

Result<> mark_delay_notice_sent(int fd) {
  return fs::write_all_at(fd, {&format::kNoticeSent, 1}, format::kDelayNoticeOffset);
}

bool known_state(uint8_t byte) {
  return byte == 'P' || byte == 'D' || byte == 'B' || byte == 'A';
}

}  // namespace umaya::queue
