// NAME    journal_entry - a change of a zone, and where its journal stands, as octets of the journal
//
// DESCRIPTION
//     A step is a ZoneChange with its length and checksum: what was written by another version of the format or was
//     damaged is not taken for a change. Numbers are little endian.
//
// ERRORS
//     Permanent: "the journal is damaged …".
//
// LIMITS  1 GiB for one step.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "named-lite/zone/changes.h"

namespace umaya::named {

/// Where the journal of a zone stands. Its steps are numbered: [first_step, next_step).
struct JournalState {
  uint64_t first_step = 1;
  uint64_t next_step = 1;
  uint64_t file_step = 1;     ///< the first step that the zone file lacks
  uint32_t first_serial = 0;  ///< where the first step begins
  uint32_t last_serial = 0;   ///< where the last step ends
  uint32_t file_serial = 0;   ///< of the zone file
  uint64_t octets = 0;        ///< of all steps

  uint64_t steps() const { return next_step - first_step; }
  bool operator==(const JournalState&) const = default;
};

std::string encode_state(const JournalState& state);
Result<JournalState> decode_state(std::string_view octets);

std::string encode_step(const ZoneChange& change);
/// The serials alone, to look for a step without reading it.
struct StepSerials {
  uint32_t from = 0;
  uint32_t to = 0;
};
Result<StepSerials> decode_serials(std::string_view octets);
Result<ZoneChange> decode_step(std::string_view octets);

}  // namespace umaya::named
