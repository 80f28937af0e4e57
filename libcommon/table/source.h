// NAME    source - the text files that tables are made from
//
// SYNOPSIS
//     table::read_map_source(text, {.on_entry = …, .on_problem = …});       // "key value" lines (postmap)
//     table::read_alias_source(text, {.on_entry = …, .on_problem = …});     // "name: value" lines (postalias)
//
// DESCRIPTION
//     LogicalLines joins continuation lines: a line that starts with white space continues the one before it; empty
//     lines and lines whose first visible character is # do not count, also between a line and its continuation.
//     A map key ends at the first white space outside double quotes and stays as written (quotes too), as Postfix wants
//     address keys in their external form. An alias key is stored without quotes, its value with them.
//
// ERRORS
//     A bad line is reported with its number and the cure, and left out; reading goes on.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::table {

struct SourceLine {
  std::string text;
  int first = 0;  ///< number of its first physical line, from 1
  int last = 0;
};

/// Pulls logical lines out of text, which must outlive the reader.
class LogicalLines {
 public:
  explicit LogicalLines(std::string_view text) : text_(text) {}
  /// A line that starts with white space has nothing to continue: it comes out as it is.
  std::optional<SourceLine> next();

 private:
  std::string_view physical_line();
  std::string_view text_;
  size_t at_ = 0;
  int number_ = 0;
};

struct SourceEntry {
  std::string key;
  std::string value;
  int line = 0;
};

struct SourceHandlers {
  std::function<void(SourceEntry entry)> on_entry;
  /// A line that was left out (or looks wrong), for "FILE, line N: WHAT".
  std::function<void(int line, std::string what)> on_problem;
};

void read_map_source(std::string_view text, const SourceHandlers& handlers);
void read_alias_source(std::string_view text, const SourceHandlers& handlers);

/// The whole text of a regular file, pipe or device. Temporary error; "open NAME: …" or "read NAME: …".
Result<std::string> read_source_file(const std::string& path);

}  // namespace umaya::table
