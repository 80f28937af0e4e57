// NAME    mailbox_limits - the quota of a mailbox as a delivery agent knows it
//
// DESCRIPTION
//     What the table says for a recipient, or the default for who is not in it. A value that cannot be read defers the
//     mail and says table, key and cure; it never bounces it, and never lets a mailbox grow without limit.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libcommon/mailbox/quota_limits.h"
#include "libcommon/services/become.h"
#include "libcommon/services/delivery.h"
#include "libcommon/table/table.h"

namespace umaya::local_delivery {

/// Parameters by their names, for what is said about them.
struct LimitNames {
  std::string_view table;
  std::string_view otherwise;
};

/// found is the answer of the table for key; otherwise is the value of the default, empty for no limit.
Result<mailbox::QuotaLimits> limits_from(const table::Lookup& found, std::string_view key, const std::string& otherwise,
                                         const LimitNames& names);

void set_limits(services::become::Mailbox& mailbox, const mailbox::QuotaLimits& limits, bool bounces);

/// The question that a job is under these flags of a request.
services::become::Purpose purpose_of(uint32_t flags);
/// What the worker said of a mailbox that was asked about.
services::delivery::MailboxUse use_of(const services::become::Delivered& answer, const mailbox::QuotaLimits& limits);

}  // namespace umaya::local_delivery
