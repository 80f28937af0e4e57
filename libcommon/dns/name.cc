#include "libcommon/dns/name.h"

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::dns {

namespace {

constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxName = 255;

// One byte of a label in text form, which may be escaped; position moves behind it.
std::optional<char> text_byte(std::string_view text, size_t& position) {
  char c = text[position++];
  if (c != '\\') return c;
  if (position >= text.size()) return std::nullopt;
  if (!ascii_digit(text[position])) return text[position++];
  auto value = parse_uint(text.substr(position, 3));
  if (!value || *value > 255 || position + 3 > text.size()) return std::nullopt;
  position += 3;
  return static_cast<char>(*value);
}

void append_text_byte(std::string& out, char c) {
  if (ascii_alnum(c) || c == '-' || c == '_') {
    out += c;
  } else if (ascii_print(c) && c != ' ') {
    if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')' || c == '@' || c == '$') out += '\\';
    out += c;
  } else {
    auto byte = static_cast<unsigned char>(c);
    out += {'\\', static_cast<char>('0' + byte / 100), static_cast<char>('0' + byte / 10 % 10),
            static_cast<char>('0' + byte % 10)};
  }
}

}  // namespace

bool append_name(std::string& wire, std::string_view text) {
  const size_t start = wire.size();
  if (text == ".") text = {};
  for (size_t position = 0; position < text.size();) {
    const size_t length_at = wire.size();
    wire += '\0';
    while (position < text.size() && text[position] != '.') {
      auto c = text_byte(text, position);
      if (!c) return false;
      wire += *c;
    }
    if (position < text.size()) ++position;  // the dot
    const size_t length = wire.size() - length_at - 1;
    if (length == 0 || length > kMaxLabel || wire.size() - start >= kMaxName) return false;
    wire[length_at] = static_cast<char>(length);
  }
  wire += '\0';
  return wire.size() - start <= kMaxName;
}

std::optional<std::string> read_name(std::string_view message, size_t& position) {
  std::string out;
  size_t at = position;
  size_t limit = message.size();  // a pointer must lead below the place of the part that has it
  size_t wire_length = 1;
  bool jumped = false;
  size_t part_start = at;
  for (;;) {
    if (at >= message.size()) return std::nullopt;
    auto length = static_cast<unsigned char>(message[at++]);
    if (length == 0) break;
    if ((length & 0xc0) == 0xc0) {
      if (at >= message.size()) return std::nullopt;
      size_t target = (static_cast<size_t>(length & 0x3f) << 8) | static_cast<unsigned char>(message[at++]);
      if (!jumped) position = at;
      jumped = true;
      if (target >= std::min(part_start, limit)) return std::nullopt;
      limit = part_start = at = target;
      continue;
    }
    if (length > kMaxLabel || length > message.size() - at) return std::nullopt;
    wire_length += length + 1u;
    if (wire_length > kMaxName) return std::nullopt;
    if (!out.empty()) out += '.';
    for (char c : message.substr(at, length)) append_text_byte(out, c);
    at += length;
  }
  if (!jumped) position = at;
  if (out.empty()) out.push_back('.');
  return out;
}

bool valid_hostname(std::string_view name) {
  if (name.empty() || name.size() > kMaxName - 2) return false;
  bool letters = false;
  size_t label = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (c == '.') {
      if (label == 0 || name[i - 1] == '-') return false;
      label = 0;
      continue;
    }
    if (!ascii_alnum(c) && c != '-' && c != '_') return false;
    if (c == '-' && label == 0) return false;
    if (!ascii_digit(c)) letters = true;
    if (++label > kMaxLabel) return false;
  }
  return letters && label > 0 && name.back() != '-';
}

std::string canonical_name(std::string_view text) {
  if (text.size() > 1 && text.back() == '.' && text[text.size() - 2] != '\\') text.remove_suffix(1);
  return to_lower(text);
}

}  // namespace umaya::dns
