// NAME    message_file - one message in one file: writing, reading, marking recipients
//
// SYNOPSIS
//     queue::MessageWriter writer(std::move(fd), envelope);
//     writer.add_recipient(r);  writer.append(text);  …  UMAYA_TRY(auto done, writer.finish());
//
//     UMAYA_TRY(auto message, queue::MessageReader::open(fd));
//     message.envelope().sender;
//     for (queue::RecipientCursor at; …;) UMAYA_TRY(auto some, message.read_recipients(at, 100));
//     UMAYA_CHECK(queue::mark_recipient(fd, some[0].offset, queue::RecipientState::delivered));
//
// DESCRIPTION
//     Head of 128 bytes, envelope attributes, recipients, the text (lines end with CR LF, no dot stuffing), a tail
//     for what became known after the text had begun to be written, an end mark: see docs/queue-file.md.
//     The writer gathers a small message and writes it with one call; what it is told before the first 64 KiB of text
//     goes before the text, the rest into the tail. The reader believes nothing: sizes and offsets must fit together
//     and into the file, checksums of head, attributes and recipients must be right, the end mark must be there.
//
// OWNERSHIP
//     The writer owns its descriptor until finish() gives it back. The reader borrows its source.
//
// ERRORS
//     A damaged file is a permanent error (it belongs into corrupt/); one that cannot be read just now is temporary.
//
// LIMITS
//     Attributes 1 MiB, an address 32 KiB, 2^31 recipients.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/queue/envelope.h"

namespace umaya::queue {

/// The state of a recipient, one byte in the file. Any two differ in two bits or more, so that one flipped bit makes
/// no other state.
enum class RecipientState : uint8_t {
  pending = 'P',
  delivered = 'D',
  bounced = 'B',    ///< the failure is in the bounce log
  abandoned = 'A',  ///< removed by the administrator or a redirect, nobody is told
};

struct StoredRecipient : Recipient {
  RecipientState state = RecipientState::pending;
  uint64_t offset = 0;  ///< of the state byte in the file
};

/// What the head says.
struct MessageInfo {
  uint64_t content_offset = 0;
  uint64_t content_size = 0;
  uint64_t file_size = 0;
  uint32_t recipient_count = 0;  ///< in all, whatever their state
  bool delay_notice_sent = false;
};

class MessageWriter {
 public:
  /// fd: a new empty file, open for reading and writing.
  MessageWriter(Fd fd, Envelope envelope);

  /// May be changed until finish(); what is changed late goes to the tail.
  Envelope& envelope() { return envelope_; }
  /// May be called before, between and after append().
  Result<> add_recipient(const Recipient& recipient);
  Result<> append(std::string_view content);
  uint64_t content_size() const { return content_size_; }
  uint32_t recipient_count() const { return recipient_count_ + tail_recipient_count_; }

  /// Writes what is left. Nobody takes the file yet: sync it and its directory, then mark_complete(). Afterwards the
  /// writer is empty.
  Result<Fd> finish();

 private:
  Result<> flush();

  Fd fd_;
  Envelope envelope_;
  std::string attributes_;       // as written, once flushed
  std::string recipients_;       // section before the text
  std::string tail_recipients_;  // section after the text
  std::string content_;          // not yet written
  uint32_t recipient_count_ = 0;
  uint32_t tail_recipient_count_ = 0;
  uint64_t content_size_ = 0;
  bool flushed_ = false;
};

/// Where bytes come from: a file, or memory in tests.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual Result<uint64_t> size() = 0;
  /// Fills the buffer from the offset; less only at the end.
  virtual Result<size_t> read_at(std::span<char> buffer, uint64_t offset) = 0;
};

/// Where read_recipients() goes on.
struct RecipientCursor {
  uint64_t offset = 0;  ///< 0: at the beginning
  uint32_t index = 0;   ///< recipients seen
  bool in_tail = false;
};

class MessageReader {
 public:
  /// Reads and checks head, attributes, recipients and end mark. A descriptor must stay open while the reader lives.
  static Result<MessageReader> open(int fd);
  static Result<MessageReader> open(std::unique_ptr<ByteSource> source);

  const Envelope& envelope() const { return envelope_; }
  Envelope& envelope() { return envelope_; }
  const MessageInfo& info() const { return info_; }
  /// Up to max recipients from the cursor on, in any state; empty at the end.
  Result<std::vector<StoredRecipient>> read_recipients(RecipientCursor& cursor, size_t max);
  /// Up to buffer.size() bytes of the text from an offset in it; 0 at its end.
  Result<size_t> read_content(std::span<char> buffer, uint64_t offset);

 private:
  struct Section {
    uint64_t offset = 0;
    uint64_t size = 0;
    uint32_t count = 0;
    uint32_t checksum = 0;
  };
  explicit MessageReader(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}
  Result<> load();
  Result<> load_head(uint64_t file_size);
  Result<> load_attributes(uint64_t offset, uint32_t size, uint32_t checksum);
  Result<> load_tail(uint64_t offset, uint64_t size);
  Result<> check_recipients(const Section& section);
  Result<> check_end(uint64_t file_size);
  Result<std::string_view> bytes(uint64_t offset, size_t size);

  std::unique_ptr<ByteSource> source_;
  std::string first_;  // the beginning of the file
  std::string piece_;  // what bytes() read outside of it
  Envelope envelope_;
  MessageInfo info_;
  Section recipients_;
  Section tail_recipients_;
};

/// Says that the message counts (mode 0700). Only once the file and its name are on the disk: what a crash leaves
/// without this mark and not whole was never accepted.
Result<> mark_complete(int fd);
/// Writes one state byte; durable only after fs::sync_data(). The offset must come from the reader of the same file.
Result<> mark_recipient(int fd, uint64_t offset, RecipientState state);
/// Records that the sender was told of the delay.
Result<> mark_delay_notice_sent(int fd);

/// Whether the byte is one of the states.
bool known_state(uint8_t byte);

}  // namespace umaya::queue
