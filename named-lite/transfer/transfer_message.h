// NAME    transfer_message - one message of a transfer while it is written
//
// DESCRIPTION
//     What messages of whole zones and of changes have in common: a buffer that is filled record by record, and
//     pointers to the names that stand in it. A record that does not fit is taken back as a whole.
//
// LIMITS  Names within the first 16 KiB can be pointed to.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "named-lite/config/transfer_conf.h"

namespace umaya::named {

class TransferMessage {
 public:
  /// head: header and question.
  TransferMessage(std::span<char> out, std::string_view head, TransferFormat format)
      : out_(out), most_(format == TransferFormat::one_answer ? 1 : UINT16_MAX) {
    put(head);
  }
  size_t size() const { return at_; }
  uint16_t count() const { return count_; }
  /// Writes the number of records into the header.
  void finish() {
    out_[6] = static_cast<char>(count_ >> 8);
    out_[7] = static_cast<char>(count_);
  }

 protected:
  static constexpr size_t kMostPointed = 0x4000;

  /// Calls write, which puts the parts of one record; false when the record does not fit, and nothing is added.
  template <class Write>
  bool add_record(Write write) {
    size_t before = at_;
    if (count_ < most_ && write()) {
      ++count_;
      return true;
    }
    at_ = before;
    if (owner_at_ >= before) owner_at_ = 0;
    return false;
  }
  bool put(std::string_view bytes) {
    if (bytes.size() > out_.size() - at_) return false;
    std::memcpy(out_.data() + at_, bytes.data(), bytes.size());
    at_ += bytes.size();
    return true;
  }
  bool put16(size_t value) {
    char octets[2] = {static_cast<char>(value >> 8), static_cast<char>(value)};
    return put({octets, 2});
  }
  bool put_pointer(size_t to) { return put16(0xC000 | to); }
  /// What is put now can be pointed to, or 0.
  size_t here() const { return at_ < kMostPointed ? at_ : 0; }

  std::span<char> out_;
  size_t at_ = 0;
  size_t owner_at_ = 0;  ///< where the owner of the last record stands; 0: out of a pointer's reach

 private:
  uint16_t most_;
  uint16_t count_ = 0;
};

}  // namespace umaya::named
