// NAME    change_image - the next version of a zone from the one before
//
// SYNOPSIS
//     UMAYA_TRY(ImagePtr next, apply_change(current, change));
//     if (should_be_merged(*next)) next = merged(*next);             // in another thread
//
// DESCRIPTION
//     Small zones are compiled anew. Of a large one, only what changes is written: the nodes, the pages of the index
//     that lead to them, the list of pages, a header. They come behind the former version in the same memory, so that
//     former versions and processes that have mapped them go on undisturbed, and the new one shares all else with them.
//     When the room behind the zone is used up, it is compiled anew, too.
//
// ERRORS
//     permanent, and the zone is as it was: the change does not begin at its serial, or does not put one SOA in the
//     place of another; a record that is to be removed is not there, one that is to be added is there already, or lies
//     outside of the zone.
//
// LIMITS
//     A delegation or DNAME that comes or goes above existing names makes the whole zone be compiled.
#pragma once

#include "libcommon/base/result.h"
#include "named-lite/zone/changes.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

/// From this number of records on, a zone is changed in place.
inline constexpr size_t kLargeZone = 20'000;

Result<ImagePtr> apply_change(const ImagePtr& before, const ZoneChange& change, size_t large_zone = kLargeZone);
/// Whether so much of the image is out of use that it is worth while to write it anew.
bool should_be_merged(const ZoneImage& image);
/// The same zone compiled anew.
ImagePtr merged(const ZoneImage& image);

}  // namespace umaya::named
