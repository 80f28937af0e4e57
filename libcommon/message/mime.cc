#include "libcommon/message/mime.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "libcommon/base/strings.h"

namespace umaya::message {

namespace {

/// Reads tokens of a structured header value (RFC 2045 5.1), skipping white space and comments.
class ValueReader {
 public:
  explicit ValueReader(std::string_view text) : text_(text) {}

  /// The next token or quoted string, or a single tspecial; empty at the end.
  std::string next() {
    skip();
    if (text_.empty()) return {};
    if (text_[0] == '"') return quoted();
    static constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?=";
    size_t n = 0;
    while (n < text_.size() && !ascii_space(text_[n]) && kSpecials.find(text_[n]) == std::string_view::npos) ++n;
    if (n == 0) n = 1;
    std::string out(text_.substr(0, n));
    text_.remove_prefix(n);
    return out;
  }

 private:
  void skip() {
    size_t depth = 0;
    while (!text_.empty()) {
      char c = text_[0];
      if (c == '(') {
        ++depth;
      } else if (c == ')' && depth > 0) {
        --depth;
      } else if (c == '\\' && depth > 0 && text_.size() > 1) {
        text_.remove_prefix(1);
      } else if (depth == 0 && !ascii_space(c)) {
        return;
      }
      text_.remove_prefix(1);
    }
  }
  std::string quoted() {
    std::string out;
    size_t i = 1;
    for (; i < text_.size() && text_[i] != '"'; ++i) {
      if (text_[i] == '\\' && i + 1 < text_.size()) ++i;
      if (text_[i] != '\r' && text_[i] != '\n') out.push_back(text_[i]);
    }
    text_.remove_prefix(std::min(i + 1, text_.size()));
    return out;
  }
  std::string_view text_;
};

bool has_eight_bit(std::string_view text) {
  return !is_ascii(text);
}

}  // namespace

ContentType parse_content_type(std::string_view value) {
  ContentType out;
  ValueReader reader(value);
  out.type = to_lower(reader.next());
  if (reader.next() != "/") return out;
  out.subtype = to_lower(reader.next());
  for (std::string token = reader.next(); !token.empty(); token = reader.next()) {
    if (token != ";") continue;
    std::string name = to_lower(reader.next());
    if (name.empty()) break;
    if (name == ";" || reader.next() != "=") continue;
    std::string text = reader.next();
    if (name == "boundary" && out.boundary.empty()) out.boundary = std::move(text);
  }
  return out;
}

void MimeScanner::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    bytes.remove_prefix(in_headers_ ? take_header_bytes(bytes) : take_body_bytes(bytes));
  }
}

size_t MimeScanner::take_header_bytes(std::string_view bytes) {
  const void* end = std::memchr(bytes.data(), '\n', bytes.size());
  size_t n = end ? static_cast<const char*>(end) - bytes.data() : bytes.size();
  size_t limit = limits_.header_size + 1;  // and the CR
  size_t keep = std::min(n, limit - std::min(partial_.size(), limit));
  if (keep < n) problems_.header_size = true;
  partial_.append(bytes.substr(0, keep));
  if (!end) return n;
  line(std::exchange(partial_, {}), true);
  return n + 1;
}

size_t MimeScanner::take_body_bytes(std::string_view bytes) {
  size_t room = limits_.line - std::min(partial_.size(), limits_.line);
  std::string_view head = bytes.substr(0, room + 1);
  const void* end = std::memchr(head.data(), '\n', head.size());
  if (!end && bytes.size() <= room) {
    partial_.append(bytes);
    return bytes.size();
  }
  size_t n = end ? static_cast<const char*>(end) - bytes.data() : room;
  if (partial_.empty()) {
    line(bytes.substr(0, n), end != nullptr);
  } else {
    partial_.append(bytes.substr(0, n));
    line(std::exchange(partial_, {}), end != nullptr);
  }
  return end ? n + 1 : n;
}

void MimeScanner::line(std::string_view text, bool complete) {
  if (complete && !text.empty() && text.back() == '\r') text.remove_suffix(1);
  if (in_headers_) {
    header_line(text);
  } else {
    body_line(text, complete);
  }
}

