// NAME    tree - named.conf as statements, before their meaning is looked at
//
// SYNOPSIS
//     std::vector<Statement> top = parse_config_text(text, "/etc/bind/named.conf", open, problems);
//
// DESCRIPTION
//     A statement is words and blocks up to a semicolon: zone "x" { type primary; file "x.zone"; }; Comments are
//     /* … */, // … and # …; a word in quotes may hold anything. `include "file";` is replaced by the statements of
//     that file. Each word knows its file, line and column. After a fault reading goes on, so that all are found.
//
// LIMITS  include depth 10; blocks 20 deep; 64 MiB of text in all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "named-lite/zone/problem.h"
#include "named-lite/zone/zone_text.h"

namespace umaya::named {

struct Statement;

/// A word, a quoted string or a block of a statement.
struct Part {
  enum class Kind : unsigned char { word, quoted, block } kind = Kind::word;
  std::string text;
  std::vector<Statement> block;
  uint32_t line = 0;
  uint32_t column = 0;

  bool is_block() const { return kind == Kind::block; }
};

struct Statement {
  std::vector<Part> parts;  ///< never empty
  std::string file;

  /// The first word.
  const std::string& name() const { return parts[0].text; }
  /// Word i, or an empty one.
  std::string_view word(size_t i) const {
    return i < parts.size() && !parts[i].is_block() ? std::string_view(parts[i].text) : std::string_view();
  }
  /// The first block; nullptr when there is none.
  const Part* block() const {
    for (const Part& part : parts) {
      if (part.is_block()) return &part;
    }
    return nullptr;
  }
  Place place(size_t part = 0) const {
    const Part& at = part < parts.size() ? parts[part] : parts.back();
    return {file, at.line, at.column};
  }
};

std::vector<Statement> parse_config_text(std::string_view text, std::string file, const OpenFile& open,
                                         Problems& problems);

}  // namespace umaya::named
