// NAME    checker - finds the classic mistakes in a zone that was read
//
// SYNOPSIS
//     RecordList records = parse_zone_text(text, file, options, problems);
//     ZoneImage image = compile_zone(records, seed);
//     check_zone(records, image, problems);
//     if (!problems.has_errors()) … the image may be served
//
// DESCRIPTION
//     Errors make a zone unfit: no SOA or NS at the apex, two SOA, names outside the zone, CNAME beside other data.
//     Warnings are for what will not work as meant: MX, NS or SRV at an alias, at an address or at a name without one,
//     names that no host may have, aliases that lead nowhere, differing TTLs in one set, a mail address with @ in the
//     SOA. Each says what to write instead. What can be seen in one line alone (final dots, a missing preference) is
//     found by the parser.
#pragma once

#include "named-lite/zone/image.h"
#include "named-lite/zone/problem.h"
#include "named-lite/zone/records.h"

namespace umaya::named {

void check_zone(const RecordList& records, const ZoneImage& image, Problems& problems);

}  // namespace umaya::named
