#include "named-lite/update/serial.h"

#include <ctime>

#include "named-lite/dns/wire_record.h"

namespace umaya::named {

uint32_t next_serial(uint32_t serial, SerialMethod method, int64_t now) {
  uint32_t wanted = 0;
  if (method == SerialMethod::unix_time) wanted = static_cast<uint32_t>(now);
  if (method == SerialMethod::date) {
    std::tm day{};
    time_t moment = static_cast<time_t>(now);
    gmtime_r(&moment, &day);
    wanted = static_cast<uint32_t>((day.tm_year + 1900) * 1000000 + (day.tm_mon + 1) * 10000 + day.tm_mday * 100);
  }
  if (wanted != 0 && serial_is_newer(wanted, serial)) return wanted;
  return serial + 1 == 0 ? 1 : serial + 1;
}

}  // namespace umaya::named
