// NAME    address_list - the header address-list parser of address.h (RFC 5322 3.4 and 4.4)
//
// DESCRIPTION
//     The value is cut into tokens in one pass, then the tokens are grouped into addresses. No recursion: nested
//     comments are counted.
#include <optional>

#include "libcommon/base/strings.h"
#include "libcommon/message/address.h"

namespace umaya::message {

namespace {

enum class Kind : uint8_t { word, quoted, literal, special };

struct Token {
  Kind kind;
  char special;  ///< one of <>@,;:. when kind is special
  size_t begin;
  size_t end;
};

class Tokenizer {
 public:
  Tokenizer(std::string_view value, size_t max_tokens) : value_(value), max_tokens_(max_tokens) {}

  std::vector<Token> run(bool& truncated) {
    while (position_ < value_.size()) {
      if (tokens_.size() >= max_tokens_) {
        truncated = true;
        break;
      }
      step();
    }
    return std::move(tokens_);
  }

 private:
  void step() {
    char c = value_[position_];
    if (ascii_space(c)) {
      ++position_;
    } else if (c == '(') {
      skip_comment();
    } else if (c == '"') {
      delimited(Kind::quoted, '"');
    } else if (c == '[') {
      delimited(Kind::literal, ']');
    } else if (is_special(c)) {
      tokens_.push_back({Kind::special, c, position_, position_ + 1});
      ++position_;
    } else if (c == ')' || c == ']') {
      ++position_;  // a closing mark without an opening one means nothing
    } else {
      word();
    }
  }

  static bool is_special(char c) { return std::string_view("<>@,;:.").find(c) != std::string_view::npos; }

  void skip_comment() {
    size_t depth = 0;
    for (; position_ < value_.size(); ++position_) {
      char c = value_[position_];
      if (c == '\\') {
        ++position_;
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && --depth == 0) {
        ++position_;
        return;
      }
    }
  }

  void delimited(Kind kind, char close) {
    size_t begin = position_++;
    for (; position_ < value_.size() && value_[position_] != close; ++position_) {
      if (value_[position_] == '\\') ++position_;
    }
    position_ = std::min(position_ + 1, value_.size());
    tokens_.push_back({kind, 0, begin, position_});
  }

  void word() {
    size_t begin = position_;
    static constexpr std::string_view kStops = "()<>@,;:.\"[]";
    while (position_ < value_.size()) {
      char c = value_[position_];
      if (ascii_space(c) || kStops.find(c) != std::string_view::npos) break;
      position_ += c == '\\' && !at_line_end(position_ + 1) ? 2 : 1;
    }
    position_ = std::min(position_, value_.size());
    tokens_.push_back({Kind::word, 0, begin, position_});
  }

  /// A backslash does not quote the line end behind it: half of it would stay when the address is replaced.
  bool at_line_end(size_t i) const { return i < value_.size() && (value_[i] == '\r' || value_[i] == '\n'); }

  std::string_view value_;
  size_t max_tokens_;
  size_t position_ = 0;
  std::vector<Token> tokens_;
};

void append_unquoted(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' || text[i] == '\n') continue;
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    if (text[i] == '\r' || text[i] == '\n') continue;
    out.push_back(text[i]);
  }
}

class Grouper {
 public:
  Grouper(std::string_view value, const std::vector<Token>& tokens) : value_(value), tokens_(tokens) {}

  std::vector<ListedAddress> run() {
    for (i_ = 0; i_ < tokens_.size(); ++i_) {
      const Token& token = tokens_[i_];
      if (token.kind != Kind::special) continue;
      if (token.special == '@' && i_ == start_) {
        if (size_t colon = route_end(i_)) {
          route_ = i_;
          i_ = colon;
          start_ = colon + 1;
        }
        continue;
      }
      if (token.special == ',' || token.special == ';') {
        plain(start_, i_);
        start_ = i_ + 1;
      } else if (token.special == ':') {
        start_ = i_ + 1;  // the name of a group
      } else if (token.special == '<') {
        bracket();
      }
    }
    plain(start_, tokens_.size());
    return std::move(out_);
  }

