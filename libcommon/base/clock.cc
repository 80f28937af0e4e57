#include "libcommon/base/clock.h"

#include <stdlib.h>
#include <time.h>

#include <cstdio>

#include "libcommon/base/strings.h"

namespace umaya {

static int64_t initial_offset() {
  const char* text = secure_getenv("UMAYA_CLOCK_OFFSET");
  return text ? parse_int(text).value_or(0) * 1'000'000 : 0;
}

static int64_t& wall_offset() {
  static int64_t offset = initial_offset();
  return offset;
}

int64_t wall_usec() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1000 + wall_offset();
}

void shift_wall_clock(int64_t usec) {
  wall_offset() += usec;
}

static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string rfc5322_date(int64_t seconds) {
  time_t when = seconds;
  tm local;
  localtime_r(&when, &local);
  long offset = local.tm_gmtoff / 60;
  char text[96];
  snprintf(text, sizeof text, "%s, %d %s %04d %02d:%02d:%02d %c%02ld%02ld (%s)", kDays[local.tm_wday], local.tm_mday,
           kMonths[local.tm_mon], local.tm_year + 1900, local.tm_hour, local.tm_min, local.tm_sec,
           offset < 0 ? '-' : '+', std::labs(offset) / 60, std::labs(offset) % 60, local.tm_zone);
  return text;
}

std::string syslog_time(int64_t seconds) {
  time_t when = seconds;
  tm local;
  localtime_r(&when, &local);
  char text[32];
  snprintf(text, sizeof text, "%s %2d %02d:%02d:%02d", kMonths[local.tm_mon], local.tm_mday, local.tm_hour,
           local.tm_min, local.tm_sec);
  return text;
}

}  // namespace umaya
