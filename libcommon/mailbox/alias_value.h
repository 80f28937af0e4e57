// NAME    alias_value - the right-hand side of an alias, and the lines of .forward and :include: files
//
// SYNOPSIS
//     UMAYA_TRY(auto targets, parse_alias_value("kim, \"|/bin/cmd -x\", :include:/etc/list", {}));
//     UMAYA_TRY(auto targets, parse_alias_lines(text_of_forward_file, {}));
//
// DESCRIPTION
//     aliases(5): targets are separated by commas. A target is an address, \user (deliver to the mailbox of the user
//     without looking at aliases or .forward), |command, /file/name, /directory/ (Maildir) or :include:/file/name.
//     Text in double quotes is one piece; "|command with, comma" is a command. (Comments), a full name before <address>
//     and empty targets are left out. Addresses come in internal form: quotes and backslashes are taken away.
//     "|x"@example.com is an address and not a command. In files each line is a value of its own; lines that start with
//     '#' are comments.
//
// ERRORS
//     Temporary: what is wrong, and with lines, where. A mistake in such a file must not send mail back.
//
// LIMITS
//     See AliasLimits; parsing is linear in the size of the input.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::mailbox {

enum class TargetKind : unsigned char { address, mailbox, command, file, include };

struct AliasTarget {
  TargetKind kind = TargetKind::address;
  std::string text;  ///< address, user name (mailbox), command line, or absolute path

  bool operator==(const AliasTarget&) const = default;
};

struct AliasLimits {
  size_t targets = 100'000;         ///< targets in one value or file
  size_t target_length = 8 * 1024;  ///< bytes of one target
};

/// One value. Line ends within it are white space.
Result<std::vector<AliasTarget>> parse_alias_value(std::string_view value, const AliasLimits& limits);
/// A whole file, one value a line.
Result<std::vector<AliasTarget>> parse_alias_lines(std::string_view text, const AliasLimits& limits);

}  // namespace umaya::mailbox
