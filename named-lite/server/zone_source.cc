#include "named-lite/server/zone_source.h"

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

}  // namespace umaya::named
