// NAME    image_records - the records that an image was made of
//
// DESCRIPTION
//     The way back from an image: to write a zone as text, to change it, to compare two versions of it.
//     Names in data come written out; what was compressed comes in the case of the owner.
#pragma once

#include <vector>

#include "named-lite/zone/changes.h"
#include "named-lite/zone/image.h"
#include "named-lite/zone/records.h"

namespace umaya::named {

/// All records of a node, set by set. The owner is written as in the zone.
std::vector<ZoneRecord> records_at(const ZoneImage& image, const Node& node);
/// The same, added to a list as records of this file of it.
void add_records(const ZoneImage& image, const Node& node, RecordList& list, uint16_t file);
/// All records of a zone, the SOA first; they come from no file.
RecordList records_of(const ZoneImage& image);
/// Whether two data of a type say the same: names in them are compared without regard to case (RFC 2136 1.1.1).
bool same_rdata(uint16_t type, std::string_view a, std::string_view b);

}  // namespace umaya::named
