// NAME    prefetch - brings the parts of large zones near that a batch of questions will need
//
// DESCRIPTION
//     In a zone of a million names each look-up waits for memory twice, for the index and for the node. Asked for
//     together for a batch, ahead of answering, they come at the same time. Zones that fit into the caches of a
//     processor are left alone, since the names would be hashed for nothing.
#pragma once

#include <span>
#include <string_view>

#include "named-lite/answer/catalog.h"

namespace umaya::named {

/// Packets as they came; what is no question is passed over.
void prefetch_answers(const Catalog& catalog, std::span<const std::string_view> packets);

}  // namespace umaya::named
