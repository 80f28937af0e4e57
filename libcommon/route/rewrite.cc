#include "libcommon/route/rewrite.h"

#include <algorithm>

#include "libcommon/message/address.h"

namespace umaya::route {
namespace {

using message::Token;
using message::TokenKind;
using message::Tokens;

constexpr size_t kNone = std::string::npos;

size_t find_first(const Tokens& tokens, char sign) {
  auto at = std::find_if(tokens.begin(), tokens.end(), [sign](const Token& t) { return t.is(sign); });
  return at == tokens.end() ? kNone : static_cast<size_t>(at - tokens.begin());
}

size_t find_last(const Tokens& tokens, char sign) {
  for (size_t i = tokens.size(); i-- > 0;) {
    if (tokens[i].is(sign)) return i;
  }
  return kNone;
}

Token sign(char c) {
  return {TokenKind::sign, c, {}};
}

void append_text(Tokens& tokens, std::string_view text) {
  for (Token& token : message::scan_tokens(text)) tokens.push_back(std::move(token));
}

/// "@a,@b:user@host" keeps user@host.
bool strip_source_route(Tokens& tokens) {
  if (!tokens.front().is('@')) return false;
  size_t colon = find_first(tokens, ':');
  if (colon == kNone || colon + 1 == tokens.size()) return false;
  tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(colon) + 1);
  return true;
}

/// "host!user" to "user@host", at the first '!'.
bool swap_bang(Tokens& tokens) {
  size_t bang = find_first(tokens, '!');
  if (bang == kNone) return false;
  std::rotate(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(bang) + 1, tokens.end());
  Tokens::iterator host = tokens.end() - static_cast<std::ptrdiff_t>(bang) - 1;
  // host… '!' stands at the end now; the sign goes in front of the host and becomes '@'.
  std::rotate(host, tokens.end() - 1, tokens.end());
  *host = sign('@');
  return true;
}

void add_domain(Tokens& tokens, const RewriteRules& rules, Steps* steps) {
  auto show = [&](std::string_view rule) {
    if (steps != nullptr) note(steps, rule, message::external_form(tokens));
  };
  if (rules.swap_bangpath && swap_bang(tokens)) return show("swap_bangpath");
  if (size_t percent = find_last(tokens, '%'); rules.percent_hack && percent != kNone) {
    tokens[percent] = sign('@');
    return show("allow_percent_hack");
  }
  if (rules.origin.empty()) return;
  tokens.push_back(sign('@'));
  append_text(tokens, rules.origin);
  show("append_at_myorigin");
}

/// Whether what follows the last '@' is one plain label.
bool has_short_domain(const Tokens& tokens) {
  size_t at = find_last(tokens, '@');
  if (at == kNone || at == 0 || at + 1 == tokens.size()) return false;
  return std::none_of(tokens.begin() + static_cast<std::ptrdiff_t>(at) + 1, tokens.end(),
                      [](const Token& t) { return t.is('.') || t.kind == TokenKind::literal; });
}

bool strip_final_dot(Tokens& tokens) {
  if (tokens.size() < 2 || !tokens.back().is('.') || find_last(tokens, '@') == kNone) return false;
  const Token& before = tokens[tokens.size() - 2];
  if (before.is('.') || before.is('@')) return false;
  tokens.pop_back();
  return true;
}

}  // namespace

void rewrite_tokens(Tokens& tokens, const RewriteRules& rules, Steps* steps) {
  if (tokens.empty()) return;
  auto show = [&](std::string_view rule) {
    if (steps != nullptr) note(steps, rule, message::external_form(tokens));
  };
  if (strip_source_route(tokens)) show("source route removed");
  if (find_last(tokens, '@') == kNone) add_domain(tokens, rules, steps);
  if (!rules.domain.empty() && has_short_domain(tokens)) {
    tokens.push_back(sign('.'));
    append_text(tokens, rules.domain);
    show("append_dot_mydomain");
  }
  if (strip_final_dot(tokens)) show("final dot removed");
}

std::string rewrite(std::string_view address, const RewriteRules& rules, Steps* steps) {
  if (address.empty()) return {};
  Tokens tokens = message::scan_tokens(message::to_external(address));
  rewrite_tokens(tokens, rules, steps);
  return message::internal_form(tokens);
}

}  // namespace umaya::route
