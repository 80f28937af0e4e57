// NAME    generate - the lines that a $GENERATE stands for
//
// DESCRIPTION
//     $GENERATE first-last[/step] owner [ttl] [class] type data: in owner and data, $ is the running number and
//     ${offset,width,base} one that is shifted, padded with zeros and written with base d, o, x, X, n or N (nibbles of
//     a reverse name); \$ or $$ is a $ sign. As in BIND.
//
// LIMITS  as many lines as the caller allows; width 255.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "libcommon/base/result.h"
#include "named-lite/zone/scanner.h"

namespace umaya::named {

struct GeneratePlan {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t step = 1;
  std::string pattern;  ///< the line with its $ signs

  /// tokens: the whole entry, "$GENERATE" included. most: lines.
  static Result<GeneratePlan> create(std::span<const Token> tokens, uint64_t most);
  /// The line for one value.
  Result<std::string> line(uint64_t value) const;
};

}  // namespace umaya::named
