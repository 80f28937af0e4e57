// NAME    clock - the one source of wall time and monotonic time
//
// DESCRIPTION
//     Wall time is for what a person or a file sees; waiting is done on monotonic time only, so a jump of the clock
//     expires nothing. Tests shift the wall clock; nothing else may call time() or gettimeofday().
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace umaya {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;

/// Microseconds since 1970-01-01 UTC.
int64_t wall_usec();
/// Seconds since 1970-01-01 UTC.
inline int64_t wall_seconds() {
  return wall_usec() / 1'000'000;
}
inline TimePoint monotonic_now() {
  return std::chrono::steady_clock::now();
}

/// For tests: adds this many microseconds to wall_usec() from now on. UMAYA_CLOCK_OFFSET (seconds) sets the initial
/// value when the environment has it and the process is not privileged.
void shift_wall_clock(int64_t usec);

/// "Sun, 22 Nov 2026 04:18:03 +0900 (JST)": RFC 5322 3.3, local time zone.
std::string rfc5322_date(int64_t seconds);
/// "Nov 22 04:18:03": the time stamp of a syslog line, local time.
std::string syslog_time(int64_t seconds);

}  // namespace umaya
