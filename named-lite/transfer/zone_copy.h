// NAME    zone_copy - what a primary sent becomes the zone of a secondary, on the disk and in memory
//
// SYNOPSIS
//     CopyResult result = take_zone(copy, records, former, seed);       // AXFR
//     CopyResult result = take_steps(copy, former, steps);              // IXFR
//     if (result.image) … serve it …; if (!result.saved) … save_copy(copy, *image) in a while …
//
// DESCRIPTION
//     A whole zone is compiled, checked and written to its file. Steps go to the journal, and the image of before is
//     changed in place (zone/change_image.h); the file follows later, as with UPDATE. At every moment the file with the
//     journal behind it is the zone of before or the new one: what does not follow from the other is cleared first.
//     With ixfr-from-differences a whole zone becomes a step of the journal, too.
//
// ERRORS
//     In `error`: nothing was changed, and the zone of before holds. In `warning`: the zone is good, but is not saved;
//     after a restart an older one is served until the primary is asked.
//
// LIMITS
//     All calls block on the disk: they belong on a worker's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "named-lite/update/journal.h"
#include "named-lite/zone/change_image.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

/// Where the copy of a zone is kept.
struct ZoneCopy {
  ZoneId id;
  std::string path;                  ///< of its file; empty: none
  std::shared_ptr<Journal> journal;  ///< shared with the snapshot and all who work in threads; null: none
  uint64_t most_journal = 0;         ///< octets; 0: twice the zone
  bool differences = false;          ///< ixfr-from-differences
};

struct CopyResult {
  ImagePtr image;     ///< null: see error
  ZoneChange change;  ///< of take_steps(): what led to it
  std::string error;
  std::string warning;
  bool saved = false;  ///< the file has all of it
};

/// former: what is served; may be null.
CopyResult take_zone(const ZoneCopy& copy, const RecordList& records, const ImagePtr& former, uint64_t seed);
/// The steps begin at the former image.
CopyResult take_steps(const ZoneCopy& copy, const ImagePtr& former, const std::vector<ZoneChange>& steps,
                      size_t large_zone = kLargeZone);
/// Writes the file.
Result<> save_copy(const ZoneCopy& copy, const ZoneImage& image);
/// Whether the journal has grown beyond its size, so that the file should be written.
bool wants_saving(const ZoneCopy& copy, const ZoneImage& image);

}  // namespace umaya::named
