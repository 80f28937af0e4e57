// NAME    delivery_log - the delivery status line that every agent writes for every recipient
//
// SYNOPSIS
//     delivery::StatusLine line{.relay = "local", .dsn = result.dsn, .status = status_word(result.status)};
//     line.stages = {.arrival = envelope.arrival_usec, .active = request.active_usec, .handed = wall_usec()};
//     log::info("{}", delivery::format_status(request.envelope.queue_id, target.recipient, line));
//
// DESCRIPTION
//     ID: to=<rcpt>[, orig_to=<orig>], relay=R[, conn_use=N], delay=D, delays=a/b/c/d, dsn=X.Y.Z, status=S (text)
//     in Postfix's form, because log tools read it. Delays: a before the queue manager, b in it, c connection set-up,
//     d transmission.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/services/delivery.h"

namespace umaya::services::delivery {

/// Wall clock (microseconds) at which a delivery reached its stages; 0: not reached.
struct Stages {
  int64_t arrival = 0;    ///< the message began to arrive
  int64_t active = 0;     ///< entered the active queue
  int64_t handed = 0;     ///< the agent got it
  int64_t connected = 0;  ///< the connection was ready (network agents)
  int64_t done = 0;       ///< now
};

struct StatusLine {
  std::string_view relay = "none";
  unsigned conn_use = 0;  ///< shown from 2 on
  Stages stages{};
  std::string_view dsn{};
  std::string_view status{};  ///< "sent", "deferred", "bounced", …
  std::string_view text{};
};

/// "sent", "deferred", "bounced".
std::string_view status_word(Status status);
/// Two significant digits, at most max_decimals of them after the point, no trailing zeros: "0.05", "1.2", "12", "345".
std::string format_delay(int64_t usec, int max_decimals = 2);
/// "a/b/c/d".
std::string format_delays(const Stages& stages, int max_decimals = 2);
/// The whole line, without tag and line end; max_decimals is delay_logging_resolution_limit.
std::string format_status(std::string_view queue_id, const Recipient& recipient, const StatusLine& line,
                          int max_decimals = 2);

}  // namespace umaya::services::delivery
