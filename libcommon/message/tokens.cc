#include "libcommon/message/tokens.h"

#include "libcommon/base/strings.h"

namespace umaya::message {
namespace {

constexpr std::string_view kSigns = "|%!()<>@,:;\\\".[]";

bool is_sign(char c) {
  return kSigns.find(c) != std::string_view::npos;
}
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 32 || c == 127;
}

/// Collects up to (not including) the closing sign, resolving backslashes; stands behind the closing sign after it.
std::string collect(std::string_view text, size_t& at, char close) {
  std::string out;
  for (; at < text.size() && text[at] != close; ++at) {
    if (text[at] == '\\' && ++at == text.size()) break;
    out += text[at];
  }
  if (at < text.size()) ++at;
  return out;
}

std::string collect_comment(std::string_view text, size_t& at) {
  size_t begin = at++;
  for (int level = 1; at < text.size() && level > 0; ++at) {
    if (text[at] == '(') ++level;
    if (text[at] == ')') --level;
    if (text[at] == '\\' && ++at == text.size()) break;
  }
  return std::string(text.substr(begin, at - begin));
}

Token collect_atom(std::string_view text, size_t& at) {
  Token token;
  for (; at < text.size() && !ascii_space(text[at]); ++at) {
    if (text[at] == '\\') {
      if (++at == text.size()) break;
    } else if (is_sign(text[at])) {
      break;
    }
    token.text += text[at];
    if (ascii_space(text[at]) || is_control(text[at]) || is_sign(text[at])) token.kind = TokenKind::quoted;
  }
  return token;
}

bool needs_space(const Token& left, const Token& right) {
  if (left.is(',') || right.is('<')) return true;
  return left.kind != TokenKind::sign && right.kind != TokenKind::sign;
}

void append_quoted(std::string& out, std::string_view text, std::string_view specials) {
  for (char c : text) {
    if (specials.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
}

enum class Form : unsigned char { internal, external };

void append(std::string& out, const Token& token, Form form) {
  switch (token.kind) {
    case TokenKind::sign:
      out += token.sign;
      break;
    case TokenKind::literal:
      out += '[';
      append_quoted(out, token.text, form == Form::external ? "\\\r\n" : "");
      out += ']';
      break;
    case TokenKind::quoted:
      if (form == Form::external) {
        out += '"';
        append_quoted(out, token.text, "\"\\\r\n");
        out += '"';
        break;
      }
      [[fallthrough]];
    case TokenKind::atom:
    case TokenKind::comment:
      out += token.text;
  }
}

std::string join(Tokens::const_iterator begin, Tokens::const_iterator end, Form form) {
  std::string out;
  for (auto it = begin; it != end; ++it) {
    append(out, *it, form);
    if (it + 1 != end && needs_space(*it, *(it + 1))) out += ' ';
  }
  return out;
}

}  // namespace

Tokens scan_tokens(std::string_view text, size_t max_tokens) {
  Tokens out;
  for (size_t at = 0; at < text.size() && out.size() < max_tokens;) {
    char c = text[at];
    if (ascii_space(c)) {
      ++at;
    } else if (c == '(') {
      out.push_back({TokenKind::comment, 0, collect_comment(text, at)});
    } else if (c == '[') {
      out.push_back({TokenKind::literal, 0, collect(text, ++at, ']')});
    } else if (c == '"') {
      out.push_back({TokenKind::quoted, 0, collect(text, ++at, '"')});
    } else if (c != '\\' && is_sign(c)) {
      out.push_back({TokenKind::sign, c, {}});
      ++at;
    } else {
      out.push_back(collect_atom(text, at));
    }
  }
  return out;
}

std::string internal_form(const Tokens& tokens) {
  return join(tokens.begin(), tokens.end(), Form::internal);
}
std::string internal_form(Tokens::const_iterator begin, Tokens::const_iterator end) {
  return join(begin, end, Form::internal);
}
std::string external_form(const Tokens& tokens) {
  return join(tokens.begin(), tokens.end(), Form::external);
}
std::string external_form(Tokens::const_iterator begin, Tokens::const_iterator end) {
  return join(begin, end, Form::external);
}

}  // namespace umaya::message
