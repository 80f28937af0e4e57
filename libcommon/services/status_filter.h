// NAME    status_filter - default_delivery_status_filter and its kin: other words or codes for the result of a delivery
//
// SYNOPSIS
//     StatusFilter filter = StatusFilter::open(config, "smtp_delivery_status_filter");
//     filter.apply(result);      // before the status line is logged
//
// DESCRIPTION
//     The tables are asked for "X.Y.Z text"; what they say, in the same form, takes its place in the log, in notices
//     and in the reply to the queue manager. The class of the code stays: a table cannot turn a failure into a success
//     or a delay into a failure, because what is done with the message is decided already.
//
// ERRORS
//     A value of another form or class, and a table that cannot be asked, are told in the log; the result stays.
//
// LIMITS
//     Tables that answer at once (pcre, regexp, texthash, inline, lmdb …).
#pragma once

#include <string_view>

#include "libcommon/services/delivery.h"
#include "libcommon/table/maps.h"

namespace umaya::services::delivery {

class StatusFilter {
 public:
  StatusFilter() = default;
  static StatusFilter open(const config::Config& config, std::string_view parameter);
  explicit StatusFilter(table::Maps maps) : maps_(std::move(maps)) {}
  void apply(RecipientResult& result);

 private:
  table::Maps maps_;
};

}  // namespace umaya::services::delivery
