#include <sys/stat.h>

#include <algorithm>

#include "libcommon/fs/file.h"
#include "libcommon/queue/checksum.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/queue/message_format.h"

namespace umaya::queue {
namespace {

using format::damaged;

constexpr size_t kFirstRead = 16 * 1024;
/// More than the largest recipient, so that each piece holds at least one.
constexpr size_t kPiece = 128 * 1024;

class FileSource final : public ByteSource {
 public:
  explicit FileSource(int fd) : fd_(fd) {}
  Result<uint64_t> size() override {
    struct stat status;
    if (::fstat(fd_, &status) < 0) return sys_error("fstat");
    return static_cast<uint64_t>(status.st_size);
  }
  Result<size_t> read_at(std::span<char> buffer, uint64_t offset) override { return fs::read_at(fd_, buffer, offset); }

 private:
  int fd_;
};

}  // namespace

Result<MessageReader> MessageReader::open(int fd) {
  return open(std::make_unique<FileSource>(fd));
}

Result<MessageReader> MessageReader::open(std::unique_ptr<ByteSource> source) {
  MessageReader reader(std::move(source));
  UMAYA_CHECK(reader.load());
  return reader;
}

Result<> MessageReader::load() {
  UMAYA_TRY(uint64_t file_size, source_->size());
  first_.resize(std::min<uint64_t>(kFirstRead, file_size));
  UMAYA_TRY(size_t got, source_->read_at(first_, 0));
  if (got != first_.size()) return damaged("shorter than it was");
  return load_head(file_size);
}

Result<> MessageReader::load_head(uint64_t file_size) {
  UMAYA_TRY(format::Head head, format::decode_head(first_));
  if (head.file_size != file_size) return damaged("the file has another size than its head says");
  info_.content_offset = head.content_offset;
  info_.content_size = head.content_size;
  info_.file_size = file_size;
  info_.recipient_count = head.recipient_count;
  info_.delay_notice_sent = first_[format::kDelayNoticeOffset] == format::kNoticeSent;
  recipients_ = {format::kHeadSize + head.attributes_size, head.recipients_size, head.recipient_count,
                 head.recipients_checksum};
  UMAYA_CHECK(load_attributes(format::kHeadSize, head.attributes_size, head.attributes_checksum));
  UMAYA_CHECK(check_recipients(recipients_));
  if (head.tail_size > 0) UMAYA_CHECK(load_tail(head.content_offset + head.content_size, head.tail_size));
  return check_end(file_size);
}

Result<> MessageReader::load_attributes(uint64_t offset, uint32_t size, uint32_t checksum) {
  UMAYA_TRY(std::string_view attributes, bytes(offset, size));
  if (crc32c(attributes) != checksum) return damaged("checksum of the attributes");
  UMAYA_TRY(envelope_, format::decode_attributes(attributes));
  return {};
}

Result<> MessageReader::load_tail(uint64_t offset, uint64_t size) {
  if (size < format::kTailHeadSize) return damaged("tail too short");
  UMAYA_TRY(std::string_view raw, bytes(offset, format::kTailHeadSize));
  UMAYA_TRY(format::TailHead head, format::decode_tail_head(raw));
  if (size - format::kTailHeadSize < head.attributes_size) return damaged("size of the tail");
  offset += format::kTailHeadSize;
  if (head.attributes_size > 0) {
    UMAYA_CHECK(load_attributes(offset, head.attributes_size, head.attributes_checksum));
  } else if (head.attributes_checksum != 0) {
    return damaged("checksum of the tail's attributes");
  }
  tail_recipients_ = {offset + head.attributes_size, size - format::kTailHeadSize - head.attributes_size,
                      head.recipient_count, head.recipients_checksum};
  if (tail_recipients_.count > UINT32_MAX - info_.recipient_count) return damaged("number of recipients");
  info_.recipient_count += tail_recipients_.count;
  return check_recipients(tail_recipients_);
}

Result<> MessageReader::check_recipients(const Section& section) {
  uint32_t checksum = 0;
  uint32_t count = 0;
  for (uint64_t done = 0; done < section.size;) {
    size_t want = static_cast<size_t>(std::min<uint64_t>(kPiece, section.size - done));
    UMAYA_TRY(std::string_view piece, bytes(section.offset + done, want));
    size_t used = 0;
    for (std::string_view record; !(record = format::next_recipient(piece.substr(used))).empty();) {
      if (!known_state(static_cast<uint8_t>(record[0]))) return damaged("state of a recipient");
      checksum = crc32c(record.substr(1), checksum);
      used += record.size();
      ++count;
    }
    if (used == 0) return damaged("recipient goes beyond its section");
    done += used;
  }
  if (count != section.count) return damaged("number of recipients");
  if (checksum != section.checksum) return damaged("checksum of the recipients");
  return {};
}

Result<> MessageReader::check_end(uint64_t file_size) {
  UMAYA_TRY(std::string_view end, bytes(file_size - format::kEndSize, format::kEndSize));
  if (end != format::encode_end(file_size)) return damaged("no end mark");
  return {};
}

/// Bytes of the file, valid until the next call.
Result<std::string_view> MessageReader::bytes(uint64_t offset, size_t size) {
  if (offset <= first_.size() && size <= first_.size() - offset) {
    return std::string_view(first_).substr(static_cast<size_t>(offset), size);
  }
  piece_.resize(size);
  UMAYA_TRY(size_t got, source_->read_at(piece_, offset));
  if (got != size) return damaged("shorter than it was");
  return std::string_view(piece_);
}

Result<std::vector<StoredRecipient>> MessageReader::read_recipients(RecipientCursor& cursor, size_t max) {
  std::vector<StoredRecipient> found;
  if (cursor.offset == 0) cursor.offset = recipients_.offset;
  while (found.size() < max) {
    const Section& section = cursor.in_tail ? tail_recipients_ : recipients_;
    uint64_t left = section.offset + section.size - cursor.offset;
    if (left == 0 || section.size == 0) {
      if (cursor.in_tail || tail_recipients_.size == 0) break;
      cursor.in_tail = true;
      cursor.offset = tail_recipients_.offset;
      continue;
    }
    UMAYA_TRY(std::string_view piece, bytes(cursor.offset, static_cast<size_t>(std::min<uint64_t>(kPiece, left))));
    uint64_t before = cursor.offset;
    while (found.size() < max) {
      std::string_view record = format::next_recipient(piece);
      if (record.empty()) break;
      UMAYA_TRY(StoredRecipient recipient, format::decode_recipient(record));
      recipient.offset = cursor.offset;
      found.push_back(std::move(recipient));
      cursor.offset += record.size();
      ++cursor.index;
      piece.remove_prefix(record.size());
    }
    if (cursor.offset == before) return damaged("recipient goes beyond its section");
  }
  piece_.clear();
  piece_.shrink_to_fit();
  return found;
}

Result<size_t> MessageReader::read_content(std::span<char> buffer, uint64_t offset) {
  if (offset >= info_.content_size) return size_t{0};
  size_t want = static_cast<size_t>(std::min<uint64_t>(buffer.size(), info_.content_size - offset));
  uint64_t position = info_.content_offset + offset;
  if (position + want <= first_.size()) {
    std::copy_n(first_.begin() + static_cast<ptrdiff_t>(position), want, buffer.begin());
    return want;
  }
  UMAYA_TRY(size_t got, source_->read_at(buffer.first(want), position));
  if (got != want) return damaged("text shorter than it was");
  return got;
}

}  // namespace umaya::queue
