// NAME    plan - who is told what about a message: the rules of RFC 3461 and of notify_classes
//
// DESCRIPTION
//     A failure goes to the sender as far as NOTIFY wants it. The null sender gets nothing: its failures are double
//     bounces and go to 2bounce_notice_recipient when notify_classes has 2bounce. A notice of ours that fails is
//     dropped with a log line. Postmaster copies (classes bounce and delay) name every recipient and bring headers
//     only.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bounce/notice.h"
#include "bounce/params.h"
#include "libcommon/services/bounce.h"

namespace umaya::bounce {

/// One notice to be posted.
struct PlannedNotice {
  NoticeKind kind = NoticeKind::failure;
  Audience audience = Audience::sender;
  std::string from;  ///< envelope sender
  std::string to;
  Returned returned = Returned::headers;
  std::vector<queue::BounceRecord> records;
};

struct Plan {
  std::vector<PlannedNotice> notices;
  bool discarded = false;  ///< it was a notice of ours to postmaster: nothing is left to be done
};

/// records: those of the log and of the request together.
Plan plan_notices(const services::bounce::Notify& request, std::span<const queue::BounceRecord> records,
                  const Params& params);

/// "sender non-delivery notification" and the like, for the log.
std::string_view describe(const PlannedNotice& notice);

/// A record for the log from what an agent reported.
queue::BounceRecord to_log_record(services::bounce::Kind kind, const services::bounce::Record& record);

}  // namespace umaya::bounce
