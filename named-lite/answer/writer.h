// NAME    writer - composes one answer
//
// DESCRIPTION
//     Records come out of an image with their owner and names pointing to offset 12. When the owner is the question
//     itself, a set is copied as it stands. Otherwise the owner pointer is replaced and the names in the data are
//     moved: what they share with the question becomes a pointer into it, the rest is written out. A set may begin with
//     any of its records and goes round.
//
// ERRORS
//     A set that does not fit is not begun: append() is false and nothing was written.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "named-lite/answer/query.h"
#include "named-lite/dns/extended_error.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

enum class Section : unsigned char { answer, authority, additional };

class Writer {
 public:
  static constexpr size_t kHeader = 12;
  static constexpr size_t kOptSize = 11;
  static constexpr size_t kSmallest = 512;  // octets that every client takes

  /// out: at least 512 octets. limit: of the whole message, the OPT record included. options: what that record holds,
  /// in wire form; left out when the question had none.
  Writer(const Query& query, std::string_view packet, std::span<char> out, size_t limit, std::string_view options = {});

  /// Name pointer for an owner at this offset of the message.
  static uint16_t pointer_to(size_t offset) { return static_cast<uint16_t>(0xC000 | offset); }
  /// Pointer to the ancestor of the question's name that is size octets long.
  uint16_t suffix_pointer(size_t size) const { return pointer_to(kHeader + query_.name.size() - size); }
  size_t position() const { return at_; }

  /// Adds a set of a node under an owner that is a pointer, beginning with record `first`. The data were compiled for
  /// node.
  bool append(Section section, const ZoneImage& image, const Node& node, const RrsetEntry& entry, uint16_t owner,
              size_t first = 0);
  /// Adds one CNAME record whose target is written out; ttl in network order. Gives the offset of the target, 0 when it
  /// does not fit.
  size_t append_cname(uint16_t owner, std::string_view ttl, std::string_view target);
  /// Adds a TXT record of a class with TTL 0 under the question's name (RFC 1035 3.3.14); text: at most 255 octets.
  bool append_text(uint16_t cls, std::string_view text);
  /// Offset of the target name in the data of the record that begins here.
  static size_t data_offset(size_t record) { return record + 12; }
  /// Lowers the TTL of the record that was just written at this offset.
  void set_ttl(size_t record, uint32_t ttl);
  /// Octets of the record that begins at data[at], whose owner is a pointer.
  static size_t record_size(std::string_view data, size_t at) {
    return 12 + (static_cast<size_t>(static_cast<unsigned char>(data[at + 10])) << 8 |
                 static_cast<unsigned char>(data[at + 11]));
  }
  /// Offset of the record behind the one that begins here.
  size_t next_record(size_t record) const { return record + record_size({out_.data(), out_.size()}, record); }
  /// Offset of what is left of the name at this offset without its first labels.
  size_t suffix_offset(size_t name, size_t labels) const;
  /// Takes everything behind the question away and sets TC.
  void truncate();
  /// Sets TC and keeps what is there.
  void mark_truncated() { truncated_ = true; }

  /// What is left for records.
  std::span<char> room() { return out_.subspan(at_, limit_ - at_); }
  /// So many octets of room() hold finished records, so many of each section.
  void take_body(const uint16_t (&counts)[3], size_t size) {
    at_ += size;
    for (size_t i = 0; i < 3; ++i) counts_[i] = counts[i];
  }

  void set_authoritative(bool on) { authoritative_ = on; }
  void set_recursion_available(bool on) { recursion_available_ = on; }
  void set_authentic(bool on) { authentic_ = on; }
  void set_rcode(uint16_t rcode) { rcode_ = rcode; }
  /// Written when the question had an OPT record and there is room.
  void set_extended_error(uint16_t code) { extended_error_ = code; }
  /// Writes header and OPT; returns the size of the message.
  size_t finish();

  /// Expands the name at this offset of the message into wire form; false when it is too long.
  bool expand(size_t offset, Name& name) const;

 private:
  bool append_moved(const ZoneImage& image, const Node& node, const RrsetEntry& entry, size_t turn, uint16_t owner);
  void write_opt();
  bool move_name(std::string_view data, size_t& at, std::string_view owner, size_t shared);
  bool put(std::string_view bytes) {
    if (bytes.size() > limit_ - at_) return false;
    std::memcpy(out_.data() + at_, bytes.data(), bytes.size());
    at_ += bytes.size();
    return true;
  }
  void be16(size_t at, uint16_t value) {
    out_[at] = static_cast<char>(value >> 8);
    out_[at + 1] = static_cast<char>(value);
  }

  const Query& query_;
  std::span<char> out_;
  std::string_view options_;
  size_t whole_limit_;
  size_t limit_;  // without the OPT record
  size_t at_ = kHeader;
  size_t body_ = kHeader;  // behind the question
  uint16_t counts_[3] = {0, 0, 0};
  uint16_t rcode_ = 0;
  uint16_t extended_error_ = extended_error::kNone;
  bool authoritative_ = false;
  bool truncated_ = false;
  bool recursion_available_ = false;
  bool authentic_ = false;
};

}  // namespace umaya::named
