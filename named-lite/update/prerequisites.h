// NAME    prerequisites - whether a zone is as an UPDATE wants it to be
#pragma once

#include <cstdint>
#include <vector>

#include "named-lite/dns/wire_record.h"
#include "named-lite/update/zone_edit.h"

namespace umaya::named {

/// RFC 2136 3.2: NOERROR, or NXDOMAIN, YXDOMAIN, NXRRSET, YXRRSET for the first prerequisite that does not hold. The
/// records were parsed by parse_update().
uint16_t check_prerequisites(const ZoneEdit& zone, const std::vector<WireRecord>& prerequisites);

}  // namespace umaya::named
