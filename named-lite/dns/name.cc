#include "named-lite/dns/name.h"

#include "libcommon/base/strings.h"

namespace umaya::named {

std::string_view describe(NameError error) {
  switch (error) {
    case NameError::none:
      return "no error";
    case NameError::empty_label:
      return "two dots follow each other or the name begins with a dot";
    case NameError::label_too_long:
      return "a label is longer than 63 octets";
    case NameError::name_too_long:
      return "the name is longer than 255 octets";
    case NameError::bad_escape:
      return "\\ must be followed by a character or by three digits up to 255";
  }
  return "";
}

namespace {

/// The character that an escape stands for, from text[at] = the one after the backslash; -1 when malformed.
int unescape(std::string_view text, size_t& at) {
  if (at >= text.size()) return -1;
  if (!ascii_digit(text[at])) return static_cast<unsigned char>(text[at++]);
  if (at + 3 > text.size() || !ascii_digit(text[at + 1]) || !ascii_digit(text[at + 2])) return -1;
  int value = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
  at += 3;
  return value > 255 ? -1 : value;
}

uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15ull;

/// Adds one label, length octet included, to the hash of its parent.
uint64_t hash_label(uint64_t hash, const char* label, size_t size) {
  for (; size >= 8; size -= 8, label += 8) {
    uint64_t word;
    std::memcpy(&word, label, 8);
    hash = mix(hash ^ word, kMultiplier);
  }
  uint64_t rest = 0;
  std::memcpy(&rest, label, size);
  return mix(hash ^ rest ^ (static_cast<uint64_t>(size) << 59), kMultiplier + 2);
}

}  // namespace

Result<Name> Name::from_text(std::string_view text) {
  Name name;
  if (NameError error = name.assign_text(text, Name()); error != NameError::none) {
    return permanent("bad domain name \"" + std::string(text) + "\": " + std::string(describe(error)));
  }
  return name;
}

Name Name::from_wire(std::string_view wire) {
  Name name;
  name.size_ = static_cast<uint8_t>(wire.size());
  std::memcpy(name.bytes_.data(), wire.data(), wire.size());
  return name;
}

NameError Name::assign_text(std::string_view text, const Name& origin) {
  if (text == "@") {
    *this = origin;
    return NameError::none;
  }
  size_ = 1;
  bytes_[0] = 0;
  if (text == ".") return NameError::none;
  if (text.empty()) return NameError::empty_label;
  size_t start = 0;  // of the open label's length octet
  size_t end = 1;    // first free octet
  bool absolute = false;
  for (size_t at = 0; at < text.size();) {
    char c = text[at++];
    if (c == '.') {
      if (end == start + 1) return NameError::empty_label;
      bytes_[start] = static_cast<char>(end - start - 1);
      start = end++;
      absolute = at == text.size();
      if (end > kMaxName) return NameError::name_too_long;
      continue;
    }
    if (c == '\\') {
      int value = unescape(text, at);
      if (value < 0) return NameError::bad_escape;
      c = static_cast<char>(value);
    }
    if (end - start > kMaxLabel) return NameError::label_too_long;
    if (end >= kMaxName) return NameError::name_too_long;
    bytes_[end++] = c;
  }
  if (absolute) {
    bytes_[start] = 0;
    size_ = static_cast<uint8_t>(end);
    return NameError::none;
  }
  bytes_[start] = static_cast<char>(end - start - 1);
  if (end + origin.size_ > kMaxName) return NameError::name_too_long;
  std::memcpy(bytes_.data() + end, origin.bytes_.data(), origin.size_);
  size_ = static_cast<uint8_t>(end + origin.size_);
  return NameError::none;
}

std::string Name::text() const {
  return name_text(wire());
}

Name Name::lower() const {
  Name name;
  name.size_ = size_;
  copy_lower(name.bytes_.data(), bytes_.data(), size_);
  return name;
}

std::string name_text(std::string_view wire) {
  if (wire.size() <= 1) return ".";
  std::string text;
  for (size_t at = 0; at < wire.size() && wire[at] != 0;) {
    size_t length = static_cast<unsigned char>(wire[at++]);
    for (size_t i = 0; i < length && at < wire.size(); ++i, ++at) {
      char c = wire[at];
      if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')' || c == '@' || c == '$') {
        text += '\\';
        text += c;
      } else if (c > ' ' && c < 127) {
        text += c;
      } else {
        auto value = static_cast<unsigned char>(c);
        text += '\\';
        text += static_cast<char>('0' + value / 100);
        text += static_cast<char>('0' + value / 10 % 10);
        text += static_cast<char>('0' + value % 10);
      }
    }
    text += '.';
  }
  return text;
}

std::string_view parent_of(std::string_view wire) {
  return wire.size() <= 1 ? wire : wire.substr(1 + static_cast<unsigned char>(wire[0]));
}

size_t label_count(std::string_view wire) {
  size_t count = 0;
  for (; wire.size() > 1; wire = parent_of(wire)) ++count;
  return count;
}

bool same_name(std::string_view a, std::string_view b) {
  return iequals(a, b);
}

bool is_at_or_below(std::string_view name, std::string_view ancestor) {
  while (name.size() > ancestor.size()) name = parent_of(name);
  return same_name(name, ancestor);
}

SuffixHashes::SuffixHashes(std::string_view name, uint64_t seed) : name_(name) {
  for (size_t at = 0; at < name.size() && labels_ < 127; at += 1 + static_cast<unsigned char>(name[at])) {
    starts_[labels_] = static_cast<uint8_t>(at);
    if (name[at] == 0) break;
    ++labels_;
  }
  if (!name.empty()) starts_[labels_] = static_cast<uint8_t>(name.size() - 1);  // the root, behind 127 labels, too
  uint64_t hash = seed;
  hashes_[0] = hash;
  for (size_t i = 1; i <= labels_; ++i) {
    size_t start = starts_[labels_ - i];
    hash = hash_label(hash, name.data() + start, 1 + static_cast<unsigned char>(name[start]));
    hashes_[i] = hash;
  }
}

uint64_t SuffixHashes::child(uint64_t parent, std::string_view label) {
  return hash_label(parent, label.data(), label.size());
}

size_t wire_name_size(std::string_view octets) {
  size_t at = 0;
  while (at < octets.size() && at < kMaxName) {
    auto length = static_cast<unsigned char>(octets[at]);
    if (length > kMaxLabel) return 0;
    at += 1 + size_t{length};
    if (length == 0) return at;
  }
  return 0;
}

}  // namespace umaya::named
