// NAME    hints - where the root is served, before anybody has told us
//
// SYNOPSIS
//     Delegation root = root_from_hints(hints, port);       // no hints: the public root
//     auto hints = parse_root_hints(text, "db.cache");      // a zone of type hint
//
// DESCRIPTION
//     A hint file is a zone file with the NS records of the root and the addresses of their targets, as it is found
//     at ftp.rs.internic.net and written by hand for a root of one's own.
//
// ERRORS
//     Nothing when the file names no server of the root with an address.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "named-lite/recursion/delegations.h"
#include "named-lite/recursion/settings.h"
#include "named-lite/zone/problem.h"

namespace umaya::named {

/// The servers of the public root.
std::vector<RootHint> built_in_hints();
std::optional<std::vector<RootHint>> parse_root_hints(std::string_view text, std::string file, Problems& problems);
Delegation root_from_hints(const std::vector<RootHint>& hints, uint16_t port);

}  // namespace umaya::named
