// NAME    apply_update - what an UPDATE does to a zone
//
// SYNOPSIS
//     ZoneEdit edit(*image);
//     UpdateResult result = apply_update(edit, update, client, rules, now);
//     if (result.change) …                    // to be written to the journal before the answer
//
// DESCRIPTION
//     RFC 2136 3.2 to 3.7: permission, prerequisites, each change in turn, the serial. All of it happens or nothing
//     does. What would break the zone is passed over in silence, as the RFC wants it: taking away the SOA or the last
//     NS of the zone, a CNAME beside other data, a SOA that is not newer.
//
// LIMITS
//     ChangeLimits: beyond them the whole update is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "named-lite/update/policy.h"
#include "named-lite/update/serial.h"
#include "named-lite/update/update_message.h"
#include "named-lite/update/zone_edit.h"

namespace umaya::named {

/// What a zone may grow to (D27).
struct ChangeLimits {
  size_t records = 0;             ///< of the zone; 0: no limit
  size_t records_per_type = 100;  ///< 0: no limit
  size_t types_per_name = 100;    ///< 0: no limit
};

struct UpdateRules {
  UpdateAccess access;
  ChangeLimits limits;
  SerialMethod serial_method = SerialMethod::increment;
};

struct UpdateResult {
  uint16_t rcode = 0;
  std::string why;                   ///< for the log, when the code is not NOERROR
  std::optional<ZoneChange> change;  ///< nothing: the zone stays as it was
};

/// now: seconds since 1970. The zone in edit is changed only when there is a change in the result.
UpdateResult apply_update(ZoneEdit& edit, const UpdateMessage& update, const UpdateRequester& client,
                          const UpdateRules& rules, int64_t now);

}  // namespace umaya::named
