// NAME    serial - the serial that follows when a zone is changed by an UPDATE
#pragma once

#include <cstdint>

#include "named-lite/config/update_conf.h"

namespace umaya::named {

/// The serial behind this one, never 0 (RFC 2136 7.11): one more, or the time (seconds since 1970, or YYYYMMDD00 of the
/// day) when that is newer (RFC 1982).
uint32_t next_serial(uint32_t serial, SerialMethod method, int64_t now);

}  // namespace umaya::named
