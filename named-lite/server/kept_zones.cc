#include "named-lite/server/kept_zones.h"

#include "named-lite/server/zone_source.h"
#include "named-lite/transfer/zone_file.h"

namespace umaya::named {

namespace {

UpdateRules update_rules(const ZoneConf& conf) {
  const UpdateConf& update = conf.settings->update;
  UpdateRules rules;
  rules.access = {update.allow_update, conf.update_policy};
  rules.limits = {update.max_records, update.max_records_per_type, update.max_types_per_name};
  rules.serial_method = update.serial_method;
  return rules;
}

}  // namespace

std::vector<KeptZone> kept_zones(const Snapshot& snapshot) {
  std::vector<KeptZone> zones;
  for (const auto& view : snapshot.views) {
    for (const ZoneConf& conf : view->conf.zones) {
      if (!is_dynamic(conf)) continue;
      KeptZone zone;
      zone.id = {view->conf.name, std::string(conf.name.lower().wire())};
      zone.label = zone_label(conf, view->conf.name);
      zone.path = zone_path(snapshot.conf.directory, conf.file);
      zone.rules = update_rules(conf);
      uint64_t most = conf.settings->update.max_journal_size;
      if (most != kUnlimited) zone.most_journal = most;
      zone.file_differences = brings_differences(conf);
      zone.image = view->catalog.image_of(zone.id.zone);
      zone.read_file = [source = zone_source(snapshot.conf, conf, nullptr), seed = view->catalog.seed()] {
        Problems problems;
        return load_zone_file(source, seed, problems).image;
      };
      zones.push_back(std::move(zone));
    }
  }
  return zones;
}

}  // namespace umaya::named
