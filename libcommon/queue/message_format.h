// NAME    message_format - the bytes of a queue file: head, attributes, recipients, tail, end mark
//
// DESCRIPTION
//     Shared by the writer and the reader in message_file; docs/queue-file.md describes the same for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/base/bytes.h"
#include "libcommon/base/result.h"
#include "libcommon/queue/message_file.h"

namespace umaya::queue::format {

inline constexpr std::string_view kMagic = "UMAYAQF1";
inline constexpr std::string_view kEndMagic = "UMAYAEND";
inline constexpr uint32_t kVersion = 1;
inline constexpr size_t kHeadSize = 128;
inline constexpr size_t kChecksumOffset = 8;
inline constexpr size_t kCheckedBegin = 12;
inline constexpr size_t kDelayNoticeOffset = 120;
inline constexpr size_t kEndSize = 16;
inline constexpr size_t kTailHeadSize = 24;
inline constexpr size_t kRecipientHeadSize = 8;
inline constexpr uint32_t kMaxAttributes = 1 << 20;
inline constexpr size_t kMaxAddress = 32 * 1024 - 1;
inline constexpr char kNoticeNotSent = 'P';
inline constexpr char kNoticeSent = 'D';

/// The fixed head, without the byte that changes later.
struct Head {
  uint64_t file_size = 0;
  uint64_t content_offset = 0;
  uint64_t content_size = 0;
  uint64_t tail_size = 0;
  uint32_t attributes_size = 0;
  uint32_t attributes_checksum = 0;
  uint64_t recipients_size = 0;
  uint32_t recipient_count = 0;
  uint32_t recipients_checksum = 0;
};

/// 128 bytes.
std::string encode(const Head& head);
/// Checks magic, version, checksum and that the parts fit together.
Result<Head> decode_head(std::string_view bytes);

/// 24 bytes in front of the attributes and recipients of the tail.
struct TailHead {
  uint32_t attributes_size = 0;
  uint32_t attributes_checksum = 0;
  uint32_t recipient_count = 0;
  uint32_t recipients_checksum = 0;
};
std::string encode(const TailHead& head);
Result<TailHead> decode_tail_head(std::string_view bytes);

std::string encode_end(uint64_t file_size);

/// The envelope as (name, value) pairs; empty and zero fields are left out.
std::string encode_attributes(const Envelope& envelope);
Result<Envelope> decode_attributes(std::string_view bytes);

/// Appends one recipient, pending.
Result<> append_recipient(std::string& out, const Recipient& recipient);
/// The bytes of the next recipient; empty when the view holds only a part of it.
std::string_view next_recipient(std::string_view bytes);
/// A whole record.
Result<StoredRecipient> decode_recipient(std::string_view record);
/// The checksum of whole records without their state bytes.
uint32_t recipients_checksum(std::string_view records, uint32_t former = 0);

/// The error for a file that is no good.
inline std::unexpected<Error> damaged(std::string_view what) {
  return permanent("damaged queue file: " + std::string(what));
}

}  // namespace umaya::queue::format
