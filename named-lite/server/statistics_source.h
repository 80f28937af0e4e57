// NAME    statistics_source - the report of what is served now
#pragma once

#include <span>

#include "named-lite/server/snapshot.h"
#include "named-lite/statistics/report.h"

namespace umaya::named {

/// Views and zones of the snapshot with their numbers; the times are left to the caller. The report borrows the pages.
StatisticsReport report_on_snapshot(const Snapshot& snapshot, std::span<const StatisticsPage> pages);
/// Gives all zones of the snapshot their numbers.
void number_zones(const Snapshot& snapshot, ZoneNumbers& numbers);

}  // namespace umaya::named
