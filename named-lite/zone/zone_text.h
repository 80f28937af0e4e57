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

#include <string>
#include <string_view>

#include "named-lite/zone/problem.h"
#include "named-lite/zone/records.h"
#include "named-lite/zone/source_file.h"

namespace umaya::named {

struct ZoneTextOptions {
  Name apex;
  OpenFile open;                    ///< empty: $INCLUDE is refused
  uint64_t most_generated = 65536;  ///< records of one $GENERATE
};

RecordList parse_zone_text(std::string_view text, std::string file, const ZoneTextOptions& options, Problems& problems);

}  // namespace umaya::named
