#include "named-lite/server/zone_source.h"

#include <algorithm>

#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

CheckAction action_of(CheckMode mode) {
  switch (mode) {
    case CheckMode::ignore:
      return CheckAction::ignore;
    case CheckMode::warn:
      return CheckAction::warn;
    case CheckMode::fail:
      return CheckAction::fail;
  }
  return CheckAction::warn;
}

}  // namespace

CheckPolicy check_policy(const ZoneConf& zone) {
  const CheckConf& conf = zone.settings->check;
  CheckPolicy policy;
  policy.names = action_of(zone.type == ZoneType::primary ? conf.names_primary : conf.names_secondary);
  policy.mx = action_of(conf.mx);
  policy.mx_cname = action_of(conf.mx_cname);
  policy.srv_cname = action_of(conf.srv_cname);
  policy.dup_records = action_of(conf.dup_records);
  policy.spf = action_of(conf.spf);
  policy.max_records = zone.settings->update.max_records;
  policy.max_records_per_type = zone.settings->update.max_records_per_type;
  policy.max_types_per_name = zone.settings->update.max_types_per_name;
  policy.integrity = conf.integrity;
  policy.sibling = conf.sibling;
  policy.wildcard = conf.wildcard;
  return policy;
}

ZoneSource zone_source(const NamedConf& conf, const ZoneConf& zone, const ZoneImage* in_service) {
  ZoneSource source{zone.name, conf.directory, zone.file, true, check_policy(zone)};
  source.policy.in_service = in_service;
  return source;
}

HasPtr ptr_lookup(const Catalog& catalog) {
  return [&catalog](std::string_view name) -> std::optional<bool> {
    SuffixHashes hashes(name, catalog.seed());
    const ServedZone* zone = catalog.find(hashes, hashes.labels());
    if (zone == nullptr || !zone->image) return std::nullopt;
    const ZoneImage& image = *zone->image;
    SuffixHashes own(name, image.seed());
    for (size_t labels = own.labels();; --labels) {
      const Node* node = image.find(own.suffix(labels), own.hash(labels));
      if (node == nullptr && own.suffix(labels).size() > image.apex_name().size()) continue;
      // What is given away to another server, or to a name by RFC 2317, is not ours to know.
      if (node == nullptr || node->above != 0 || (node->flags & (Node::kHasCname | Node::kHasWildcard)) != 0) {
        return std::nullopt;
      }
      return labels == own.labels() && node->find(type::kPtr) != nullptr;
    }
  };
}

std::vector<const ZoneConf*> in_load_order(const std::vector<ZoneConf>& zones) {
  constexpr std::string_view kArpa("\4arpa\0", 6);
  std::vector<const ZoneConf*> order;
  order.reserve(zones.size());
  for (const ZoneConf& zone : zones) order.push_back(&zone);
  std::stable_partition(order.begin(), order.end(),
                        [&](const ZoneConf* zone) { return is_at_or_below(zone->name.wire(), kArpa); });
  return order;
}

}  // namespace umaya::named
