// NAME    writer - composes one answer
//
// DESCRIPTION
//     Records come out of an image with their owner and names pointing to offset 12. When the owner is the question
//     itself, a set is copied as it stands. Otherwise the owner pointer is replaced and the names in the data are
//     moved: what they share with the question becomes a pointer into it, the rest is written out.
//
// ERRORS
//     A set that does not fit is not begun: append() is false and nothing was written.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "named-lite/answer/query.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

enum class Section : unsigned char { answer, authority, additional };

class Writer {
 public:
  static constexpr size_t kHeader = 12;
  static constexpr size_t kOptSize = 11;

  /// out: at least 512 octets. limit: of the whole message, the OPT record included.
  Writer(const Query& query, std::string_view packet, std::span<char> out, size_t limit);

  /// Name pointer for an owner at this offset of the message.
  static uint16_t pointer_to(size_t offset) { return static_cast<uint16_t>(0xC000 | offset); }
  /// Pointer to the ancestor of the question's name that is size octets long.
  uint16_t suffix_pointer(size_t size) const { return pointer_to(kHeader + query_.name.size() - size); }
  size_t position() const { return at_; }

  /// Adds a set of a node under an owner that is a pointer. The data were compiled for node.
  bool append(Section section, const ZoneImage& image, const Node& node, const RrsetEntry& entry, uint16_t owner);
  /// Adds one CNAME record whose target is written out; gives the offset of the target, 0 when it does not fit.
  size_t append_cname(uint16_t owner, uint32_t ttl, std::string_view target);
  /// Offset of the target name in the data of the record that begins here.
  static size_t data_offset(size_t record) { return record + 12; }
  /// Lowers the TTL of the record that was just written at this offset.
  void set_ttl(size_t record, uint32_t ttl);
  uint32_t ttl_of(size_t record) const;
  /// Offset of the record behind the one that begins here.
  size_t next_record(size_t record) const {
    return record + 12 +
           (static_cast<size_t>(static_cast<unsigned char>(out_[record + 10])) << 8 |
            static_cast<unsigned char>(out_[record + 11]));
  }
  /// Offset of what is left of the name at this offset without its first labels.
  size_t suffix_offset(size_t name, size_t labels) const;
  /// Takes everything behind the question away and sets TC.
  void truncate();

  void set_authoritative(bool on) { authoritative_ = on; }
  void set_rcode(uint16_t rcode) { rcode_ = rcode; }
  /// Writes header and OPT; returns the size of the message.
  size_t finish();

  /// Expands the name at this offset of the message into wire form, lower case; false when it is too long.
  bool expand(size_t offset, Name& name) const;

 private:
  bool append_moved(const ZoneImage& image, const Node& node, const RrsetEntry& entry, uint16_t owner);
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
  size_t limit_;  // without the OPT record
  size_t at_ = kHeader;
  size_t body_ = kHeader;  // behind the question
  uint16_t counts_[3] = {0, 0, 0};
  uint16_t rcode_ = 0;
  bool authoritative_ = false;
  bool truncated_ = false;
};

}  // namespace umaya::named