void MimeScanner::header_line(std::string_view text) {
  bool continues = !header_.empty() && !text.empty() && (text[0] == ' ' || text[0] == '\t');
  if (!continues) {
    flush_header();
    if (text.empty()) return end_headers(true);
    bool closing = false;
    if (match_boundary(text, closing) != std::string::npos || !header_name(text)) {
      end_headers(false);
      return body_line(text, true);
    }
  } else {
    header_.append("\r\n");
  }
  size_t room = limits_.header_size - std::min(header_.size(), limits_.header_size);
  if (text.size() > room) problems_.header_size = true;
  header_.append(text.substr(0, room));
}

void MimeScanner::flush_header() {
  if (header_.empty()) return;
  if (auto header = split_header(header_)) {
    problems_.eight_bit_header = problems_.eight_bit_header || has_eight_bit(header_);
    bool content = istarts_with(header->name, "Content-") || iequals(header->name, "MIME-Version");
    if (content) note_content_header(*header);
    HeaderClass c = class_ == HeaderClass::primary && content ? HeaderClass::mime : class_;
    events_.on_header(c, *header);
  }
  header_.clear();
}

void MimeScanner::note_content_header(const Header& header) {
  if (iequals(header.name, "Content-Transfer-Encoding")) {
    std::string encoding = to_lower(trim(header.value));
    encoded_ = encoding != "7bit" && encoding != "8bit" && encoding != "binary";
    eight_bit_ok_ = encoding == "8bit" || encoding == "binary";
    return;
  }
  if (!iequals(header.name, "Content-Type")) return;
  ContentType type = parse_content_type(header.value);
  if (type.type == "multipart" && !type.boundary.empty()) {
    content_ = Content::multipart;
    boundary_ = std::move(type.boundary);
    if (boundary_.size() > limits_.boundary) {
      boundary_.resize(limits_.boundary);
      problems_.boundary = true;
    }
  } else if (type.type == "message" && (type.subtype == "rfc822" || type.subtype == "global")) {
    content_ = Content::message;
  }
}

void MimeScanner::end_headers(bool separator) {
  events_.on_headers_end(class_, separator);
  in_headers_ = false;
  if (content_ == Content::text || plain_rest_) return;
  if (encoded_) {
    problems_.bad_encoding_domain = true;
    return;
  }
  if (content_ == Content::message) {
    if (boundaries_.size() >= limits_.nesting || ++parts_ > limits_.parts) {
      problems_.nesting = true;
      plain_rest_ = true;
      return;
    }
    boundaries_.emplace_back();  // a level without a boundary of its own: depth is what is counted
    start_headers(HeaderClass::nested);
  } else if (boundaries_.size() >= limits_.nesting) {
    problems_.nesting = true;
    plain_rest_ = true;
  } else {
    boundaries_.push_back(std::move(boundary_));
  }
}

void MimeScanner::start_headers(HeaderClass header_class) {
  in_headers_ = true;
  class_ = header_class;
  content_ = Content::text;
  boundary_.clear();
  encoded_ = false;
  eight_bit_ok_ = false;
}

size_t MimeScanner::match_boundary(std::string_view text, bool& closing) const {
  if (text.size() < 2 || text[0] != '-' || text[1] != '-') return std::string::npos;
  text.remove_prefix(2);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  for (size_t i = boundaries_.size(); i-- > 0;) {
    const std::string& b = boundaries_[i];
    if (b.empty() || !text.starts_with(b)) continue;
    std::string_view rest = text.substr(b.size());
    closing = rest == "--";
    if (closing || rest.empty() || b.size() == limits_.boundary) return i;
  }
  return std::string::npos;
}

void MimeScanner::body_line(std::string_view text, bool complete) {
  bool first_piece = !std::exchange(line_continues_, !complete);
  if (!eight_bit_ok_ && !problems_.eight_bit_body) problems_.eight_bit_body = has_eight_bit(text);
  events_.on_body_line(text, complete);
  if (!first_piece || plain_rest_ || boundaries_.empty()) return;
  bool closing = false;
  size_t level = match_boundary(text, closing);
  if (level == std::string::npos) return;
  boundaries_.resize(closing ? level : level + 1);
  eight_bit_ok_ = false;
  if (closing) return;
  if (++parts_ > limits_.parts) {
    problems_.parts = true;
    plain_rest_ = true;
    return;
  }
  start_headers(HeaderClass::mime);
}

void MimeScanner::finish() {
  if (!partial_.empty()) line(std::exchange(partial_, {}), true);
  if (in_headers_) {
    flush_header();
    events_.on_headers_end(class_, false);
    in_headers_ = false;
  }
}

}  // namespace umaya::message
