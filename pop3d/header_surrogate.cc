#include "pop3d/header_surrogate.h"

#include <algorithm>
#include <array>

#include "libcommon/base/strings.h"

namespace umaya::pop3d {

namespace {

constexpr std::string_view kInvalidAddress = "invalid@internationalized-address.invalid";
constexpr size_t kWordOctets = 42;  // of UTF-8 in one encoded word: 75 characters with its frame (RFC 2047 section 2)

bool eight_bit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

/// The first n octets of UTF-8 at most, whole characters.
size_t whole_characters(std::string_view text, size_t n) {
  if (n >= text.size()) return text.size();
  while (n > 0 && (text[n] & 0xc0) == 0x80) --n;
  return n;
}

/// Encoded words, each on a line of its own but the first.
std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t n = whole_characters(text, kWordOctets);
    if (n == 0) n = 1;
    if (!out.empty()) out += "\n ";
    out += "=?utf-8?B?" + base64_encode(text.substr(0, n)) + "?=";
    text.remove_prefix(n);
  }
  return out;
}

/// Without line ends and doubled blanks.
std::string unfolded(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c != '\r' && c != '\n') out += c;
  }
  return std::string(trim(out));
}

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Free text: each run of words with 8-bit octets becomes encoded words, blanks between them included.
std::string surrogate_text(std::string_view value) {
  std::string out;
  for (size_t at = 0; at < value.size();) {
    size_t word = at;
    while (word < value.size() && blank(value[word])) ++word;
    auto end_of_word = [&](size_t i) {
      while (i < value.size() && !blank(value[i])) ++i;
      return i;
    };
    size_t end = end_of_word(word);
    if (!eight_bit(value.substr(word, end - word))) {
      out += value.substr(at, end - at);
      at = end;
      continue;
    }
    out += value.substr(at, word - at);
    for (size_t next = end; next < value.size();) {
      while (next < value.size() && blank(value[next])) ++next;
      size_t next_end = end_of_word(next);
      if (!eight_bit(value.substr(next, next_end - next))) break;
      end = next = next_end;
    }
    out += encoded_words(unfolded(value.substr(word, end - word)));
    at = end;
  }
  return out;
}

/// Takes a quoted string, comment or <address> apart: the index behind its end.
size_t skip_delimited(std::string_view value, size_t at) {
  const char open = value[at];
  const char close = open == '"' ? '"' : open == '(' ? ')' : '>';
  int depth = 1;
  for (size_t i = at + 1; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) {
      ++i;
    } else if (value[i] == close) {
      if (--depth == 0) return i + 1;
    } else if (value[i] == open && open == '(') {
      ++depth;
    }
  }
  return value.size();
}