 private:
  bool is(size_t i, char special) const { return tokens_[i].kind == Kind::special && tokens_[i].special == special; }

  /// The ':' behind a source route without brackets, "@a,@b:" (RFC 5321 appendix C), that begins here; 0: there is
  /// none.
  size_t route_end(size_t at) {
    if (at < no_route_before_) return 0;  // was looked at as part of a longer one: time stays linear
    size_t j = at;
    while (j < tokens_.size() && is(j, '@')) {
      const size_t domain = ++j;
      while (j < tokens_.size() && (tokens_[j].kind != Kind::special || is(j, '.'))) ++j;
      if (j == domain || j == tokens_.size()) break;
      if (is(j, ':')) return j;
      if (!is(j, ',')) break;
      while (j < tokens_.size() && is(j, ',')) ++j;
    }
    no_route_before_ = j;
    return 0;
  }

  /// i_ is at '<': one address with brackets, the words before it are its phrase.
  void bracket() {
    size_t close = i_ + 1;
    while (close < tokens_.size() && !is(close, '>')) ++close;
    ListedAddress a;
    a.in_brackets = true;
    a.begin = tokens_[i_].end;
    a.end = close < tokens_.size() ? tokens_[close].begin : value_.size();
    if (start_ < i_) {
      a.phrase = trim(value_.substr(tokens_[start_].begin, tokens_[i_].begin - tokens_[start_].begin));
    }
    size_t first = i_ + 1;
    if (first < close && is(first, '@')) {
      for (size_t j = first; j < close; ++j) {
        if (is(j, ':')) first = j + 1;  // a source route
      }
    }
    a.address = join(first, close);
    if (first < close) {
      a.begin = tokens_[i_ + 1].begin;
      a.end = tokens_[close - 1].end;
    }
    out_.push_back(std::move(a));
    i_ = close;
    start_ = std::min(close + 1, tokens_.size());
  }

  /// Addresses without brackets in [from, to): a new one begins where two words meet without '.' or '@' between.
  void plain(size_t from, size_t to) {
    while (from < to) {
      size_t end = from + 1;
      while (end < to && (joins(end) || joins(end - 1))) ++end;
      bool useful = false;
      for (size_t j = from; j < end; ++j) useful = useful || tokens_[j].kind != Kind::special;
      if (useful) {
        ListedAddress a;
        a.begin = tokens_[route_.value_or(from)].begin;
        a.end = tokens_[end - 1].end;
        a.address = join(from, end);
        out_.push_back(std::move(a));
        route_.reset();
      }
      from = end;
    }
  }

  bool joins(size_t i) const { return is(i, '@') || is(i, '.'); }

  std::string join(size_t from, size_t to) const {
    std::string out;
    for (size_t j = from; j < to; ++j) {
      std::string_view text = value_.substr(tokens_[j].begin, tokens_[j].end - tokens_[j].begin);
      if (tokens_[j].kind == Kind::quoted) {
        text.remove_prefix(1);
        if (!text.empty() && text.back() == '"') text.remove_suffix(1);
      }
      append_unquoted(out, text);
    }
    return out;
  }

  std::string_view value_;
  const std::vector<Token>& tokens_;
  size_t i_ = 0;
  size_t start_ = 0;
  std::optional<size_t> route_;  ///< where the route of the next address begins
  size_t no_route_before_ = 0;
  std::vector<ListedAddress> out_;
};

}  // namespace

AddressList parse_address_list(std::string_view value, ListLimits limits) {
  AddressList list;
  auto tokens = Tokenizer(value, limits.max_tokens).run(list.truncated);
  list.addresses = Grouper(value, tokens).run();
  return list;
}

}  // namespace umaya::message
