// NAME    counts - the names of all numbers that are counted
//
// DESCRIPTION
//     One table gives each count its name in JSON (BIND's, where BIND counts the same), in Prometheus' text, and what
//     it means. Types, opcodes and rcodes have their mnemonics.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "named-lite/statistics/page.h"

namespace umaya::named {

struct CountInfo {
  /// Where it stands in JSON: nsstats, resstats, cachestats or zonestats.
  enum class Section : unsigned char { server, resolver, cache, zone } section;
  std::string_view json;
  std::string_view metric;  ///< without "named_" and "_total"; equal ones stand one behind the other and have labels
  std::string_view labels;  ///< `transport="udp"`, or empty
  std::string_view what;
  bool gauge = false;
};

const CountInfo& count_info(Count count);
std::span<const CountInfo> count_infos();

/// "MX"; "others" for the last.
std::string type_slot_text(size_t slot);
/// "QUERY", "NOTIFY"; "RESERVED7" for what has no name.
std::string opcode_text(size_t opcode);
/// "NOERROR", "NXDOMAIN"; "RESERVED12" for what has no name.
std::string rcode_text(size_t rcode);

}  // namespace umaya::named
