#include "libcommon/services/delivery_log.h"

#include <fmt/core.h>

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::services::delivery {

std::string_view status_word(Status status) {
  switch (status) {
    case Status::sent:
      return "sent";
    case Status::bounced:
      return "bounced";
    case Status::deferred:
      break;
  }
  return "deferred";
}

std::string format_delay(int64_t usec, int max_decimals) {
  constexpr int64_t kSecond = 1'000'000;
  usec = std::max<int64_t>(usec, 0);
  // Two significant digits: the first digit's place decides how many decimals there are.
  int decimals = usec >= 10 * kSecond ? 0 : usec >= kSecond ? 1 : 2;
  for (int64_t place = kSecond / 10; decimals >= 2 && decimals < 6 && usec < place && usec > 0; place /= 10) ++decimals;
  decimals = std::min(decimals, std::clamp(max_decimals, 0, 6));
  int64_t unit = kSecond;
  for (int i = 0; i < decimals; ++i) unit /= 10;
  const int64_t rounded = (usec + unit / 2) / unit * unit;
  std::string text = fmt::format("{}.{:06}", rounded / kSecond, rounded % kSecond);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string format_delays(const Stages& s, int max_decimals) {
  const int64_t a = (s.active ? s.active : s.done) - s.arrival;
  const int64_t b = s.active ? (s.handed ? s.handed : s.done) - s.active : 0;
  const int64_t c = s.handed && s.connected ? s.connected - s.handed : 0;
  const int64_t d = s.handed ? s.done - (s.connected ? s.connected : s.handed) : 0;
  return fmt::format("{}/{}/{}/{}", format_delay(a, max_decimals), format_delay(b, max_decimals),
                     format_delay(c, max_decimals), format_delay(d, max_decimals));
}

std::string format_status(std::string_view queue_id, const Recipient& recipient, const StatusLine& line,
                          int max_decimals) {
  std::string out = fmt::format("{}: to=<{}>", queue_id, recipient.address);
  if (!recipient.original.empty() && !iequals(recipient.original, recipient.address)) {
    out += fmt::format(", orig_to=<{}>", recipient.original);
  }
  out += fmt::format(", relay={}", line.relay);
  if (line.conn_use > 1) out += fmt::format(", conn_use={}", line.conn_use);
  out += fmt::format(", delay={}, delays={}, dsn={}, status={} ({})",
                     format_delay(line.stages.done - line.stages.arrival, max_decimals),
                     format_delays(line.stages, max_decimals), line.dsn, line.status, line.text);
  return out;
}

}  // namespace umaya::services::delivery
