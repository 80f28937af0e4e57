// NAME    image_lookup - single names and sets of an image as records
//
// SYNOPSIS
//     if (const Node* node = find_node(image, name)) … node_records(image, *node) …
#pragma once

#include <string_view>
#include <vector>

#include "named-lite/zone/changes.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

/// The node of a name in any case; nullptr when the zone does not have it.
const Node* find_node(const ZoneImage& image, std::string_view name);
/// All records of a node, the SOA first.
std::vector<ZoneRecord> node_records(const ZoneImage& image, const Node& node);
/// The SOA.
ZoneRecord soa_record(const ZoneImage& image);
/// Calls visit(node) for each node that has records.
template <class Visit>
void each_owner(const ZoneImage& image, Visit visit) {
  uint64_t cursor = 0;
  while (const Node* node = image.next(cursor)) {
    if (node->rrset_count > 0) visit(*node);
  }
}

}  // namespace umaya::named
