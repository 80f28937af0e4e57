#include "libcommon/databases/query_template.h"

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::databases {

SplitKey::SplitKey(std::string_view whole) : whole_(whole), user_(whole) {
  size_t at = whole.rfind('@');
  if (at == std::string_view::npos) return;
  has_at_ = true;
  user_ = whole.substr(0, at);
  domain_ = whole.substr(at + 1);
}

std::string_view SplitKey::label(size_t n) const {
  std::string_view rest = domain_;
  for (;;) {
    size_t dot = rest.rfind('.');
    std::string_view last = dot == std::string_view::npos ? rest : rest.substr(dot + 1);
    if (!last.empty() && --n == 0) return last;
    if (dot == std::string_view::npos) return {};
    rest = rest.substr(0, dot);
  }
}

void Needs::add(const Needs& other) {
  user = user || other.user;
  domain = domain || other.domain;
  labels = std::max(labels, other.labels);
}

bool Needs::met_by(const SplitKey& key) const {
  if (domain && key.domain().empty()) return false;
  if (user && key.has_at() && key.user().empty()) return false;
  for (size_t n = 1; n <= labels; ++n) {
    if (key.label(n).empty()) return false;
  }
  return true;
}

/// Goes through the text of a template once and notes in what quotes each place stands.
class TemplateParser {
 public:
  TemplateParser(std::string_view text, Syntax syntax) : text_(text), syntax_(syntax) {}

  Result<Template> parse() {
    if (syntax_ == Syntax::plain) state_ = Place::plain;
    while (at_ < text_.size()) {
      char c = text_[at_++];
      if (c != '%') {
        literal(c);
        continue;
      }
      char letter = at_ < text_.size() ? text_[at_++] : '\0';
      if (letter == '%') {
        literal('%');
        continue;
      }
      UMAYA_CHECK(place(letter));
    }
    flush();
    return std::move(out_);
  }

 private:
  void literal(char c) {
    if (state_ != Place::plain) follow(c);
    if (c == '\0') return;
    if (rewriting_ && c == '\'') pending_ += '\'';
    pending_ += rewriting_ && c == '"' ? '\'' : c;
    if (rewriting_ && c == '"' && state_ == Place::bare) rewriting_ = false;
  }

  /// Which quotes are open behind c.
  void follow(char c) {
    if (skip_) {
      skip_ = false;
      return;
    }
    bool has_backslash = syntax_ == Syntax::mysql || state_ == Place::escaped;
    if (c == '\\' && has_backslash && state_ != Place::bare) {
      skip_ = true;
      out_.depends_on_mode_ = out_.depends_on_mode_ || syntax_ == Syntax::mysql;
    } else if (state_ == Place::bare) {
      if (!lost_) open(c);
    } else if (c == (state_ == Place::double_quoted ? '"' : '\'')) {
      state_ = Place::bare;  // '' inside of a text closes it and opens it again
    }
    previous_ = c;
  }

  void open(char c) {
    char next = at_ < text_.size() ? text_[at_] : '\0';
    bool is_comment = (c == '-' && next == '-') || (c == '/' && next == '*') || (c == '#' && syntax_ == Syntax::mysql);
    // What comes behind these is not followed any further: only digits may stand there.
    if (is_comment || c == '$' || c == '`') lost_ = true;
    if (c == '\'') {
      bool is_escape = syntax_ == Syntax::pgsql && (previous_ == 'e' || previous_ == 'E');
      state_ = is_escape ? Place::escaped : Place::quoted;
    }
    if (c != '"') return;
    state_ = Place::double_quoted;
    rewriting_ = syntax_ == Syntax::sqlite && has_place_before_end_of_quote();
  }

  bool has_place_before_end_of_quote() const {
    for (size_t i = at_; i + 1 < text_.size() && text_[i] != '"'; ++i) {
      if (text_[i] != '%') continue;
      if (text_[i + 1] != '%') return true;
      ++i;
    }
    return false;
  }

  Result<> place(char letter) {
    constexpr std::string_view kLetters = "sudSUD";
    constexpr Template::What kWhats[] = {Template::What::whole,    Template::What::user,
                                         Template::What::domain,   Template::What::key_whole,
                                         Template::What::key_user, Template::What::key_domain};
    Template::Piece piece;
    size_t index = kLetters.find(letter);
    if (letter != '\0' && index != std::string_view::npos) {
      piece.what = kWhats[index];
    } else if (letter >= '1' && letter <= '9') {
      piece.what = Template::What::label;
      piece.label = static_cast<size_t>(letter - '0');
    } else {
      return permanent("has % with something else than s u d S U D 1-9 or % behind it");
    }
    piece.place = rewriting_ ? Place::quoted : state_;
    if (piece.place == Place::double_quoted && syntax_ == Syntax::pgsql) {
      return permanent("has %" + std::string(1, letter) + " inside of \"…\", which is a name in PostgreSQL: write '%" +
                       std::string(1, letter) + "'");
    }
    if (piece.place == Place::double_quoted) out_.depends_on_mode_ = true;
    note_needs(piece);
    flush();
    out_.pieces_.push_back(std::move(piece));
    out_.is_fixed_ = false;
    previous_ = '\0';
    return {};
  }

  void note_needs(const Template::Piece& piece) {
    using What = Template::What;
    bool is_key = piece.what == What::key_user || piece.what == What::key_domain || piece.what == What::label;
    Needs& needs = is_key ? out_.key_needs_ : out_.needs_;
    needs.user = needs.user || piece.what == What::user || piece.what == What::key_user;
    bool of_domain = piece.what == What::domain || piece.what == What::key_domain || piece.what == What::label;
    needs.domain = needs.domain || of_domain;
    needs.labels = std::max(needs.labels, piece.label);
  }

  void flush() {
    if (pending_.empty()) return;
    Template::Piece piece;
    piece.text = std::exchange(pending_, {});
    out_.pieces_.push_back(std::move(piece));
  }

  std::string_view text_;
  Syntax syntax_;
  Template out_;
  std::string pending_;
  size_t at_ = 0;
  Place state_ = Place::bare;
  char previous_ = '\0';
  bool skip_ = false;       ///< the next character is behind a backslash
  bool lost_ = false;       ///< quotes are not followed any more
  bool rewriting_ = false;  ///< "…" of sqlite becomes '…'
};

Result<Template> Template::parse(std::string_view text, Syntax syntax) {
  return TemplateParser(text, syntax).parse();
}

std::string_view Template::value_of(const Piece& piece, const SplitKey& value, const SplitKey& key) {
  switch (piece.what) {
    case What::literal:
      break;
    case What::whole:
      return value.whole();
    case What::user:
      return value.user();
    case What::domain:
      return value.domain();
    case What::key_whole:
      return key.whole();
    case What::key_user:
      return key.user();
    case What::key_domain:
      return key.domain();
    case What::label:
      return key.label(piece.label);
  }
  return piece.text;
}

bool Template::fill(const SplitKey& value, const SplitKey& key, const Quote& quote, std::string& out) const {
  for (const Piece& piece : pieces_) {
    std::string_view text = value_of(piece, value, key);
    if (piece.what == What::literal || !quote) {
      out += text;
    } else if (!quote(text, piece.place, out)) {
      return false;
    }
  }
  return true;
}

std::string filter_value(std::string_view value) {
  std::string out;
  for (char c : value) {
    if (c == '*' || c == '(' || c == ')' || c == '\\' || c == '\0') {
      out += "\\" + hex_encode(std::string_view(&c, 1));
    } else {
      out += c;
    }
  }
  return out;
}

std::string name_value(std::string_view value) {
  constexpr std::string_view kPlain = "@._-";
  std::string out;
  for (char c : value) {
    bool is_plain = ascii_alnum(c) || kPlain.find(c) != std::string_view::npos || static_cast<unsigned char>(c) >= 0x80;
    if (is_plain) {
      out += c;
    } else {
      out += "\\" + hex_encode(std::string_view(&c, 1));
    }
  }
  return out;
}

bool is_safe_in(std::string_view value, Place place) {
  constexpr std::string_view kSigns = "@._+=-";
  auto fits = [&](char c) {
    return ascii_digit(c) || (place == Place::escaped && (ascii_alpha(c) || kSigns.find(c) != std::string_view::npos));
  };
  return !value.empty() && std::all_of(value.begin(), value.end(), fits);
}

}  // namespace umaya::databases
