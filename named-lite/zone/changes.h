// NAME    changes - what one version of a zone has that the other has not
//
// SYNOPSIS
//     ZoneChange change{.from_serial = 7, .to_serial = 8, .removed = {…}, .added = {…}};
//
// DESCRIPTION
//     The one form in which a difference between two versions of a zone travels inside named-lite: an UPDATE (RFC 2136)
//     makes it, the journal keeps it, IXFR (RFC 1995) sends and brings it, and an image is changed by it. The old SOA
//     is the first record of `removed`, the new SOA the first of `added`, as in a difference sequence of IXFR.
//
// LIMITS
//     Records are whole: a set whose TTL changes is removed and added again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace umaya::named {

/// One record without compression. Two records are the same when owner (without regard to case), type and data are.
struct ZoneRecord {
  std::string owner;  ///< wire form, in the case in which it was written
  uint16_t type = 0;
  uint32_t ttl = 0;   ///< seconds
  std::string rdata;  ///< names in it are written out

  bool operator==(const ZoneRecord&) const = default;
};

/// The way from one serial to the next.
struct ZoneChange {
  uint32_t from_serial = 0;
  uint32_t to_serial = 0;
  std::vector<ZoneRecord> removed;
  std::vector<ZoneRecord> added;

  bool operator==(const ZoneChange&) const = default;
};

}  // namespace umaya::named
