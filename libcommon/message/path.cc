// NAME    path - the envelope path parser of address.h (RFC 5321 4.1.2)
#include "libcommon/base/strings.h"
#include "libcommon/message/address.h"
#include "libcommon/message/domain.h"

namespace umaya::message {

namespace {

using Failure = std::unexpected<PathError>;

/// Drops the comment that s begins with: true when it was closed.
bool skip_comment(std::string_view& s) {
  size_t depth = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\') {
      ++i;
    } else if (s[i] == '(') {
      ++depth;
    } else if (s[i] == ')' && --depth == 0) {
      s.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

/// Unquotes the quoted-string that s begins with onto out; false when it does not end.
bool take_quoted(std::string_view& s, std::string& out) {
  for (size_t i = 1; i < s.size(); ++i) {
    if (s[i] == '"') {
      s.remove_prefix(i + 1);
      return true;
    }
    if (s[i] == '\\' && ++i == s.size()) return false;
    out.push_back(s[i]);
  }
  return false;
}

bool is_local_char(char c) {
  static constexpr std::string_view kSpecials = "<>()[]\\,;:@\" ";
  return static_cast<unsigned char>(c) > ' ' && c != 127 && kSpecials.find(c) == std::string_view::npos;
}

/// Removes "@a,@b:" in front; false when a '@' begins s but no route follows.
bool take_route(std::string_view& s, bool& route) {
  if (s.empty() || s[0] != '@') return true;
  size_t colon = s.find(':');
  if (colon == std::string_view::npos || s.substr(0, colon).find_first_of("\"<>()") != std::string_view::npos) {
    return false;
  }
  s.remove_prefix(colon + 1);
  route = true;
  return true;
}

bool plain_domain(std::string_view domain) {
  for (char c : domain) {
    if (!is_local_char(c) || c == '%' || c == '!') return false;
  }
  return true;
}

/// The local part and domain of one mailbox, joined with '@' in internal form.
struct Mailbox {
  std::string text;
  size_t at = std::string::npos;  ///< where the dividing '@' stands
  bool quoted_empty = false;      ///< a "" was there, so an empty local part is meant
};

bool take_domain(std::string_view& s, Mailbox& box) {
  if (!s.empty() && s[0] == '[') {
    size_t close = s.find(']');
    if (close == std::string_view::npos) return false;
    box.text.append(s.substr(0, close + 1));
    s.remove_prefix(close + 1);
    return true;
  }
  size_t n = 0;
  while (n < s.size() && is_local_char(s[n])) ++n;
  box.text.append(s.substr(0, n));
  s.remove_prefix(n);
  return n > 0;
}

/// Reads words and '@' up to the end of s or a '>' outside quotes.
bool take_mailbox(std::string_view& s, Mailbox& box) {
  while (!s.empty() && s[0] != '>') {
    char c = s[0];
    if (c == '(') {
      if (!skip_comment(s)) return false;
    } else if (c == '@') {
      box.at = box.text.size();
      box.text.push_back('@');
      s.remove_prefix(1);
      if (!take_domain(s, box)) return false;
    } else if (box.at != std::string::npos) {
      return false;  // only another '@' can follow a domain
    } else if (c == '"') {
      size_t before = box.text.size();
      if (!take_quoted(s, box.text)) return false;
      box.quoted_empty = box.quoted_empty || box.text.size() == before;
    } else if (c == '\\') {
      if (s.size() < 2) return false;
      box.text.push_back(s[1]);
      s.remove_prefix(2);
    } else if (is_local_char(c)) {
      box.text.push_back(c);
      s.remove_prefix(1);
    } else {
      return false;
    }
  }
  return true;
}

bool valid_parts(const Mailbox& box) {
  std::string_view text = box.text;
  if (text.empty()) return box.quoted_empty;
  // Internal form divides at the last '@', also where it stood in quotes ("v@host").
  size_t at = text.rfind('@');
  if (at == std::string_view::npos) return true;
  if (at == 0 && !box.quoted_empty) return false;
  std::string_view domain = text.substr(at + 1);
  if (domain.empty()) return false;
  if (domain.front() == '[') return valid_address_literal(domain);
  return plain_domain(domain) && domain != "." && domain.front() != '.' && domain.find("..") == std::string_view::npos;
}

std::expected<void, PathError> check_bytes(std::string_view text, PathOptions options) {
  bool ascii = true;
  for (unsigned char c : text) {
    if (c < ' ' || c == 127) return Failure(PathError::syntax);
    if (c >= 128) ascii = false;
  }
  if (ascii) return {};
  if (!options.smtputf8) return Failure(PathError::non_ascii);
  if (!valid_utf8(text)) return Failure(PathError::bad_utf8);
  return {};
}

std::expected<void, PathError> check_lengths(const Mailbox& box, PathOptions options) {
  size_t local = std::min(box.at, box.text.size());
  size_t domain = box.at == std::string::npos ? 0 : box.text.size() - box.at - 1;
  if (box.text.size() > kMaxPath || domain > kMaxDomain) return Failure(PathError::too_long);
  if (options.strict && local > kMaxLocalPart) return Failure(PathError::too_long);
  return {};
}

}  // namespace

std::expected<Path, PathError> parse_path(std::string_view text, PathOptions options) {
  if (auto bytes = check_bytes(text, options); !bytes) return Failure(bytes.error());
  if (!options.strict) text = trim(text);
  bool bracket = !text.empty() && text[0] == '<';
  if (options.strict && !bracket) return Failure(PathError::syntax);
  if (bracket) text.remove_prefix(1);
  Path path;
  if (bracket && text == ">") return path;
  if (!take_route(text, path.source_route)) return Failure(PathError::syntax);
  Mailbox box;
  if (!take_mailbox(text, box)) return Failure(PathError::syntax);
  if (text != (bracket ? ">" : "")) return Failure(PathError::syntax);
  if (!valid_parts(box)) return Failure(PathError::syntax);
  if (auto lengths = check_lengths(box, options); !lengths) return Failure(lengths.error());
  path.address = std::move(box.text);
  return path;
}

}  // namespace umaya::message
