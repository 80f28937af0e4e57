// NAME    rewrite - addresses in their complete form user@domain
//
// SYNOPSIS
//     std::string full = route::rewrite("user", rules);            // user@example.com
//     std::string full = route::rewrite("host!user", rules);       // user@host.example.com
//
// DESCRIPTION
//     What Postfix's trivial-rewrite does: source routes are cut off, host!user and user%host are turned round when
//     there is no "@", a missing domain is added, a domain of one label is completed, a final dot is removed.
//     Addresses are in internal form. The empty address stays empty.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/message/tokens.h"

namespace umaya::route {

struct RewriteRules {
  std::string origin;  ///< added as "@origin"; empty: addresses without domain stay as they are
  std::string domain;  ///< added as ".domain" to a domain of one label; empty: not
  bool swap_bangpath = true;
  bool percent_hack = true;
};

/// One thing that was done or decided, for `umaya explain` and `sendmail -bt`.
struct Step {
  std::string rule;    ///< parameter or table: "append_dot_mydomain", "virtual_alias_maps"
  std::string result;  ///< what came of it
};
using Steps = std::vector<Step>;

/// Notes a step when somebody wants to know.
inline void note(Steps* steps, std::string_view rule, std::string_view result) {
  if (steps != nullptr) steps->push_back({std::string(rule), std::string(result)});
}

std::string rewrite(std::string_view address, const RewriteRules& rules, Steps* steps = nullptr);
/// The same on tokens; for the resolver, which goes on from them.
void rewrite_tokens(message::Tokens& tokens, const RewriteRules& rules, Steps* steps = nullptr);

}  // namespace umaya::route
