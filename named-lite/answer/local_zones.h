// NAME    local_zones - zones that are served without being asked for, so that questions for them stay here
//
// SYNOPSIS
//     for (LocalZone& zone : local_zones(settings, recursion, own)) catalog.add({zone.name, compile_zone(zone.records,
//     …)});
//
// DESCRIPTION
//     localhost and the reverse zones of the loopback are served by every view. A view that recurses serves the zones
//     of RFC 6303 and its kin too, empty but for SOA and NS: private and documentation addresses (RFC 1918, RFC 4193,
//     RFC 5737, RFC 6598), home.arpa (RFC 8375), empty.as112.arpa (RFC 7535), and the names invalid (RFC 6761) and
//     onion (RFC 7686).
//     A zone of the administrator wins: none is served that is at or below a zone of his own, nor above one whose
//     questions are forwarded. empty-zones-enable and disable-empty-zone leave zones out.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "named-lite/config/answer_conf.h"
#include "named-lite/zone/records.h"

namespace umaya::named {

/// A zone that the configuration names.
struct OwnZone {
  Name name;
  bool forwards = false;  ///< its questions go to other servers (forward, stub, static-stub)
};

struct LocalZone {
  Name name;
  RecordList records;
};

std::vector<LocalZone> local_zones(const AnswerConf& settings, bool recursion, std::span<const OwnZone> own);

}  // namespace umaya::named
