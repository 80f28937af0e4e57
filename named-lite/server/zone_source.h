// NAME    zone_source - what a zone of the configuration is loaded from, and how it is checked
//
// SYNOPSIS
//     LoadedZone loaded = load_zone_file(zone_source(conf, zone, served), seed, problems);
#pragma once

#include <vector>

#include "named-lite/answer/catalog.h"
#include "named-lite/config/named_conf.h"
#include "named-lite/zone/zone_loader.h"

namespace umaya::named {

/// The check-* options of a zone.
CheckPolicy check_policy(const ZoneConf& zone);
/// The image is kept. in_service: the version that is served now, or nullptr; it must outlive the source.
ZoneSource zone_source(const NamedConf& conf, const ZoneConf& zone, const ZoneImage* in_service);
/// Looks for PTRs in the zones of a catalog, which must outlive the function.
HasPtr ptr_lookup(const Catalog& catalog);
/// The zones with those first that others are checked against: reverse zones.
std::vector<const ZoneConf*> in_load_order(const std::vector<ZoneConf>& zones);

}  // namespace umaya::named
