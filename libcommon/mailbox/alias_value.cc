#include "libcommon/mailbox/alias_value.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"

namespace umaya::mailbox {

namespace {

// The position after the quoted string that starts at `at`, or npos when it is never closed.
size_t after_quoted(std::string_view s, size_t at) {
  for (size_t i = at + 1; i < s.size(); ++i) {
    if (s[i] == '\\') {
      ++i;
    } else if (s[i] == '"') {
      return i + 1;
    }
  }
  return s.npos;
}

// The position after the comment that starts at `at`; comments nest (RFC 5322 3.2.2).
size_t after_comment(std::string_view s, size_t at) {
  size_t depth = 0;
  for (size_t i = at; i < s.size(); ++i) {
    if (s[i] == '\\') {
      ++i;
    } else if (s[i] == '(') {
      ++depth;
    } else if (s[i] == ')' && --depth == 0) {
      return i + 1;
    }
  }
  return s.npos;
}

std::string unescape(std::string_view quoted) {
  std::string out;
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '\\' && i + 1 < quoted.size()) ++i;
    out += quoted[i];
  }
  return out;
}

std::unexpected<Error> mistake(std::string_view what, std::string_view target) {
  return temporary(fmt::format("{}: \"{}\"", what, printable(target.substr(0, 100), true)), "4.3.5");
}

// Where the target that starts at `at` ends: at the next comma that is not quoted, or at the end.
Result<size_t> target_end(std::string_view value, size_t at) {
  bool raw = at < value.size() && (value[at] == '|' || value[at] == '/');
  while (at < value.size() && value[at] != ',') {
    size_t next = at + 1;
    if (value[at] == '"') {
      next = after_quoted(value, at);
    } else if (value[at] == '(' && !raw) {
      next = after_comment(value, at);
    } else if (value[at] == '\\' && !raw) {
      next = std::min(at + 2, value.size());
    }
    if (next == value.npos) return mistake(value[at] == '"' ? "quote not closed" : "comment not closed", value);
    at = next;
  }
  return at;
}

// Takes an address apart into words and specials; white space and comments only separate.
class AddressReader {
 public:
  explicit AddressReader(std::string_view text) : text_(text) {}
  Result<std::string> read();

 private:
  bool skip_space();
  void word();
  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
  bool glue_ = true;  ///< the next word may follow directly
};

bool AddressReader::skip_space() {
  size_t start = at_;
  while (at_ < text_.size()) {
    if (ascii_space(text_[at_])) {
      ++at_;
    } else if (text_[at_] == '(') {
      at_ = std::min(after_comment(text_, at_), text_.size());
    } else {
      break;
    }
  }
  return at_ > start;
}

void AddressReader::word() {
  if (text_[at_] == '"') {
    size_t end = std::min(after_quoted(text_, at_), text_.size());
    out_ += unescape(text_.substr(at_ + 1, end - at_ - 2));
    at_ = end;
  } else {
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
    out_ += text_[at_++];
  }
}

Result<std::string> AddressReader::read() {
  size_t closed = text_.npos;
  while (true) {
    bool space = skip_space();
    if (at_ >= text_.size()) break;
    char c = text_[at_];
    if (c == '<') {
      out_.clear();  // what stood before was a full name
      glue_ = true;
      size_t end = text_.rfind('>');
      if (end == text_.npos || end < at_) return mistake("'<' without '>'", text_);
      closed = end;
      ++at_;
      continue;
    }
    if (at_ == closed) break;
    if (c == '>') return mistake("'>' without '<'", text_);
    bool special = c == '@' || c == '.' || c == '!' || c == '%' || c == ':';
    bool named_later = closed == text_.npos && text_.find('<', at_) != text_.npos;
    if (space && !glue_ && !special && !named_later)
      return mistake("white space in an address; a comma is missing", text_);
    word();
    glue_ = special;
  }
  if (out_.empty()) return mistake("empty address", text_);
  return std::move(out_);
}

