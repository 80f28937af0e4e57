// NAME    zone_loader - from a zone's file to the image that is served
//
// SYNOPSIS
//     LoadedZone loaded = load_zone_file({.name = zone, .directory = "/var/named", .file = "db.example"}, seed,
//     problems); if (loaded.image) …
//
// DESCRIPTION
//     Reads, compiles and checks. With keep_image, a zone of more than kLeastKept records is kept as an image beside
//     its file (FILE.nlz), and is not read again as long as its files have not changed.
//
// ERRORS
//     Problems are added; the image is null when there are errors. What is wrong with a kept image only means that the
//     text is read; why an image could not be kept is told in `note`.
#pragma once

#include <string>

#include "named-lite/check/check_policy.h"
#include "named-lite/zone/image.h"
#include "named-lite/zone/problem.h"

namespace umaya::named {

struct ZoneSource {
  Name name;
  std::string directory;  ///< of the server: relative names and $INCLUDE are meant beneath it
  std::string file;
  bool keep_image = false;
  CheckPolicy policy{};
  bool is_touched = false;  ///< its file is only ever replaced or touched: that of a secondary zone
};

struct LoadedZone {
  ImagePtr image;
  bool was_kept = false;  ///< the text did not have to be read
  std::string note;       ///< one line for the log, or empty
};

/// Zones with fewer records are read faster than their image could be found.
inline constexpr size_t kLeastKept = 10'000;

/// Blocks on files. seed: of the image when it is made anew; a kept image has its own.
LoadedZone load_zone_file(const ZoneSource& source, uint64_t seed, Problems& problems);

/// Where the image of a zone is kept.
std::string image_path(const ZoneSource& source);

}  // namespace umaya::named
