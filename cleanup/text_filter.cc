#include "cleanup/text_filter.h"

#include <cstring>

#include "libcommon/base/strings.h"

namespace umaya::cleanup {

TextFilter::TextFilter(const Options& options) : replace_stray_(options.replace_stray) {
  for (unsigned char c : options.strip) strip_.set(c);
  for (unsigned char c : options.reject) reject_.set(c);
  has_sets_ = strip_.any() || reject_.any();
}

Result<> TextFilter::strip_and_reject(std::string& bytes) const {
  size_t kept = 0;
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    if (reject_[byte]) return permanent("disallowed character", "5.7.1");
    if (!strip_[byte]) bytes[kept++] = c;
  }
  bytes.resize(kept);
  return {};
}

void TextFilter::replace_stray(std::string& bytes) {
  if (held_cr_) bytes.insert(bytes.begin(), '\r');
  held_cr_ = !bytes.empty() && bytes.back() == '\r';
  if (held_cr_) bytes.pop_back();
  char* const begin = bytes.data();
  char* const end = begin + bytes.size();
  // Every LF has a CR before it, every CR has an LF behind it: look from one LF to the next.
  char* at = begin;
  while (at < end) {
    char* lf = static_cast<char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
    char* stop = lf == nullptr ? end : lf;
    bool is_crlf = lf != nullptr && lf > at && lf[-1] == '\r';
    if (lf != nullptr && !is_crlf) *lf = ' ';
    char* text_end = is_crlf ? lf - 1 : stop;
    while (at < text_end) {
      char* cr = static_cast<char*>(std::memchr(at, '\r', static_cast<size_t>(text_end - at)));
      if (cr == nullptr) break;
      *cr = ' ';
      at = cr + 1;
    }
    at = lf == nullptr ? end : lf + 1;
  }
}

Result<> TextFilter::apply(std::string& bytes) {
  if (has_sets_) UMAYA_CHECK(strip_and_reject(bytes));
  if (replace_stray_) replace_stray(bytes);
  if (!eight_bit_) eight_bit_ = !is_ascii(bytes);
  if (!bytes.empty()) last_ = bytes.back();
  return {};
}

std::string TextFilter::finish() {
  if (held_cr_) return " \r\n";
  return last_ == '\n' ? std::string{} : std::string{"\r\n"};
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return permanent("a backslash at the end");
    constexpr std::string_view kLetters = "abfnrtv\\\"", kValues = "\a\b\f\n\r\t\v\\\"";
    if (size_t letter = kLetters.find(text[i]); letter != std::string_view::npos) {
      out += kValues[letter];
      continue;
    }
    const size_t begin = i;
    int value = 0, digits = 0;
    for (; digits < 3 && i < text.size() && text[i] >= '0' && text[i] <= '7'; ++digits, ++i) {
      value = value * 8 + (text[i] - '0');
    }
    if (digits == 0 || value > 255) {
      return permanent("unknown escape \\" + std::string(text.substr(begin, digits == 0 ? 1 : 3)));
    }
    out += static_cast<char>(value);
    --i;
  }
  return out;
}

}  // namespace umaya::cleanup
