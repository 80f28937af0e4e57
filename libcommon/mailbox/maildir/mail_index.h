// NAME    mail_index - the binary list of a Maildir's messages (docs/maildir-index.md)
//
// SYNOPSIS
//     auto header = decode_index_header(first_bytes, size_of_file);     // nothing: damaged, or of another version
//     std::optional<MailIndex> index = decode_index(whole_file);
//     std::string bytes = encode_index(index);
//
// DESCRIPTION
//     A header, records of one size, and a heap with the names and unique ids. The header alone answers how many
//     messages there are and how large they are together. It tells for which state of the directories it holds.
//     Nothing in it is trusted: the file belongs to the user. Decoding checks the checksums and that every offset,
//     name, id and sum is what it can be; a message's name never leads out of its directory.
//
// ERRORS
//     Whatever is wrong gives nothing: the caller makes the index anew from the directories.
//
// LIMITS
//     As many messages as fit into the file; sizes up to 2^50 octets.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::mailbox {

/// What a directory or file was when it was read.
struct FileIdentity {
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  uint64_t inode = 0;  ///< 0: it was not there
  uint64_t size = 0;
  bool operator==(const FileIdentity&) const = default;
  static FileIdentity of(const struct stat& status);
};

/// States of IndexHeader::state.
enum IndexState : uint32_t {
  kNewUnsettled = 1,  ///< new/ was changed so shortly before it was read that a later change may not show
  kCurUnsettled = 2,  ///< the same of cur/
  kForeignLines = 4,  ///< dovecot-uidlist has lines that we did not write
};

struct IndexHeader {
  uint32_t uid_validity = 0;
  uint32_t next_uid = 1;
  uint32_t count = 0;
  uint32_t unknown_sizes = 0;  ///< messages whose size on the wire is not known
  uint64_t total_size = 0;     ///< of the others
  uint64_t heap_size = 0;
  uint32_t records_checksum = 0;
  uint32_t heap_checksum = 0;
  uint64_t highest_modseq = 0;
  uint32_t format_mark = 0;  ///< checksum of the settings that the unique ids came from
  uint32_t state = 0;        ///< IndexState
  uint32_t list_lines = 0;   ///< lines in dovecot-uidlist
  FileIdentity fresh, current, uidlist;
};

/// Flags of a record besides those of the name (MailFlag).
constexpr uint32_t kInNew = 64;     ///< the file is in new/
constexpr uint32_t kFixedId = 128;  ///< the unique id stands in dovecot-uidlist

constexpr uint64_t kUnknownSize = UINT64_MAX;

/// As it stands in the file.
struct MailRecord {
  uint32_t uid = 0;
  uint32_t flags = 0;  ///< MailFlag, kInNew, kFixedId
  uint64_t wire_size = kUnknownSize;
  uint64_t file_size = kUnknownSize;
  int64_t received = 0;  ///< seconds; 0: not known
  uint64_t modseq = 0;
  uint32_t keywords = 0;  ///< bit 0: a, … bit 25: z
  uint32_t name_offset = 0;
  uint32_t id_offset = 0;
  uint16_t name_length = 0;
  uint16_t id_length = 0;
  uint32_t order = 0;  ///< place in POP3 that dovecot-uidlist asks for; 0: behind those, by uid
  uint32_t reserved = 0;
};
static_assert(sizeof(MailRecord) == 64);

struct MailIndex {
  IndexHeader header;
  std::vector<MailRecord> records;
  std::string heap;

  std::string_view name(size_t i) const { return {heap.data() + records[i].name_offset, records[i].name_length}; }
  std::string_view unique_id(size_t i) const { return {heap.data() + records[i].id_offset, records[i].id_length}; }
  /// Adds a message; an id that the name begins with takes no room of its own.
  void add(MailRecord record, std::string_view name, std::string_view unique_id);
  /// Whether the other says the same, and of the same state of the directories.
  bool same_as(const MailIndex& other) const;
  /// Brings the sums of the header up to date with the records.
  void count_sizes();
};

constexpr size_t kIndexHeaderSize = 192;

std::optional<IndexHeader> decode_index_header(std::string_view begin, uint64_t file_size);
/// The records and the heap, the rest of a file whose header is this.
std::optional<MailIndex> decode_index_body(const IndexHeader& header, std::vector<MailRecord> records,
                                           std::string heap);
std::optional<MailIndex> decode_index(std::string_view file);
std::string encode_index_header(const IndexHeader& header);
/// Sets the checksums and sums in the header of the argument, too.
std::string encode_index(MailIndex& index);

}  // namespace umaya::mailbox
