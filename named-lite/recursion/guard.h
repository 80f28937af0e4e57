// NAME    guard - answers from outside that must not reach the inside
//
// DESCRIPTION
//     deny-answer-addresses and deny-answer-aliases: a name outside that is given an address inside turns browsers
//     against the inner net ("rebinding"). An answer with such a record is refused as a whole.
#pragma once

#include "named-lite/recursion/meaning.h"
#include "named-lite/recursion/settings.h"

namespace umaya::named {

/// May these steps be used? False: refused.
bool is_permitted(const ViewRecursion& view, const std::vector<Step>& steps);

}  // namespace umaya::named
