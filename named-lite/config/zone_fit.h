// NAME    zone_fit - which statements a zone of a type may have
//
// DESCRIPTION
//     As with BIND: allow-update is for primary zones, primaries are for zones that come from other servers, and so on.
//     What stands in the wrong zone is an error, because something else was meant.
#pragma once

#include "named-lite/config/tree.h"
#include "named-lite/config/zone_conf.h"

namespace umaya::named {

/// Reports the statement when zones of that type do not have it.
void check_fit(Problems& problems, const Statement& statement, ZoneType type);

}  // namespace umaya::named
