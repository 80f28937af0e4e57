#include "named-lite/zone/scanner.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "libcommon/base/strings.h"

namespace umaya::named {

namespace {

constexpr size_t kMostTokens = 65536;

/// True for the characters that end a plain word.
constexpr auto kEndsWord = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 32; ++c) table[static_cast<size_t>(c)] = true;
  for (char c : {' ', ';', '(', ')', '"', '\\', '\x7f'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool ends_word(char c) {
  return kEndsWord[static_cast<unsigned char>(c)];
}

}  // namespace

const char* unescape(std::string_view raw, std::string& text) {
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      text += raw[i];
      continue;
    }
    if (++i >= raw.size()) return "a \\ at the end of the text";
    if (!ascii_digit(raw[i])) {
      text += raw[i];
      continue;
    }
    auto code = i + 3 <= raw.size() ? parse_uint(raw.substr(i, 3)) : std::nullopt;
    if (!code || *code > 255) return "\\ must be followed by a character or three digits up to 255";
    text += static_cast<char>(*code);
    i += 2;
  }
  return nullptr;
}

ZoneScanner::ZoneScanner(std::string_view text) : text_(text), at_(text.data()), end_(text.data() + text.size()) {
  if (text.starts_with("\xEF\xBB\xBF")) at_ += 3;  // a byte order mark that an editor left
}

void ZoneScanner::skip_line() {
  const void* newline = std::memchr(at_, '\n', static_cast<size_t>(end_ - at_));
  at_ = newline != nullptr ? static_cast<const char*>(newline) : end_;
}

void ZoneScanner::fault(Entry& entry, const char* what, const char* at) {
  if (entry.fault != nullptr) return;
  entry.fault = what;
  entry.fault_at = Token{std::string_view(at, at < end_ ? 1 : 0), line_, false};
}

void ZoneScanner::quoted(Entry& entry) {
  const char* open = at_++;
  const char* begin = at_;
  while (at_ < end_ && *at_ != '"' && *at_ != '\n') at_ += *at_ == '\\' && at_ + 1 < end_ && at_[1] != '\n' ? 2 : 1;
  if (at_ > end_) at_ = end_;
  if (at_ == end_ || *at_ != '"') {
    fault(entry, "the quote is not closed on this line: put a \" at the end of the text", open);
    return;
  }
  entry.tokens.push_back({std::string_view(begin, static_cast<size_t>(at_ - begin)), line_, true});
  ++at_;
}

void ZoneScanner::word(Entry& entry) {
  const char* begin = at_;
  while (at_ < end_) {
    while (at_ < end_ && !ends_word(*at_)) ++at_;
    if (at_ >= end_ || *at_ != '\\') break;
    at_ += at_ + 1 < end_ && at_[1] != '\n' ? 2 : 1;
  }
  entry.tokens.push_back({std::string_view(begin, static_cast<size_t>(at_ - begin)), line_, false});
}

/// An open parenthesis swallowed the rest of the file: go on at the next line that looks like a record.
void ZoneScanner::resume_after(const char* place, uint32_t line) {
  at_ = place;
  line_ = line;
  do {
    skip_line();
    if (at_ == end_) return;
    ++at_;
    ++line_;
  } while (at_ < end_ && (ends_word(*at_) || (*at_ >= '0' && *at_ <= '9')));
}

bool ZoneScanner::next(Entry& entry) {
  entry.tokens.clear();
  entry.fault = nullptr;
  const char* open_paren = nullptr;
  uint32_t open_line = 0;
  bool at_line_start = true;
  while (at_ < end_) {
    char c = *at_;
    if (at_line_start && entry.tokens.empty() && open_paren == nullptr) entry.blank_owner = c == ' ' || c == '\t';
    at_line_start = false;
    if (!ends_word(c) || c == '\\') {
      if (entry.tokens.empty()) entry.line = line_;
      word(entry);
      if (entry.tokens.size() > kMostTokens) fault(entry, "too many words in one record", at_ - 1);
      continue;
    }
    switch (c) {
      case ' ':
      case '\t':
      case '\r':
        ++at_;
        break;
      case ';':
        skip_line();
        break;
      case '"':
        if (entry.tokens.empty()) entry.line = line_;
        quoted(entry);
        break;
      case '(':
        if (open_paren != nullptr) fault(entry, "a second ( before the first is closed", at_);
        open_paren = at_++;
        open_line = line_;
        break;
      case ')':
        if (open_paren == nullptr) fault(entry, ") without a ( before it", at_);
        open_paren = nullptr;
        ++at_;
        break;
      case '\n':
        ++at_;
        ++line_;
        if (open_paren != nullptr) break;
        if (!entry.tokens.empty() || entry.fault != nullptr) return true;
        at_line_start = true;
        break;
      default:
        fault(entry, c == 0 ? "a NUL character" : "a control character", at_);
        ++at_;
        break;
    }
  }
  if (open_paren != nullptr) {
    line_ = open_line;
    entry.fault = nullptr;
    fault(entry, "( is never closed: put a ) behind the last value of this record", open_paren);
    resume_after(open_paren, open_line);
    return true;
  }
  return !entry.tokens.empty() || entry.fault != nullptr;
}

uint32_t ZoneScanner::column_of(const Token& token) const {
  const char* p = token.text.data();
  if (p == nullptr || p < text_.data() || p > end_) return 0;
  const char* start = p;
  while (start > text_.data() && start[-1] != '\n') --start;
  return static_cast<uint32_t>(p - start) + 1;
}

std::string_view ZoneScanner::line_of(const Token& token) const {
  const char* start = token.text.data();
  while (start > text_.data() && start[-1] != '\n') --start;
  const char* stop = start;
  bool in_quotes = false;
  while (stop < end_ && *stop != '\n' && (in_quotes || *stop != ';')) {
    if (*stop == '"') in_quotes = !in_quotes;
    stop += *stop == '\\' && stop + 1 < end_ && stop[1] != '\n' ? 2 : 1;
  }
  while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r')) --stop;
  return {start, static_cast<size_t>(stop - start)};
}

std::string ZoneScanner::line_with(const Token& token, std::string_view replacement) const {
  std::vector<Edit> edits;
  edits.push_back({token, std::string(replacement)});
  return line_with(std::move(edits));
}

std::string ZoneScanner::line_with(std::vector<Edit> edits) const {
  std::string_view line = line_of(edits[0].at);
  std::string result(line);
  // From the right to the left, so that the offsets of the rest stay true.
  std::sort(edits.begin(), edits.end(),
            [](const Edit& a, const Edit& b) { return a.at.text.data() > b.at.text.data(); });
  for (const Edit& edit : edits) {
    const char* place = edit.at.text.data();
    if (place < line.data() || place + edit.at.text.size() > line.data() + line.size()) continue;
    result.replace(static_cast<size_t>(place - line.data()), edit.at.text.size(), edit.text);
  }
  size_t first = result.find_first_not_of(" \t");
  return first == std::string::npos ? result : result.substr(first);
}

}  // namespace umaya::named
