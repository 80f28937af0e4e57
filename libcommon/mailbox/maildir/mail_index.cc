#include "libcommon/mailbox/maildir/mail_index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>

#include "libcommon/base/bytes.h"
#include "libcommon/base/checksum.h"
#include "libcommon/mailbox/maildir/file_name.h"
#include "libcommon/mailbox/maildir/unique_id.h"

namespace umaya::mailbox {

namespace {

constexpr std::string_view kMagic = "UMAYAMI1";
constexpr uint32_t kVersion = 1;
constexpr uint64_t kMostSize = uint64_t{1} << 50;

// Records go to the file as they are in memory.
static_assert(std::endian::native == std::endian::little);

std::string_view bytes_of(const std::vector<MailRecord>& records) {
  return {reinterpret_cast<const char*>(records.data()), records.size() * sizeof(MailRecord)};
}

void write_identity(ByteWriter& out, const FileIdentity& identity) {
  out.u64(static_cast<uint64_t>(identity.modified_ns)).u64(static_cast<uint64_t>(identity.changed_ns));
  out.u64(identity.inode).u64(identity.size);
}

FileIdentity read_identity(ByteReader& in) {
  FileIdentity identity;
  identity.modified_ns = static_cast<int64_t>(in.u64());
  identity.changed_ns = static_cast<int64_t>(in.u64());
  identity.inode = in.u64();
  identity.size = in.u64();
  return identity;
}

/// Whether all octets are from ! to ~ and none is a slash; eight at a time.
bool is_plain(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  auto has_zero = [](uint64_t word) { return (word - kOnes) & ~word & kHigh; };
  uint64_t found = 0;
  for (; text.size() >= 8; text.remove_prefix(8)) {
    uint64_t word;
    std::memcpy(&word, text.data(), 8);
    uint64_t below = (word - kOnes * '!') & ~word & kHigh;
    found |= (word & kHigh) | below | has_zero(word ^ (kOnes * 0x7f)) | has_zero(word ^ (kOnes * '/'));
  }
  bool rest = std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c < 0x7f && c != '/'; });
  return found == 0 && rest;
}

/// plain: all text is_plain().
bool is_good(const MailRecord& record, const std::string& heap, bool plain) {
  if (uint64_t{record.name_offset} + record.name_length > heap.size()) return false;
  if (uint64_t{record.id_offset} + record.id_length > heap.size()) return false;
  if (record.wire_size != kUnknownSize && record.wire_size > kMostSize) return false;
  std::string_view name(heap.data() + record.name_offset, record.name_length);
  std::string_view id(heap.data() + record.id_offset, record.id_length);
  if (!plain) return is_message_name(name) && is_unique_id(id);
  return is_message_name(name.substr(0, 1)) && name.size() <= 255 && !id.empty() && id.size() <= kMostUniqueId;
}

}  // namespace

