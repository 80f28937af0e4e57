// NAME    checker - finds the classic mistakes in a zone that was read
//
// SYNOPSIS
//     RecordList records = parse_zone_text(text, file, options, problems);
//     ZoneImage image = compile_zone(records, seed);
//     check_zone(records, image, problems, policy);
//     if (!problems.has_errors()) … the image may be served
//
// DESCRIPTION
//     Errors make a zone unfit: no SOA or NS at the apex, two SOA, CNAME beside other data, sets that no message can
//     hold. Warnings are for what will not work as meant: MX, NS or SRV at an alias, at an address or at a name without
//     one, names that no host may have, names of other zones (they are left out), aliases that lead nowhere, differing
//     TTLs in one set, records that stand twice, a mail address with @ in the SOA, a serial that did not rise,
//     wildcards that do not reach a name, addresses without PTR, SPF records that receivers reject. Each says what to
//     write instead. What can be seen in one line alone (final dots, a missing preference) is found by the parser.
//
// LIMITS
//     The searches over a whole zone (wildcards, PTR) name ten cases and count the rest.
#pragma once

#include <span>

#include "named-lite/check/check_policy.h"
#include "named-lite/zone/image.h"
#include "named-lite/zone/problem.h"
#include "named-lite/zone/records.h"

namespace umaya::named {

/// nodes: the offset of each record's node, as compile_zone() gives them; empty: they are looked up.
void check_zone(const RecordList& records, const ZoneImage& image, Problems& problems, const CheckPolicy& policy = {},
                std::span<const uint32_t> nodes = {});

/// Addresses of the zone that have no PTR where their reverse zone is served here; by itself, for it depends on other
/// zones.
void check_reverse(const RecordList& records, const ZoneImage& image, Problems& problems, const CheckPolicy& policy);

}  // namespace umaya::named
