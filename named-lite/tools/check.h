// NAME    check - named-lite checkconf, checkzone and compilezone (BIND's named-checkconf, named-checkzone,
// named-compilezone)
#pragma once

#include <span>
#include <string>

namespace umaya::named {

/// 0 when the configuration (with -z: and all its zones) has no error, else 1; 2 for wrong arguments.
int check_conf(std::span<char* const> arguments);

enum class ZoneTool : unsigned char {
  check,    ///< says whether a zone can be served
  compile,  ///< also writes it, and is stricter
};
/// 0 when the zone can be served, else 1; 2 for wrong arguments.
int check_zone_file(std::span<char* const> arguments, ZoneTool tool);

}  // namespace umaya::named
