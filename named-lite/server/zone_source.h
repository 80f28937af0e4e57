// NAME    zone_source - what a zone of the configuration is loaded from, and how it is checked
//
// SYNOPSIS
//     LoadedZone loaded = load_zone_file(zone_source(conf, zone, served), seed, problems);
#pragma once

#include "named-lite/config/named_conf.h"
#include "named-lite/zone/zone_loader.h"

namespace umaya::named {

/// The check-* options of a zone.
CheckPolicy check_policy(const ZoneConf& zone);
/// in_service: the version that is served now, or nullptr; it must outlive the source. The image is kept.
ZoneSource zone_source(const NamedConf& conf, const ZoneConf& zone, const ZoneImage* in_service);

}  // namespace umaya::named
