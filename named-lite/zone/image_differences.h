// NAME    image_differences - what one image of a zone has that the other has not
#pragma once

#include "named-lite/zone/changes.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

/// The change that leads from one image to the other (ixfr-from-differences). Both are of the same zone.
ZoneChange image_differences(const ZoneImage& before, const ZoneImage& after);
/// Whether a change does anything but replace the SOA.
bool changes_data(const ZoneChange& change);

}  // namespace umaya::named
