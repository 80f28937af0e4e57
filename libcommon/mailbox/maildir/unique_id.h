// NAME    unique_id - the forms of UIDL that POP3 servers give their messages
//
// SYNOPSIS
//     UMAYA_TRY(UniqueIdFormat format, UniqueIdFormat::parse("%08Xu%08Xv", UniqueIdFormat::Name::base));
//     format.make({.uid = 1, .uid_validity = 0x6b0269e3, .file_name = name});      // "000000016b0269e3"
//
// DESCRIPTION
//     Letters behind %: u (uid), v (uid validity), f (file name), g (GUID, which in a Maildir is the file name), % (a
//     percent sign). Between them a width, with a leading 0 for zeros, and X for hexadecimal; L and U choose the case.
//     "%{uid}", "%{uidvalidity}", "%{filename}" and "%{guid}" are the same, with "|hex" or "|hex(8)" behind, as in
//     later versions of Dovecot.
//
//     What POP3 cannot carry (RFC 1939 section 7: 1 to 70 octets from ! to ~) becomes a digest of the file name.
//
// ERRORS
//     parse(): a letter that is not known, or a format without u, f or g, which would give all messages the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::mailbox {

constexpr size_t kMostUniqueId = 70;

/// 1 to 70 octets from ! to ~.
bool is_unique_id(std::string_view text);

class UniqueIdFormat {
 public:
  /// What f stands for: the base of the name, or only what comes before its first comma.
  enum class Name : uint8_t { base, id };
  struct Message {
    uint32_t uid = 0;
    uint32_t uid_validity = 0;
    std::string_view file_name{};
  };

  static Result<UniqueIdFormat> parse(std::string_view format, Name name);
  std::string make(const Message& message) const;
  /// Whether an id depends on the uid, so that messages without one have none.
  bool needs_uid() const;

 private:
  enum class Value : uint8_t { literal, uid, uid_validity, file_name };
  struct Piece {
    Value value = Value::literal;
    uint8_t width = 0;
    bool zeros = false, hex = false, upper = false;
    std::string text{};
  };
  explicit UniqueIdFormat(Name name) : name_(name) {}
  Result<void> add_short(std::string_view format, size_t& at);
  Result<void> add_long(std::string_view inside);
  void add_literal(char c);

  Name name_;
  std::vector<Piece> pieces_;
};

}  // namespace umaya::mailbox
