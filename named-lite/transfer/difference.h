// NAME    difference - what an incremental transfer brings, out of the journal
//
// SYNOPSIS
//     auto change = difference_to(*journal, zone, *image, serial, ratio);
//     if (!change) … the whole zone …
//
// DESCRIPTION
//     The steps of the journal from a client's version to the image as one change, without what came and went between
//     them (RFC 1995 5). When the journal is ahead of the image, the steps up to the image count.
//
// LIMITS
//     The journal is read as far as it holds four times what may be sent.
#pragma once

#include <optional>

#include "named-lite/update/journal.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

/// Octets of the records of a change, the SOAs not counted, and of those of a zone, in a transfer; about.
uint64_t transfer_octets(const ZoneChange& change);
uint64_t transfer_octets(const ZoneImage& image);

/// Nothing when the journal does not lead from that serial to the image, or when the change is larger than ratio per
/// cent of the zone (0: however large). Blocks on the disk.
std::optional<ZoneChange> difference_to(Journal& journal, const ZoneId& zone, const ZoneImage& image, uint32_t serial,
                                        unsigned ratio);

}  // namespace umaya::named
