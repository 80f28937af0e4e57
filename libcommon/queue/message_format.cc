#include "libcommon/queue/message_format.h"

#include <type_traits>

#include "libcommon/queue/checksum.h"

namespace umaya::queue::format {
namespace {

using Extra = std::map<std::string, std::string>;

void put_attribute(ByteWriter& out, std::string_view name, std::string_view value) {
  out.u8(static_cast<uint8_t>(name.size())).bytes(name).string(value);
}

/// Text that ends up in protocol lines and log lines: no byte that ends one.
bool fit_for_lines(std::string_view text) {
  return text.find_first_of(std::string_view("\0\r\n", 3)) == text.npos;
}

/// Stores a value in the field of that name; false when it is no fit value.
template <class Field>
bool set_field(Field& field, std::string_view value) {
  if constexpr (std::is_same_v<Field, std::string>) {
    field = value;
    return fit_for_lines(value);
  } else {
    ByteReader reader(value);
    uint64_t number = reader.u64();
    if (!reader.at_end()) return false;
    field = static_cast<Field>(number);
    if constexpr (std::is_enum_v<Field>) return number <= static_cast<uint64_t>(DsnReturn::headers);
    return static_cast<uint64_t>(field) == number;
  }
}

}  // namespace

std::string encode(const Head& head) {
  std::string checked;
  checked.reserve(kHeadSize);
  ByteWriter(checked)
      .u32(kVersion)
      .u64(head.file_size)
      .u64(head.content_offset)
      .u64(head.content_size)
      .u64(head.tail_size)
      .u32(head.attributes_size)
      .u32(head.attributes_checksum)
      .u64(head.recipients_size)
      .u32(head.recipient_count)
      .u32(head.recipients_checksum);
  checked.resize(kDelayNoticeOffset - kCheckedBegin, '\0');
  std::string out;
  out.reserve(kHeadSize);
  ByteWriter(out).bytes(kMagic).u32(crc32c(checked)).bytes(checked);
  out += kNoticeNotSent;
  out.resize(kHeadSize, '\0');
  return out;
}

Result<Head> decode_head(std::string_view bytes) {
  if (bytes.size() < kHeadSize) return damaged("shorter than its head");
  bytes = bytes.substr(0, kHeadSize);
  if (!bytes.starts_with(kMagic)) return damaged("not a queue file");
  ByteReader in(bytes.substr(kChecksumOffset));
  uint32_t checksum = in.u32();
  if (checksum != crc32c(bytes.substr(kCheckedBegin, kDelayNoticeOffset - kCheckedBegin))) {
    return damaged("checksum of the head");
  }
  if (in.u32() != kVersion) return damaged("unknown version");
  Head head;
  head.file_size = in.u64();
  head.content_offset = in.u64();
  head.content_size = in.u64();
  head.tail_size = in.u64();
  head.attributes_size = in.u32();
  head.attributes_checksum = in.u32();
  head.recipients_size = in.u64();
  head.recipient_count = in.u32();
  head.recipients_checksum = in.u32();
  char notice = bytes[kDelayNoticeOffset];
  if (notice != kNoticeNotSent && notice != kNoticeSent) return damaged("delay notice state");
  if (bytes.substr(kDelayNoticeOffset + 1).find_first_not_of('\0') != bytes.npos) return damaged("end of the head");
  // Every size is compared with what is left of the file, so that no sum can wrap around.
  uint64_t left = head.file_size;
  auto take = [&left](uint64_t size) { return size <= left ? (left -= size, true) : false; };
  bool fits = take(kHeadSize) && take(head.attributes_size) && take(head.recipients_size) && take(head.content_size) &&
              take(head.tail_size) && take(kEndSize) && left == 0;
  if (!fits || head.content_offset != kHeadSize + head.attributes_size + head.recipients_size) {
    return damaged("sizes do not fit together");
  }
  if (head.attributes_size > kMaxAttributes) return damaged("too many attributes");
  return head;
}

std::string encode(const TailHead& head) {
  std::string out;
  ByteWriter writer(out);
  writer.u32(head.attributes_size).u32(head.attributes_checksum).u32(head.recipient_count);
  writer.u32(head.recipients_checksum).u32(crc32c(out)).u32(0);
  return out;
}

Result<TailHead> decode_tail_head(std::string_view bytes) {
  if (bytes.size() < kTailHeadSize) return damaged("tail too short");
  ByteReader in(bytes.substr(0, kTailHeadSize));
  TailHead head{in.u32(), in.u32(), in.u32(), in.u32()};
  if (in.u32() != crc32c(bytes.substr(0, 16)) || in.u32() != 0) return damaged("checksum of the tail");
  if (head.attributes_size > kMaxAttributes) return damaged("too many attributes in the tail");
  return head;
}

std::string encode_end(uint64_t file_size) {
  std::string out;
  ByteWriter(out).bytes(kEndMagic).u64(file_size);
  return out;
}

std::string encode_attributes(const Envelope& envelope) {
  std::string out;
  out.reserve(512);
  ByteWriter writer(out);
  Envelope::visit(envelope, [&writer](std::string_view name, const auto& field) {
    using Field = std::decay_t<decltype(field)>;
    if constexpr (std::is_same_v<Field, Extra>) {
      for (const auto& [key, value] : field) put_attribute(writer, std::string_view(key).substr(0, 255), value);
    } else if constexpr (std::is_same_v<Field, std::string>) {
      if (!field.empty()) put_attribute(writer, name, field);
    } else if (static_cast<uint64_t>(field) != 0) {
      writer.u8(static_cast<uint8_t>(name.size())).bytes(name).u32(8).u64(static_cast<uint64_t>(field));
    }
  });
  return out;
}

Result<Envelope> decode_attributes(std::string_view bytes) {
  Envelope envelope;
  ByteReader in(bytes);
  while (in.ok() && in.remaining() > 0) {
    std::string_view name = in.bytes(in.u8());
    std::string_view value = in.string();
    if (!in.ok()) break;
    bool known = false;
    bool fit = true;
    Envelope::visit(envelope, [&](std::string_view field_name, auto& field) {
      using Field = std::decay_t<decltype(field)>;
      if constexpr (!std::is_same_v<Field, Extra>) {
        if (known || name != field_name) return;
        known = true;
        fit = set_field(field, value);
      }
    });
    if (!fit) return damaged("attribute " + std::string(name));
    if (!known) envelope.extra.emplace(name, value);
  }
  if (!in.at_end()) return damaged("attributes");
  return envelope;
}

Result<> append_recipient(std::string& out, const Recipient& recipient) {
  std::string_view original = recipient.original == recipient.address ? std::string_view() : recipient.original;
  for (std::string_view text :
       {std::string_view(recipient.address), original, std::string_view(recipient.dsn_original)}) {
    if (text.size() > kMaxAddress) return permanent("address is longer than 32767 bytes", "5.1.3");
    if (!fit_for_lines(text)) return permanent("address has a line end or a null byte in it", "5.1.3");
  }
  ByteWriter(out)
      .u8(static_cast<uint8_t>(RecipientState::pending))
      .u8(recipient.notify)
      .u16(static_cast<uint16_t>(recipient.address.size()))
      .u16(static_cast<uint16_t>(original.size()))
      .u16(static_cast<uint16_t>(recipient.dsn_original.size()))
      .bytes(recipient.address)
      .bytes(original)
      .bytes(recipient.dsn_original);
  return {};
}

std::string_view next_recipient(std::string_view bytes) {
  if (bytes.size() < kRecipientHeadSize) return {};
  ByteReader in(bytes.substr(2, 6));
  size_t size = kRecipientHeadSize + in.u16();
  size += in.u16();
  size += in.u16();
  return size <= bytes.size() ? bytes.substr(0, size) : std::string_view();
}

Result<StoredRecipient> decode_recipient(std::string_view record) {
  ByteReader in(record);
  uint8_t state = in.u8();
  StoredRecipient recipient;
  recipient.notify = in.u8();
  size_t address = in.u16(), original = in.u16(), orcpt = in.u16();
  recipient.address = in.bytes(address);
  recipient.original = in.bytes(original);
  recipient.dsn_original = in.bytes(orcpt);
  if (!in.at_end() || !known_state(state)) return damaged("recipient");
  if (!fit_for_lines(record.substr(kRecipientHeadSize))) return damaged("recipient with a line end in it");
  recipient.state = static_cast<RecipientState>(state);
  return recipient;
}

uint32_t recipients_checksum(std::string_view records, uint32_t former) {
  while (!records.empty()) {
    std::string_view record = next_recipient(records);
    if (record.empty()) return ~former;  // a torn record never has a right checksum
    former = crc32c(record.substr(1), former);
    records.remove_prefix(record.size());
  }
  return former;
}

}  // namespace umaya::queue::format
