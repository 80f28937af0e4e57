// NAME    logical_lines - lines of a configuration file with their continuations joined
//
// SYNOPSIS
//     for (const auto& line : config::logical_lines(text)) … line.text … line.number
//
// DESCRIPTION
//     Empty lines and lines whose first visible character is # are left out, also between a line and its
//     continuation. A line that starts with white space continues the one before it. The line end (LF or CRLF) goes,
//     the white space that starts a continuation stays.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace umaya::config {

struct LogicalLine {
  std::string text;
  int number = 0;  ///< of its first physical line, from 1
  int last = 0;    ///< of its last physical line
};

/// All logical lines of text. A continuation with nothing to continue comes out as a line of its own, which still
/// starts with white space.
std::vector<LogicalLine> logical_lines(std::string_view text);

}  // namespace umaya::config