std::string without_quoting(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

std::string surrogate_delimited(std::string_view piece) {
  if (!eight_bit(piece)) return std::string(piece);
  if (piece[0] == '<') return "<" + std::string(kInvalidAddress) + ">";
  std::string inner = unfolded(without_quoting(piece.substr(1, piece.size() - (piece.size() > 1 ? 2 : 1))));
  if (piece[0] == '(') return "(" + encoded_words(inner) + ")";
  return encoded_words(inner);
}

/// A run of words outside of quotes: the name before an address, or an address.
std::string surrogate_phrase(std::string_view piece) {
  if (!eight_bit(piece)) return std::string(piece);
  size_t first = 0, last = piece.size();
  while (first < last && blank(piece[first])) ++first;
  while (last > first && blank(piece[last - 1])) --last;
  std::string_view inner = piece.substr(first, last - first);
  std::string middle =
      inner.find('@') != std::string_view::npos ? std::string(kInvalidAddress) : encoded_words(unfolded(inner));
  return std::string(piece.substr(0, first)) + middle + std::string(piece.substr(last));
}

std::string surrogate_addresses(std::string_view value) {
  std::string out;
  for (size_t at = 0; at < value.size();) {
    constexpr std::string_view kStops = "\"(<,;:";
    size_t stop = std::min(value.find_first_of(kStops, at), value.size());
    // An address whose local part is quoted goes as a whole.
    if (stop < value.size() && value[stop] == '"') {
      size_t end = skip_delimited(value, stop);
      if (end < value.size() && value[end] == '@') {
        size_t behind = std::min(value.find_first_of(",;<( \t\r\n", end), value.size());
        std::string_view address = value.substr(stop, behind - stop);
        out += surrogate_phrase(value.substr(at, stop - at));
        out += eight_bit(address) ? kInvalidAddress : address;
        at = behind;
        continue;
      }
    }
    out += surrogate_phrase(value.substr(at, stop - at));
    if (stop == value.size()) break;
    if (value[stop] == ',' || value[stop] == ';' || value[stop] == ':') {
      out += value[stop];
      at = stop + 1;
      continue;
    }
    size_t end = skip_delimited(value, stop);
    if (out.ends_with("?=")) out += ' ';  // an encoded word stands for itself (RFC 2047 section 5)
    out += surrogate_delimited(value.substr(stop, end - stop));
    at = end;
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto u = static_cast<unsigned char>(c);
    if (ascii_alnum(c) || c == '-' || c == '.' || c == '_') {
      out += c;
    } else {
      out += {'%', kDigits[u >> 4], kDigits[u & 15]};
    }
  }
  return out;
}

/// One parameter of a MIME field, "; name=value", from its semicolon on.
std::string surrogate_parameter(std::string_view piece) {
  size_t equals = piece.find('=');
  if (!eight_bit(piece) || equals == std::string_view::npos || eight_bit(piece.substr(0, equals))) {
    return eight_bit(piece) ? std::string() : std::string(piece);
  }
  std::string_view value = trim(piece.substr(equals + 1));
  std::string plain = unfolded(value);
  if (plain.starts_with('"')) plain = without_quoting(plain.substr(1, plain.rfind('"') > 0 ? plain.rfind('"') - 1 : 0));
  std::string name(piece.substr(0, equals));
  if (name.ends_with('*')) name.pop_back();
  return name + "*=utf-8''" + percent_encoded(plain);
}

std::string surrogate_mime(std::string_view value) {
  std::string out;
  for (size_t at = 0; at < value.size();) {
    size_t end = at + (value[at] == ';' ? 1 : 0);
    while (end < value.size() && value[end] != ';') end = value[end] == '"' ? skip_delimited(value, end) : end + 1;
    std::string_view piece = value.substr(at, end - at);
    if (at == 0) {
      out += eight_bit(piece) ? " text/plain" : piece;
    } else {
      out += surrogate_parameter(piece);
    }
    at = end;
  }
  return out;
}

bool one_of(std::string_view name, std::string_view list) {
  for (std::string_view word : split(list, " ")) {
    if (iequals(word, name)) return true;
  }
  return false;
}

std::string surrogate_field(std::string_view field) {
  constexpr std::string_view kAddresses =
      "From Sender Reply-To To Cc Bcc Resent-From Resent-Sender Resent-To Resent-Cc Resent-Bcc Return-Path "
      "Delivered-To "
      "X-Original-To Disposition-Notification-To Errors-To";
  size_t colon = field.find(':');
  if (colon == std::string_view::npos || eight_bit(field.substr(0, colon))) return {};  // nothing that ASCII could say
  size_t end = field.size();
  while (end > colon + 1 && (field[end - 1] == '\n' || field[end - 1] == '\r')) --end;
  std::string_view name = trim(field.substr(0, colon)), value = field.substr(colon + 1, end - colon - 1);
  std::string text = one_of(name, kAddresses)                           ? surrogate_addresses(value)
                     : one_of(name, "Content-Type Content-Disposition") ? surrogate_mime(value)
                                                                        : surrogate_text(value);
  return std::string(field.substr(0, colon + 1)) + text + std::string(field.substr(end));
}

/// Behind the end of the line that at is in.
size_t next_line(std::string_view text, size_t at) {
  size_t lf = text.find('\n', at);
  return lf == std::string_view::npos ? text.size() : lf + 1;
}

}  // namespace

size_t header_size(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\n') return at + 1;
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') return at + 2;
    size_t lf = text.find('\n', at);
    if (lf == std::string_view::npos) return 0;
    at = lf + 1;
  }
  return 0;
}

bool needs_surrogate(std::string_view header) {
  return eight_bit(header) && valid_utf8(header);
}

std::string header_surrogate(std::string_view header) {
  std::string out;
  out.reserve(header.size() + header.size() / 2);
  for (size_t at = 0; at < header.size();) {
    size_t end = next_line(header, at);
    while (end < header.size() && (header[end] == ' ' || header[end] == '\t')) end = next_line(header, end);
    std::string_view field = header.substr(at, end - at);
    out += eight_bit(field) ? surrogate_field(field) : std::string(field);
    at = end;
  }
  return out;
}

}  // namespace umaya::pop3d