FileIdentity FileIdentity::of(const struct stat& status) {
  auto nanoseconds = [](const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return {nanoseconds(status.st_mtim), nanoseconds(status.st_ctim), status.st_ino,
          static_cast<uint64_t>(status.st_size)};
}

void MailIndex::add(MailRecord record, std::string_view name, std::string_view unique_id) {
  record.name_offset = static_cast<uint32_t>(heap.size());
  record.name_length = static_cast<uint16_t>(name.size());
  record.id_offset = record.name_offset;
  record.id_length = static_cast<uint16_t>(unique_id.size());
  heap += name;
  if (!name.starts_with(unique_id)) {
    record.id_offset = static_cast<uint32_t>(heap.size());
    heap += unique_id;
  }
  records.push_back(record);
}

bool MailIndex::same_as(const MailIndex& other) const {
  auto states = [](const IndexHeader& h) {
    return std::tuple(h.uid_validity, h.next_uid, h.format_mark, h.state, h.list_lines, h.fresh, h.current, h.uidlist);
  };
  return states(header) == states(other.header) && bytes_of(records) == bytes_of(other.records) && heap == other.heap;
}

void MailIndex::count_sizes() {
  header.count = static_cast<uint32_t>(records.size());
  header.unknown_sizes = 0;
  header.total_size = 0;
  for (const MailRecord& record : records) {
    if (record.wire_size == kUnknownSize) {
      ++header.unknown_sizes;
    } else {
      header.total_size += record.wire_size;
    }
  }
}

std::string encode_index_header(const IndexHeader& header) {
  std::string body;
  ByteWriter out(body);
  out.u32(kVersion).u32(kIndexHeaderSize).u32(sizeof(MailRecord));
  out.u32(header.uid_validity).u32(header.next_uid).u32(header.count).u32(header.unknown_sizes);
  out.u64(header.total_size).u64(header.heap_size).u32(header.records_checksum).u32(header.heap_checksum);
  out.u64(header.highest_modseq).u32(header.format_mark).u32(header.state).u32(header.list_lines);
  for (const FileIdentity& identity : {header.fresh, header.current, header.uidlist}) write_identity(out, identity);
  body.resize(kIndexHeaderSize - kMagic.size() - 4, '\0');
  std::string text(kMagic);
  ByteWriter(text).u32(crc32c(body)).bytes(body);
  return text;
}

std::string encode_index(MailIndex& index) {
  index.count_sizes();
  index.header.heap_size = index.heap.size();
  index.header.records_checksum = crc32c(bytes_of(index.records));
  index.header.heap_checksum = crc32c(index.heap);
  std::string text = encode_index_header(index.header);
  text.reserve(text.size() + index.records.size() * sizeof(MailRecord) + index.heap.size());
  return (text += bytes_of(index.records)) += index.heap;
}

std::optional<IndexHeader> decode_index_header(std::string_view begin, uint64_t file_size) {
  if (begin.size() < kIndexHeaderSize || !begin.starts_with(kMagic)) return std::nullopt;
  ByteReader in(begin.substr(kMagic.size(), kIndexHeaderSize - kMagic.size()));
  uint32_t checksum = in.u32();
  if (crc32c(begin.substr(kMagic.size() + 4, kIndexHeaderSize - kMagic.size() - 4)) != checksum) return std::nullopt;
  if (in.u32() != kVersion || in.u32() != kIndexHeaderSize || in.u32() != sizeof(MailRecord)) return std::nullopt;
  IndexHeader header;
  header.uid_validity = in.u32();
  header.next_uid = in.u32();
  header.count = in.u32();
  header.unknown_sizes = in.u32();
  header.total_size = in.u64();
  header.heap_size = in.u64();
  header.records_checksum = in.u32();
  header.heap_checksum = in.u32();
  header.highest_modseq = in.u64();
  header.format_mark = in.u32();
  header.state = in.u32();
  header.list_lines = in.u32();
  for (FileIdentity* identity : {&header.fresh, &header.current, &header.uidlist}) *identity = read_identity(in);
  uint64_t records_size = uint64_t{header.count} * sizeof(MailRecord);
  if (header.heap_size > UINT32_MAX || kIndexHeaderSize + records_size + header.heap_size != file_size) {
    return std::nullopt;
  }
  return header;
}

std::optional<MailIndex> decode_index_body(const IndexHeader& header, std::vector<MailRecord> records,
                                           std::string heap) {
  if (records.size() != header.count || heap.size() != header.heap_size) return std::nullopt;
  if (crc32c(bytes_of(records)) != header.records_checksum || crc32c(heap) != header.heap_checksum) {
    return std::nullopt;
  }
  MailIndex index{header, std::move(records), std::move(heap)};
  bool plain = is_plain(index.heap);
  for (const MailRecord& record : index.records) {
    if (record.uid == 0 || record.uid >= header.next_uid || !is_good(record, index.heap, plain)) return std::nullopt;
  }
  index.count_sizes();
  if (index.header.total_size != header.total_size || index.header.unknown_sizes != header.unknown_sizes) {
    return std::nullopt;
  }
  return index;
}

std::optional<MailIndex> decode_index(std::string_view file) {
  auto header = decode_index_header(file, file.size());
  if (!header) return std::nullopt;
  std::string_view body = file.substr(kIndexHeaderSize);
  std::vector<MailRecord> records(header->count);
  if (!records.empty()) std::memcpy(records.data(), body.data(), records.size() * sizeof(MailRecord));
  return decode_index_body(*header, std::move(records), std::string(body.substr(header->count * sizeof(MailRecord))));
}

}  // namespace umaya::mailbox
