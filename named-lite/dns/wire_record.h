// NAME    wire_record - reads the records of a message that came from the network
//
// SYNOPSIS
//     WireRecord record;
//     while (…) if (!read_record(message, at, record)) return malformed;
//
// DESCRIPTION
//     Names are written out (wire.h). The data of a type that types.h describes must fit its layout to the last octet.
//
// ERRORS
//     False: the message is malformed; what was appended to an output is then of no use.
//
// LIMITS  255 octets for a name, 65535 for data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "named-lite/dns/wire.h"
#include "named-lite/zone/changes.h"

namespace umaya::named {

struct WireRecord {
  std::string owner;
  uint16_t type = 0;
  uint16_t cls = 0;
  uint32_t ttl = 0;
  std::string rdata;
  bool has_data = false;  ///< the length of the data was not 0
};

/// How data are looked at: must fit the type, or may also be missing (the classes ANY and NONE of UPDATE, RFC
/// 2136 2.4).
enum class WireData : unsigned char { whole, whole_or_none };

/// Reads the record at this place and moves behind it.
bool read_record(std::string_view message, size_t& at, WireRecord& record, WireData data = WireData::whole);

/// The data with the letters of its names in lower case: two records are the same when this is (RFC 4034 6.2).
std::string canonical_rdata(uint16_t type, std::string_view rdata);
/// Owner, type and data are the same, without regard to the case of names.
bool same_record(const ZoneRecord& a, const ZoneRecord& b);

/// The serial in the data of a SOA.
inline uint32_t soa_serial(std::string_view rdata) {
  return be32_at(rdata, rdata.size() - 20);
}
/// Puts another serial into the data of a SOA.
void set_soa_serial(std::string& rdata, uint32_t serial);

/// RFC 1982 3.2: serials wrap.
inline bool serial_is_newer(uint32_t serial, uint32_t than) {
  return static_cast<int32_t>(serial - than) > 0;
}

}  // namespace umaya::named
