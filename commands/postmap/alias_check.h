// NAME    alias_check - names in an alias file that exist nowhere
//
// SYNOPSIS
//     report_missing_names(config, "/etc/aliases", entries);
//
// DESCRIPTION
//     Mail to a local name that is neither an alias nor a user would bounce for every message to the list. Each such
//     name is reported with file and line, and with the name that was most likely meant: two items that make one
//     existing name when a "," is read as "." (k,kikk for k.kikk), or an existing name that differs in one or two
//     letters. Addresses with a domain, commands, files and :include: are left alone. These are warnings: the table is
//     made.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/config/config.h"
#include "libcommon/table/source.h"

namespace umaya::postmap {

struct MissingName {
  int line = 0;
  std::string alias;  ///< the left-hand side
  std::string name;
  std::string cure;  ///< "write \"k.kikk\" instead of \"k,kikk\"", or empty
};

/// exists tells whether a local name has somewhere to go; users are the names to propose.
std::vector<MissingName> find_missing_names(const std::vector<table::SourceEntry>& entries,
                                            const std::function<bool(std::string_view)>& exists,
                                            const std::vector<std::string>& users);

/// Looks at users and the tables of alias_maps, and logs a warning for each.
void report_missing_names(const config::Config& config, const std::string& path,
                          const std::vector<table::SourceEntry>& entries);

}  // namespace umaya::postmap
