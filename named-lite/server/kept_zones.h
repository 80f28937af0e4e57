// NAME    kept_zones - what the keeper of dynamic zones must know, out of the configuration
//
// SYNOPSIS
//     keeper.configure(snapshot.journal, kept_zones(snapshot));
#pragma once

#include <vector>

#include "named-lite/server/snapshot.h"
#include "named-lite/update/zone_keeper.h"

namespace umaya::named {

/// The zones that UPDATE changes, as the snapshot has them.
std::vector<KeptZone> kept_zones(const Snapshot& snapshot);

}  // namespace umaya::named
