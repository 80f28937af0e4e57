#include "named-lite/config/tree.h"

#include "libcommon/base/strings.h"

namespace umaya::named {

namespace {

constexpr int kMostIncludes = 10;
constexpr int kMostBlocks = 20;
constexpr size_t kMostText = size_t{64} << 20;

struct Lexeme {
  enum class Kind : unsigned char { word, quoted, open, close, semicolon, end } kind = Kind::end;
  std::string text;
  uint32_t line = 0;
  uint32_t column = 0;
};

class Lexer {
 public:
  Lexer(std::string_view text, std::string file, Problems& problems)
      : text_(text), file_(std::move(file)), problems_(problems) {}
  Lexeme next();
  const std::string& file() const { return file_; }

 private:
  void skip_blank();
  bool skip_comment();
  Lexeme quoted();
  void step() {
    if (text_[at_++] == '\n') {
      ++line_;
      line_start_ = at_;
    }
  }
  bool at(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  uint32_t column() const { return static_cast<uint32_t>(at_ - line_start_) + 1; }
  Place here() const { return {file_, line_, column()}; }

  std::string_view text_;
  std::string file_;
  Problems& problems_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  uint32_t line_ = 1;
};

bool Lexer::skip_comment() {
  if (at("//") || at("#")) {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    return true;
  }
  if (!at("/*")) return false;
  Place start = here();
  size_t close = text_.find("*/", at_ + 2);
  if (close == std::string_view::npos) {
    problems_.error(start, "the comment that begins here is never closed", "*/");
    close = text_.size() - std::min<size_t>(2, text_.size());
  }
  while (at_ < std::min(close + 2, text_.size())) step();
  return true;
}

void Lexer::skip_blank() {
  while (at_ < text_.size()) {
    if (ascii_space(text_[at_])) {
      step();
    } else if (!skip_comment()) {
      return;
    }
  }
}

Lexeme Lexer::quoted() {
  Lexeme lexeme{Lexeme::Kind::quoted, {}, line_, column()};
  Place start = here();
  ++at_;
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] == '\n') {
      problems_.error(start, "the quote is not closed on this line: put a \" at the end of the text");
      return lexeme;
    }
    if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
    lexeme.text += text_[at_++];
  }
  if (at_ == text_.size()) {
    problems_.error(start, "the quote is not closed: put a \" at the end of the text");
  } else {
    ++at_;
  }
  return lexeme;
}

Lexeme Lexer::next() {
  skip_blank();
  Lexeme lexeme{Lexeme::Kind::end, {}, line_, column()};
  if (at_ >= text_.size()) return lexeme;
  char c = text_[at_];
  if (c == '"') return quoted();
  if (c == '{' || c == '}' || c == ';' || c == '!') {
    ++at_;
    lexeme.kind = c == '{'   ? Lexeme::Kind::open
                  : c == '}' ? Lexeme::Kind::close
                  : c == ';' ? Lexeme::Kind::semicolon
                             : Lexeme::Kind::word;
    lexeme.text = c;
    return lexeme;
  }
  lexeme.kind = Lexeme::Kind::word;
  while (at_ < text_.size() && !ascii_space(text_[at_]) &&
         std::string_view("{};\"!").find(text_[at_]) == std::string_view::npos && !at("/*") && !at("//") && !at("#")) {
    lexeme.text += text_[at_++];
  }
  return lexeme;
}

class TreeParser {
 public:
  TreeParser(const OpenFile& open, Problems& problems) : open_(open), problems_(problems) {}
  std::vector<Statement> file(std::string_view text, std::string path, int blocks, int depth);

 private:
  std::vector<Statement> statements(Lexer& lexer, int blocks, int depth, const Place* opened);
  Statement statement(Lexer& lexer, Lexeme first, int blocks, int depth);
  void include(std::vector<Statement>& into, const Statement& statement, int blocks, int depth);

  const OpenFile& open_;
  Problems& problems_;
  size_t total_ = 0;
  bool closed_early_ = false;  // the statement ended at the } of its block
};

