// NAME    strings - the string helpers that the standard library lacks
//
// DESCRIPTION
//     ASCII only and independent of the locale, as protocols need it. Views borrow from their argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace umaya {

inline char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
inline char ascii_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
inline bool ascii_digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool ascii_alpha(char c) {
  return (c | 32) >= 'a' && (c | 32) <= 'z';
}
inline bool ascii_alnum(char c) {
  return ascii_digit(c) || ascii_alpha(c);
}
inline bool ascii_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
inline bool ascii_print(char c) {
  return c >= ' ' && c < 127;
}

std::string to_lower(std::string_view s);
std::string to_upper(std::string_view s);
/// Equal without regard to ASCII case.
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view s, std::string_view prefix);
bool iends_with(std::string_view s, std::string_view suffix);
/// Without ASCII white space at both ends.
std::string_view trim(std::string_view s);
/// Non-empty pieces between any of the separator characters.
std::vector<std::string_view> split(std::string_view s, std::string_view separators);
/// Postfix list syntax: pieces separated by comma or white space; { … } groups stay whole, with their braces.
std::vector<std::string_view> split_list(std::string_view s);
/// The whole of s as a decimal number; nothing if it is not one or too large.
std::optional<uint64_t> parse_uint(std::string_view s);
std::optional<int64_t> parse_int(std::string_view s);
/// Bytes that are not printable ASCII become '?' (Postfix's log rule); UTF-8 is kept when asked for and valid.
std::string printable(std::string_view s, bool keep_utf8 = false);
/// Valid UTF-8 without overlong forms and surrogates (RFC 3629).
bool valid_utf8(std::string_view s);
bool is_ascii(std::string_view s);
std::string hex_encode(std::string_view bytes);
std::optional<std::string> hex_decode(std::string_view text);
/// RFC 4648 section 4; decoding refuses anything but canonical padded text.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

/// For unordered_map<string, …> that is searched by string_view.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};
template <class T>
using StringMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

}  // namespace umaya
