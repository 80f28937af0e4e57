// NAME    check - named-lite checkconf and checkzone (named-checkconf, named-checkzone)
#pragma once

#include <span>
#include <string>

namespace umaya::named {

/// named-checkconf [-z] [-p] [-v] [file]: 0 when the configuration (with -z: and all its zones) has no error, else 1.
int check_conf(std::span<char* const> arguments);
/// named-checkzone [-q] zone file: 0 when the zone can be served, else 1.
int check_zone_file(std::span<char* const> arguments);

}  // namespace umaya::named
