// NAME    quota_limits - how much a mailbox may hold, as tables, parameters and maildirsize say it
//
// SYNOPSIS
//     UMAYA_TRY(QuotaLimits limits, parse_quota_value("50M"));
//     std::string line = print_quota_limits(limits);               // "52428800S"
//
// DESCRIPTION
//     A value of a table or parameter is a number of octets, with K, M, G or T for the powers of 1024 ("50000000",
//     "50M", "1G"); or the form of Maildir++, octets and messages ("50000000S,1000C", either part may be missing); or a
//     rule of Dovecot ("storage=1G:messages=1000", "*:bytes=50000000"), whose storage without a unit counts in KiB. 0
//     is no limit.
//
// ERRORS
//     Temporary: a value that is none of these says what to write. It never lets mail bounce.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::mailbox {

/// 0: no limit.
struct QuotaLimits {
  uint64_t bytes = 0;
  uint64_t messages = 0;
  bool operator==(const QuotaLimits&) const = default;
};

/// What a mailbox holds.
struct QuotaUse {
  uint64_t bytes = 0;
  uint64_t messages = 0;
};

/// A value of a table or parameter.
Result<QuotaLimits> parse_quota_value(std::string_view text);
/// "50000000S,1000C", the first line of maildirsize; nothing when it is not that.
std::optional<QuotaLimits> parse_quota_limits(std::string_view text);
std::string print_quota_limits(const QuotaLimits& limits);

/// Whether so many octets and messages more are within the limits.
bool has_room(const QuotaLimits& limits, const QuotaUse& used, uint64_t bytes, uint64_t messages);
/// Temporary, 4.2.2: "mailbox is full: 49000 of 50000 bytes are used", or that the message does not fit into it.
Error over_quota(const QuotaLimits& limits, const QuotaUse& used);

}  // namespace umaya::mailbox
