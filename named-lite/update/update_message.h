// NAME    update_message - an UPDATE as it came from the network
//
// SYNOPSIS
//     UpdateMessage update;
//     uint16_t rcode = parse_update(packet, update);           // FORMERR, or 0
//
// DESCRIPTION
//     RFC 2136 2: the zone, what must be there or not (prerequisites), and what is to be changed. Whether a record may
//     stand in its section is looked at here as far as the zone's name and class are enough (3.2, 3.4.1).
//     Signatures (RFC 3007) are the caller's to check.
//
// LIMITS  One message; as many records as fit 64 KiB.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "named-lite/dns/wire_record.h"

namespace umaya::named {

struct UpdateMessage {
  std::string zone;  ///< wire form, lower case
  uint16_t cls = 0;
  std::vector<WireRecord> prerequisites;
  std::vector<WireRecord> updates;
};

/// Reads a packet with the opcode UPDATE. Gives the response code that parsing alone decides on: NOERROR, FORMERR or
/// NOTZONE. The zone is filled in as soon as it is known.
uint16_t parse_update(std::string_view packet, UpdateMessage& update);

}  // namespace umaya::named
