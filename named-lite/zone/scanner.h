// NAME    scanner - the tokens of a zone file (RFC 1035 5.1)
//
// SYNOPSIS
//     ZoneScanner scanner(text);
//     Entry entry;
//     while (scanner.next(entry)) { if (entry.fault) …; entry.tokens … }
//
// DESCRIPTION
//     An entry is what stands on one line, or on several when parentheses hold them together. Comments and empty lines
//     are skipped. Token texts keep their escapes and borrow from the text. After a fault the scanner goes on with the
//     next line, so that a file's faults are all found in one run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::named {

struct Token {
  std::string_view text;  ///< without the quotes
  uint32_t line = 0;
  bool quoted = false;
};

/// Appends what a word stands for when its escapes, \X and \DDD, are read (RFC 1035 5.1). nullptr, or what is wrong.
const char* unescape(std::string_view raw, std::string& text);

/// A word and what should stand in its place.
struct Edit {
  Token at;
  std::string text;
};

struct Entry {
  std::vector<Token> tokens;
  uint32_t line = 0;            ///< of the first token
  bool blank_owner = false;     ///< the first line begins with white space: the owner is the one before
  const char* fault = nullptr;  ///< what is wrong, nullptr when nothing
  Token fault_at;
};

class ZoneScanner {
 public:
  /// text must outlive the scanner and all tokens.
  explicit ZoneScanner(std::string_view text);
  /// The next entry with at least one token or a fault; false at the end of the text.
  bool next(Entry& entry);
  /// Column of a token or place in the text, from 1.
  uint32_t column_of(const Token& token) const;
  /// The whole line that a token stands on, without its end and comment.
  std::string_view line_of(const Token& token) const;
  /// That line with the token replaced; quotes are left where they are.
  std::string line_with(const Token& token, std::string_view replacement) const;
  /// The line of the first edit with all edits that stand on it, in any order.
  std::string line_with(std::vector<Edit> edits) const;

 private:
  void fault(Entry& entry, const char* what, const char* at);
  void quoted(Entry& entry);
  void word(Entry& entry);
  void skip_line();
  void resume_after(const char* place, uint32_t line);

  std::string_view text_;
  const char* at_;
  const char* end_;
  uint32_t line_ = 1;
};

}  // namespace umaya::named
