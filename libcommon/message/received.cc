#include "libcommon/message/received.h"

#include <fmt/format.h>

#include <ctime>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/message/address.h"

namespace umaya::message {

std::string safe_trace_text(std::string_view text, bool keep_utf8) {
  std::string out = printable(text, keep_utf8);
  for (char& c : out) {
    if (c == '(' || c == ')' || c == ';' || c == '\\' || c == '"' || c == '<' || c == '>') c = '?';
  }
  return out;
}

std::string received_from(const ReceivedFrom& r) {
  bool utf8 = r.protocol.starts_with("UTF8");
  std::string out = "Received: ";
  if (!r.hide_client) {
    fmt::format_to(std::back_inserter(out), "from {} ({} [{}])\r\n\t",
                   safe_trace_text(r.helo.empty() ? r.client_name : r.helo, utf8), safe_trace_text(r.client_name),
                   safe_trace_text(r.client_address));
  }
  if (!r.hide_client) out.append(r.tls);
  if (!r.auth_user.empty()) {
    fmt::format_to(std::back_inserter(out), "(Authenticated sender: {})\r\n\t", safe_trace_text(r.auth_user, utf8));
  }
  fmt::format_to(std::back_inserter(out), "by {} ({}) with {}", r.myhostname, r.mail_name, r.protocol);
  if (!r.queue_id.empty()) out.append(" id ").append(r.queue_id);
  if (!r.recipient.empty()) {
    fmt::format_to(std::back_inserter(out), "\r\n\tfor <{}>", printable(to_external(r.recipient), utf8));
  }
  return out.append("; ").append(rfc5322_date(r.seconds)).append("\r\n");
}

std::string received_local(const ReceivedLocal& r) {
  std::string from = r.uid >= 0 ? fmt::format(", from userid {}", r.uid) : "";
  return fmt::format("Received: by {} ({}{})\r\n\tid {}; {}\r\n", r.myhostname, r.mail_name, from, r.queue_id,
                     rfc5322_date(r.seconds));
}

std::string make_message_id(int64_t seconds, std::string_view queue_id, std::string_view myhostname) {
  time_t when = seconds;
  tm utc{};
  gmtime_r(&when, &utc);
  return fmt::format("<{:04}{:02}{:02}{:02}{:02}{:02}.{}@{}>", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, queue_id, myhostname);
}

}  // namespace umaya::message
