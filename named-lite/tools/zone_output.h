// NAME    zone_output - a zone as text, in BIND's two styles
#pragma once

#include <string>

#include "named-lite/zone/image.h"

namespace umaya::named {

enum class ZoneStyle : unsigned char {
  full,      ///< each record whole, on a line of its own, with absolute names
  relative,  ///< names relative to the zone, an owner only where it changes
};

/// SOA first, then name by name in the order of RFC 4034 6.1, parents before children.
std::string zone_output(const ZoneImage& image, ZoneStyle style);

}  // namespace umaya::named
