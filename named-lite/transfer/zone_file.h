// NAME    zone_file - zone files that named-lite writes
//
// DESCRIPTION
//     What was transferred or updated is written as a zone file, so that it is served at once after a restart and can
//     be read by a person. The time of modification of a secondary's file says when a primary last confirmed it.
#pragma once

#include <cstdint>
#include <string>

#include "libcommon/base/result.h"
#include "named-lite/zone/image.h"
#include "named-lite/zone/records.h"

namespace umaya::named {

/// The path of a zone's file; empty when the configuration names none.
std::string zone_path(const std::string& directory, const std::string& file);
/// Whose file it is: what its first line says.
enum class ZoneFileKind : unsigned char { secondary, dynamic };
/// Writes the records as a zone file, whole or not at all, durably. Nothing happens when the path is empty.
Result<> write_zone_file(const std::string& path, const RecordList& records,
                         ZoneFileKind kind = ZoneFileKind::secondary);
/// When the file was last changed or touched, seconds since 1970; 0 when there is none.
int64_t file_time(const std::string& path);
/// Sets that time to so many seconds ago.
void touch_file(const std::string& path, int64_t seconds_ago = 0);

/// The times of a zone's SOA, in seconds.
struct SoaTimes {
  uint32_t refresh = 0;
  uint32_t retry = 0;
  uint32_t expire = 0;
};
SoaTimes soa_times(const ZoneImage& image);

}  // namespace umaya::named
