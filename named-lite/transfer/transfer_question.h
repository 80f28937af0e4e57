// NAME    transfer_question - the questions for a zone's SOA, for a zone, and for what is new in it
//
// SYNOPSIS
//     std::string packet = zone_question(zone, type::kAxfr, id);
//     std::string packet = ixfr_question(soa_record(image), id);
//     if (auto serial = serial_in_question(packet, query)) …            // else FORMERR
//
// DESCRIPTION
//     RFC 1034 4.3.5, RFC 5936 2.1, RFC 1995 3: an IXFR carries the SOA of the version that the client has in its
//     authority section.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "named-lite/answer/query.h"
#include "named-lite/zone/changes.h"

namespace umaya::named {

/// A question for a zone's SOA or for the zone, without EDNS.
std::string zone_question(const Name& zone, uint16_t type, uint16_t id);
/// A question for what is new since the version with this SOA.
std::string ixfr_question(const ZoneRecord& soa, uint16_t id);

/// The serial that an IXFR question says the client has; nothing when it does not carry exactly one whole SOA of the
/// zone (D20).
std::optional<uint32_t> serial_in_question(std::string_view packet, const Query& query);
/// The serial that a NOTIFY tells in its answer section (RFC 1996 3.7); nothing when it tells none.
std::optional<uint32_t> serial_in_notify(std::string_view packet, const Query& query);
/// Header and question of the messages that answer a question for a transfer.
std::string transfer_head(const Query& query, std::string_view packet);

}  // namespace umaya::named
