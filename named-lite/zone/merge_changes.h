// NAME    merge_changes - several changes of a zone as one
#pragma once

#include <span>

#include "libcommon/base/result.h"
#include "named-lite/zone/changes.h"

namespace umaya::named {

/// The way from one serial over several steps as one change, without what was added and removed again (RFC 1995 5). The
/// steps follow one another, none removes what is not there or adds what is; there is at least one.
ZoneChange merge_changes(std::span<const ZoneChange> steps);
/// Whether steps that somebody else made may be merged: an error when they do not follow one another, or when one
/// removes what a step before has removed, or adds what one has added.
Result<> check_steps(std::span<const ZoneChange> steps);

}  // namespace umaya::named
