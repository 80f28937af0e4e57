// NAME    tokens - the words, quoted strings, comments and signs of an RFC 822 address list
//
// SYNOPSIS
//     auto list = message::scan_tokens("\"a b\"@example.com (c)");
//     std::string plain = message::internal_form(list);    // a b@example.com (c)
//     std::string quoted = message::external_form(list);   // "a b"@example.com (c)
//
// DESCRIPTION
//     A flat list; it knows nothing of what an address is. '%', '!' and '|' are signs of their own, because routing
//     looks for them. Backslashes are resolved in words; a word that needs quotes afterwards becomes a quoted string.
//
// LIMITS
//     scan_tokens stops quietly after max_tokens tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace umaya::message {

enum class TokenKind : unsigned char { atom, quoted, comment, literal, sign };

struct Token {
  TokenKind kind = TokenKind::atom;
  char sign = 0;     ///< for TokenKind::sign: one of ( ) < > @ , : ; . [ ] " \ % ! |
  std::string text;  ///< atom, quoted, literal: without quotes, brackets and backslashes; comment: as written

  bool is(char c) const { return kind == TokenKind::sign && sign == c; }
  bool is_word() const { return kind == TokenKind::atom || kind == TokenKind::quoted; }
  bool operator==(const Token&) const = default;
};

using Tokens = std::vector<Token>;

Tokens scan_tokens(std::string_view text, size_t max_tokens = 10240);
/// Without quotes and backslashes: the form that tables and the queue hold ("a b@example.com").
std::string internal_form(const Tokens& tokens);
std::string internal_form(Tokens::const_iterator begin, Tokens::const_iterator end);
/// With quotes where they are needed: the form of headers and SMTP.
std::string external_form(const Tokens& tokens);
std::string external_form(Tokens::const_iterator begin, Tokens::const_iterator end);

}  // namespace umaya::message
