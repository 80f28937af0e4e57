// NAME    mailbox_room - whether a mailbox has room for a message that is still to come
//
// DESCRIPTION
//     Blocking code for a worker that has the user's rights already. A mailbox that is not there is empty, and is not
//     made. The size of a message that is only announced is what its sender says (RFC 1870), in octets on the wire;
//     without one the question is whether the mailbox takes anything at all.
#pragma once

#include "libcommon/base/result.h"
#include "libcommon/mailbox/quota_limits.h"
#include "libcommon/services/become.h"

namespace umaya::local_delivery {

inline mailbox::QuotaLimits limits_of(const services::become::Mailbox& where) {
  return {where.quota_bytes, where.quota_messages};
}

/// Fills in what the mailbox of the request holds; the error of a delivery when there is no room.
Result<> ask_room(const services::become::Deliver& request, services::become::Delivered& answer);

}  // namespace umaya::local_delivery
