// NAME    print - statements of named.conf as text again
//
// SYNOPSIS
//     std::vector<Statement> top = parse_config_text(text, file, open, problems);
//     fmt::print("{}", print_conf(top, Secrets::masked));
//
// DESCRIPTION
//     One statement a line, blocks indented by a tab, no comments; what was included stands where it was included. Of a
//     tree without errors the text reads as the same tree, but for files and lines (and secrets that are not shown).
#pragma once

#include <string>
#include <vector>

#include "named-lite/config/tree.h"

namespace umaya::named {

/// What stands in the place of secrets: of keys, and the cookie-secret.
enum class Secrets : unsigned char {
  shown,
  masked,  ///< question marks, for people: no longer a configuration that can be read
  blank,   ///< those of keys by zeros: can be read by a process that need not know them; cookie-secret is shown
};

std::string print_conf(const std::vector<Statement>& top, Secrets secrets);

/// Whether two trees have the same words and blocks, wherever they stand.
bool same_statements(const std::vector<Statement>& left, const std::vector<Statement>& right);

}  // namespace umaya::named
