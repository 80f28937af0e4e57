// NAME    name - domain names in wire form
//
// SYNOPSIS
//     Name origin = *Name::from_text("example.org.");
//     Name host;  host.assign_text("mail", origin);      // mail.example.org.
//     host.text();                                       // "mail.example.org."
//
// DESCRIPTION
//     A Name is labels with their length octets and the root at the end, as in a message without compression (RFC
//     1035 3.1). The case of the letters is kept; comparing and hashing go by the lower-case form (RFC 4343).
//
// LIMITS  255 octets for a name, 63 for a label.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::named {

inline constexpr size_t kMaxName = 255;
inline constexpr size_t kMaxLabel = 63;

/// What is wrong with a name in text form.
enum class NameError : unsigned char { none, empty_label, label_too_long, name_too_long, bad_escape };
/// "a label is longer than 63 octets" and so on.
std::string_view describe(NameError error);

class Name {
 public:
  /// The root.
  Name() { bytes_[0] = 0; }
  /// From "mail.example.org." or, without the final dot, the same name: relative to the root.
  static Result<Name> from_text(std::string_view text);
  /// From wire form that is known to be valid.
  static Name from_wire(std::string_view wire);

  /// Text of a zone file: `@` is the origin, no final dot means relative to it, \. and \DDD are escapes.
  NameError assign_text(std::string_view text, const Name& origin);

  std::string_view wire() const { return {bytes_.data(), size_}; }
  size_t size() const { return size_; }
  bool is_root() const { return size_ == 1; }
  /// "mail.example.org.", with the escapes of a zone file; "." for the root.
  std::string text() const;
  /// The same name with its letters in lower case.
  Name lower() const;

 private:
  uint8_t size_ = 1;
  std::array<char, kMaxName> bytes_;
};

/// Text form of a name in wire form (see Name::text).
std::string name_text(std::string_view wire);
/// Without the first label; the root has no parent and gives itself.
std::string_view parent_of(std::string_view wire);
/// Number of labels, the root not counted.
size_t label_count(std::string_view wire);
/// Equal without regard to case.
bool same_name(std::string_view a, std::string_view b);
/// Octets of the uncompressed name (RFC 1035 3.1) with which these octets begin, its root included; 0 when none does.
size_t wire_name_size(std::string_view octets);
/// The same name, or below it.
bool is_at_or_below(std::string_view name, std::string_view ancestor);
/// Copies with letters in lower case. Length octets are at most 63, so they are never mistaken for letters.
inline void copy_lower(char* to, const char* from, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    auto c = static_cast<unsigned char>(from[i]);
    to[i] = static_cast<char>(c + (static_cast<unsigned char>(c - 'A') < 26 ? 32 : 0));
  }
}

/// A name in wire form, with letters in lower case.
inline std::string lower_of(std::string_view wire) {
  std::string lower(wire.size(), '\0');
  copy_lower(lower.data(), wire.data(), wire.size());
  return lower;
}

/// Hashes of a lower-case name and of every ancestor in one pass from the root downwards.
class SuffixHashes {
 public:
  /// name: lower case, wire form; it must outlive this object.
  SuffixHashes(std::string_view name, uint64_t seed);
  /// Labels without the root.
  size_t labels() const { return labels_; }
  /// The ancestor with this many labels (labels() = the name itself, 0 = the root).
  std::string_view suffix(size_t labels) const { return name_.substr(starts_[labels_ - labels]); }
  uint64_t hash(size_t labels) const { return hashes_[labels]; }
  /// The hash of the name that a label, length octet included, makes with a parent of this hash.
  static uint64_t child(uint64_t parent, std::string_view label);

 private:
  std::string_view name_;
  size_t labels_ = 0;
  std::array<uint8_t, 128> starts_;
  std::array<uint64_t, 128> hashes_;
};

}  // namespace umaya::named
