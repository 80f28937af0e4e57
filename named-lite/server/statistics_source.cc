#include "named-lite/server/statistics_source.h"

#include "libcommon/base/clock.h"

namespace umaya::named {

namespace {

/// "ex.test" as BIND names it; "." for the root.
std::string name_without_dot(const Name& name) {
  std::string text = name.text();
  if (text.size() > 1) text.pop_back();
  return text;
}

}  // namespace

void number_zones(const Snapshot& snapshot, ZoneNumbers& numbers) {
  for (const auto& view : snapshot.views) {
    for (const auto& zone : view->catalog.zones()) zone->number = numbers.number(view->conf.name, zone->name);
  }
}

StatisticsReport report_on_snapshot(const Snapshot& snapshot, std::span<const StatisticsPage> pages) {
  StatisticsReport report;
  report.version = "named-lite";
  report.now = wall_seconds();
  report.pages = pages;
  for (const auto& view : snapshot.views) {
    for (const ZoneConf& conf : view->conf.zones) {
      if (conf.settings->statistics == ZoneStatistics::none) continue;
      ReportedZone zone;
      zone.view = report.views.size();
      zone.name = name_without_dot(conf.name);
      zone.type = zone_type_text(conf.type);
      std::string wire(conf.name.lower().wire());
      if (const ServedZone* served = view->catalog.zone(wire)) {
        if (served->image) zone.serial = served->image->header().serial;
        zone.number = served->number;
      }
      report.zones.push_back(std::move(zone));
    }
    report.views.push_back(view->conf.name);
  }
  return report;
}

}  // namespace umaya::named
