// NAME    zone_text - reads a zone file
//
// SYNOPSIS
//     ZoneTextOptions options{.apex = *Name::from_text("example.org."), .open = open_beneath(directory)};
//     RecordList records = parse_zone_text(text, "example.zone", options, problems);
//
// DESCRIPTION
//     The whole grammar of RFC 1035 5 with $TTL (RFC 2308), $ORIGIN, $INCLUDE and $GENERATE, in one pass. Every fault
//     is reported with file, line, column and what to write instead, and reading goes on behind it.
//
// LIMITS
//     $INCLUDE: depth 10, files beneath the directory of the server only, 64 files. $GENERATE: 65536 records. TTL:
//     2^31-1 s.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "named-lite/zone/problem.h"
#include "named-lite/zone/records.h"

namespace umaya::named {

/// Gives the text of a file named in $INCLUDE.
using OpenFile = std::function<Result<std::string>(std::string_view path)>;

struct ZoneTextOptions {
  Name apex;
  OpenFile open;                    ///< empty: $INCLUDE is refused
  uint64_t most_generated = 65536;  ///< records of one $GENERATE
};

RecordList parse_zone_text(std::string_view text, std::string file, const ZoneTextOptions& options, Problems& problems);

/// Opens regular files beneath directory only: neither "..", nor links that lead out, nor devices and pipes.
OpenFile open_beneath(std::string directory);

inline constexpr size_t kMostZoneText = size_t{2} << 30;

}  // namespace umaya::named
