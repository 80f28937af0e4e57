#include "libcommon/smtp/dsn.h"

#include <algorithm>
#include <vector>

#include "libcommon/base/strings.h"

namespace umaya::smtp {

static size_t digits(std::string_view s) {
  size_t n = 0;
  while (n < s.size() && ascii_digit(s[n])) ++n;
  return n >= 1 && n <= 3 ? n : 0;
}

size_t dsn_length(std::string_view text) {
  if (text.size() < 5 || text[1] != '.' || (text[0] != '2' && text[0] != '4' && text[0] != '5')) return 0;
  size_t subject = digits(text.substr(2));
  size_t dot = 2 + subject;
  if (subject == 0 || dot >= text.size() || text[dot] != '.') return 0;
  size_t detail = digits(text.substr(dot + 1));
  size_t end = dot + 1 + detail;
  if (detail == 0 || (end < text.size() && !ascii_space(text[end]))) return 0;
  return end;
}

DsnText split_dsn(std::string_view text, std::string_view fallback) {
  while (!text.empty() && ascii_space(text.front())) text.remove_prefix(1);
  size_t n = dsn_length(text);
  if (n == 0) return {fallback, text};
  std::string_view rest = text.substr(n);
  while (!rest.empty() && ascii_space(rest.front())) rest.remove_prefix(1);
  return {text.substr(0, n), rest};
}

std::string dsn_with_class(std::string_view dsn, char new_class) {
  std::string out(dsn);
  if (!out.empty()) out[0] = new_class;
  return out;
}

static bool xchar(char c) {
  return c > ' ' && c < 127 && c != '+' && c != '=';
}

std::string xtext_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (xchar(c)) {
      out.push_back(c);
    } else {
      out.append({'+', kHex[static_cast<unsigned char>(c) >> 4], kHex[c & 15]});
    }
  }
  return out;
}

std::optional<std::string> xtext_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (xchar(text[i])) {
      out.push_back(text[i]);
      continue;
    }
    if (text[i] != '+' || i + 2 >= text.size()) return {};
    auto byte = hex_decode(text.substr(i + 1, 2));
    if (!byte || static_cast<unsigned char>((*byte)[0]) < ' ' || (*byte)[0] == 127) return {};
    out.append(*byte);
    i += 2;
  }
  return out;
}

static bool append_utf8(std::string& out, uint32_t point) {
  if (point < ' ' || point == 127 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
  auto byte = [&](uint32_t b) { out.push_back(static_cast<char>(b)); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0 | point >> 6);
    byte(0x80 | (point & 63));
  } else if (point < 0x10000) {
    byte(0xe0 | point >> 12);
    byte(0x80 | (point >> 6 & 63));
    byte(0x80 | (point & 63));
  } else {
    byte(0xf0 | point >> 18);
    byte(0x80 | (point >> 12 & 63));
    byte(0x80 | (point >> 6 & 63));
    byte(0x80 | (point & 63));
  }
  return true;
}

/// "\x{HEX}" at the front of text: appends it and gives its length, 0 when malformed.
static size_t take_escape(std::string_view text, std::string& out) {
  if (!text.starts_with("\\x{")) return 0;
  size_t close = text.find('}');
  if (close == std::string_view::npos || close < 4 || close > 9) return 0;
  uint32_t point = 0;
  for (char c : text.substr(3, close - 3)) {
    if (!ascii_digit(c) && !(ascii_upper(c) >= 'A' && ascii_upper(c) <= 'F')) return 0;
    point = point * 16 + (ascii_digit(c) ? c - '0' : ascii_upper(c) - 'A' + 10);
  }
  return append_utf8(out, point) ? close + 1 : 0;
}

std::optional<std::string> unitext_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '\\') {
      size_t n = take_escape(text.substr(i), out);
      if (n == 0) return {};
      i += n;
    } else if (static_cast<unsigned char>(text[i]) >= 0x80 || xchar(text[i])) {
      out.push_back(text[i++]);
    } else {
      return {};
    }
  }
  if (!valid_utf8(out)) return {};
  return out;
}

std::optional<uint8_t> parse_notify(std::string_view value) {
  uint8_t bits = 0;
  while (true) {
    size_t comma = value.find(',');
    std::string_view word = value.substr(0, comma);
    uint8_t bit = iequals(word, "NEVER")     ? kNotifyNever
                  : iequals(word, "SUCCESS") ? kNotifySuccess
                  : iequals(word, "FAILURE") ? kNotifyFailure
                  : iequals(word, "DELAY")   ? kNotifyDelay
                                             : kNotifyNone;
    if (bit == 0) return {};
    bits |= bit;
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  if ((bits & kNotifyNever) && bits != kNotifyNever) return {};
  return bits;
}

std::string format_notify(uint8_t notify) {
  if (notify & kNotifyNever) return "NEVER";
  std::string out;
  auto add = [&](uint8_t bit, std::string_view word) {
    if (!(notify & bit)) return;
    if (!out.empty()) out.push_back(',');
    out.append(word);
  };
  add(kNotifySuccess, "SUCCESS");
  add(kNotifyFailure, "FAILURE");
  add(kNotifyDelay, "DELAY");
  return out;
}

std::optional<Ret> parse_ret(std::string_view value) {
  if (iequals(value, "FULL")) return Ret::full;
  if (iequals(value, "HDRS")) return Ret::headers;
  return {};
}

std::optional<Orcpt> parse_orcpt(std::string_view value) {
  size_t semicolon = value.find(';');
  if (value.size() > 500 || semicolon == 0 || semicolon == std::string_view::npos) return {};
  std::string_view type = value.substr(0, semicolon);
  if (!std::all_of(type.begin(), type.end(), [](char c) { return ascii_alnum(c) || c == '-'; })) return {};
  std::string_view text = value.substr(semicolon + 1);
  auto address = iequals(type, "utf-8") ? unitext_decode(text) : xtext_decode(text);
  if (!address || address->empty()) return {};
  return Orcpt{std::string(type), std::move(*address)};
}

std::string format_orcpt(std::string_view type, std::string_view address) {
  return std::string(type).append(";").append(xtext_encode(address));
}

}  // namespace umaya::smtp