Part part_of(const Lexeme& lexeme) {
  Part part;
  part.kind = lexeme.kind == Lexeme::Kind::quoted ? Part::Kind::quoted : Part::Kind::word;
  part.text = lexeme.text;
  part.line = lexeme.line;
  part.column = lexeme.column;
  return part;
}

Statement TreeParser::statement(Lexer& lexer, Lexeme first, int blocks, int depth) {
  Statement result;
  result.file = lexer.file();
  closed_early_ = false;
  for (Lexeme lexeme = std::move(first);; lexeme = lexer.next()) {
    Place place{lexer.file(), lexeme.line, lexeme.column};
    switch (lexeme.kind) {
      case Lexeme::Kind::word:
      case Lexeme::Kind::quoted:
        result.parts.push_back(part_of(lexeme));
        break;
      case Lexeme::Kind::open: {
        Part part;
        part.kind = Part::Kind::block;
        part.line = lexeme.line;
        part.column = lexeme.column;
        if (blocks >= kMostBlocks) problems_.error(place, "blocks are nested more than 20 deep");
        part.block = blocks < kMostBlocks ? statements(lexer, blocks + 1, depth, &place) : std::vector<Statement>();
        closed_early_ = false;
        result.parts.push_back(std::move(part));
        break;
      }
      case Lexeme::Kind::semicolon:
        return result;
      case Lexeme::Kind::close:
      case Lexeme::Kind::end: {
        const Part& last = result.parts.back();
        problems_.error({result.file, last.line, last.column},
                        "the ; is missing behind \"" + (last.is_block() ? "}" : last.text) + "\"",
                        last.is_block() ? "};" : last.text + ";");
        closed_early_ = lexeme.kind == Lexeme::Kind::close;
        return result;
      }
    }
  }
}

void TreeParser::include(std::vector<Statement>& into, const Statement& statement, int blocks, int depth) {
  if (statement.parts.size() != 2 || statement.parts[1].is_block()) {
    return problems_.error(statement.place(), "include needs one file name", "include \"/etc/bind/named.conf.local\";");
  }
  const std::string& path = statement.parts[1].text;
  if (depth >= kMostIncludes) return problems_.error(statement.place(1), "include is nested more than 10 deep");
  auto text = open_ ? open_(path) : Result<std::string>(permanent("include is not possible here"));
  if (!text) return problems_.error(statement.place(1), "include: " + text.error().what);
  for (Statement& each : file(*text, path, blocks, depth + 1)) into.push_back(std::move(each));
}

std::vector<Statement> TreeParser::statements(Lexer& lexer, int blocks, int depth, const Place* opened) {
  std::vector<Statement> result;
  while (true) {
    Lexeme lexeme = lexer.next();
    switch (lexeme.kind) {
      case Lexeme::Kind::semicolon:
        continue;  // BIND accepts empty statements
      case Lexeme::Kind::end:
        if (opened != nullptr) problems_.error(*opened, "the { that begins here is never closed: put }; at its end");
        return result;
      case Lexeme::Kind::close:
        if (opened != nullptr) return result;
        problems_.error({lexer.file(), lexeme.line, lexeme.column}, "} without a { before it");
        continue;
      default:
        break;
    }
    Statement next = statement(lexer, std::move(lexeme), blocks, depth);
    if (next.parts.empty()) continue;
    bool early = closed_early_;
    if (!next.parts[0].is_block() && iequals(next.name(), "include")) {
      include(result, next, blocks, depth);
    } else {
      result.push_back(std::move(next));
    }
    if (early && opened != nullptr) return result;
  }
}

std::vector<Statement> TreeParser::file(std::string_view text, std::string path, int blocks, int depth) {
  total_ += text.size();
  if (total_ > kMostText) {
    problems_.error({path, 0, 0}, "the configuration is larger than 64 MiB");
    return {};
  }
  Lexer lexer(text, std::move(path), problems_);
  return statements(lexer, blocks, depth, nullptr);
}

}  // namespace

std::vector<Statement> parse_config_text(std::string_view text, std::string file, const OpenFile& open,
                                         Problems& problems) {
  return TreeParser(open, problems).file(text, std::move(file), 0, 0);
}

}  // namespace umaya::named
