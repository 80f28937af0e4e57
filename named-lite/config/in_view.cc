// What zones of `in-view` stand for.
#include <algorithm>

#include "named-lite/config/zone_index.h"
#include "named-lite/config/zone_reader.h"

namespace umaya::named {

namespace {

/// The zone that an in-view zone of view number `at` stands for; an error that says why there is none.
Result<const ZoneConf*> shared_zone(const std::vector<ViewConf>& views, const std::vector<ZoneIndex>& before, size_t at,
                                    const ZoneConf& zone) {
  const std::string view = "view \"" + zone.in_view + "\"";
  auto named =
      std::find_if(views.begin(), views.end(), [&](const ViewConf& each) { return each.name == zone.in_view; });
  if (named == views.end()) return permanent("there is no " + view);
  auto number = static_cast<size_t>(named - views.begin());
  if (number == at) return permanent("in-view names the view that the zone stands in");
  if (number > at) return permanent(view + " comes later: in-view is for views that stand before");
  const ZoneConf* there = before[number].exactly(zone.name.wire());
  if (there == nullptr) return permanent(view + " has no zone of that name");
  bool can_be_shared =
      there->type == ZoneType::primary || there->type == ZoneType::secondary || there->type == ZoneType::in_view;
  if (!can_be_shared) {
    return permanent("in " + view + " it is of type " + std::string(zone_type_text(there->type)) +
                     ": only primary and secondary zones can be shared");
  }
  return there;
}

}  // namespace

void join_views(Problems& problems, std::vector<ViewConf>& views) {
  std::vector<ZoneIndex> indexes;
  for (size_t i = 0; i < views.size(); ++i) {
    for (ZoneConf& zone : views[i].zones) {
      if (zone.type != ZoneType::in_view) continue;
      auto there = shared_zone(views, indexes, i, zone);
      if (!there) {
        problems.error(zone.place, "zone " + zone.name.text() + ": " + there.error().what);
        continue;
      }
      if ((*there)->type == ZoneType::in_view) zone.in_view = (*there)->in_view;
      zone.settings = (*there)->settings;
    }
    indexes.emplace_back(views[i].zones);
  }
}

}  // namespace umaya::named