Result<AliasTarget> make_path_target(TargetKind kind, std::string_view path) {
  if (path.empty() || path[0] != '/') return mistake("not an absolute path", path);
  return AliasTarget{kind, std::string(path)};
}

Result<AliasTarget> make_include(std::string_view path) {
  path = trim(path);
  if (path.size() >= 2 && path.front() == '"' && path.back() == '"') {
    return make_path_target(TargetKind::include, unescape(path.substr(1, path.size() - 2)));
  }
  return make_path_target(TargetKind::include, path);
}

// A target that is one quoted string as a whole: its content says what it is.
Result<AliasTarget> classify_content(std::string content) {
  if (content.starts_with('|')) return AliasTarget{TargetKind::command, std::string(trim(content.substr(1)))};
  if (content.starts_with('/')) return AliasTarget{TargetKind::file, std::move(content)};
  if (istarts_with(content, ":include:")) return make_include(std::string_view(content).substr(9));
  if (content.starts_with('\\')) return AliasTarget{TargetKind::mailbox, content.substr(1)};
  if (content.empty()) return mistake("empty address", "\"\"");
  return AliasTarget{TargetKind::address, std::move(content)};
}

Result<AliasTarget> classify(std::string_view text) {
  if (text[0] == '"' && after_quoted(text, 0) == text.size()) {
    return classify_content(unescape(text.substr(1, text.size() - 2)));
  }
  if (text[0] == '|') return AliasTarget{TargetKind::command, std::string(trim(text.substr(1)))};
  if (text[0] == '/') return AliasTarget{TargetKind::file, std::string(text)};
  if (istarts_with(text, ":include:")) return make_include(text.substr(9));
  bool mailbox = text[0] == '\\';
  UMAYA_TRY(std::string address, AddressReader(mailbox ? text.substr(1) : text).read());
  return AliasTarget{mailbox ? TargetKind::mailbox : TargetKind::address, std::move(address)};
}

// Only comments and white space.
bool nothing_but_comments(std::string_view text) {
  while (!text.empty()) {
    if (ascii_space(text[0])) {
      text.remove_prefix(1);
    } else if (text[0] == '(') {
      text.remove_prefix(std::min(after_comment(text, 0), text.size()));
    } else {
      return false;
    }
  }
  return true;
}

Result<> parse_into(std::string_view value, const AliasLimits& limits, std::vector<AliasTarget>& out) {
  if (value.find('\0') != value.npos) return mistake("zero byte", value);
  size_t at = 0;
  while (at < value.size()) {
    while (at < value.size() && ascii_space(value[at])) ++at;
    UMAYA_TRY(size_t end, target_end(value, at));
    std::string_view text = trim(value.substr(at, end - at));
    at = end + 1;
    if (nothing_but_comments(text)) continue;
    if (text.size() > limits.target_length) return mistake("target too long", text);
    if (out.size() >= limits.targets) return temporary("too many targets", "4.3.5");
    UMAYA_TRY(AliasTarget target, classify(text));
    if (target.kind == TargetKind::command && target.text.empty()) return mistake("command is empty", text);
    if (target.kind == TargetKind::mailbox && target.text.empty()) return mistake("user name is empty", text);
    out.push_back(std::move(target));
  }
  return {};
}

}  // namespace

Result<std::vector<AliasTarget>> parse_alias_value(std::string_view value, const AliasLimits& limits) {
  std::vector<AliasTarget> out;
  UMAYA_CHECK(parse_into(value, limits, out));
  return out;
}

Result<std::vector<AliasTarget>> parse_alias_lines(std::string_view text, const AliasLimits& limits) {
  std::vector<AliasTarget> out;
  for (size_t number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    auto parsed = parse_into(line, limits, out);
    if (!parsed) return temporary(fmt::format("line {}: {}", number, parsed.error().what), parsed.error().dsn);
  }
  return out;
}

}  // namespace umaya::mailbox
