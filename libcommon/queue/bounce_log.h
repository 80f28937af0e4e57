// NAME    bounce_log - records of the bounce, defer and trace logs of a message
//
// SYNOPSIS
//     UMAYA_CHECK(queue::append_bounce_records("bounce/4F0A1BC23DE", records));   // durable when it returns
//     queue::BounceLogReader log(text);
//     while (auto record = log.next()) …
//
// DESCRIPTION
//     A log is text: for each recipient lines "name=value", then "end=" with the CRC-32C of those lines, then an empty
//     line. Values have \n, \r and \\ written as escapes. A record that was not written to its end (power cut, full
//     disk) or that was damaged is passed over and counted; the ones around it are still found.
//
// ERRORS
//     When appending fails the file is cut back to its former size.
//
// LIMITS
//     A record of more than 64 KiB is passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "libcommon/queue/envelope.h"

namespace umaya::queue {

/// What happened to one recipient, for a notice (RFC 3464).
struct BounceRecord {
  static constexpr std::string_view kName = "bounce_record";

  Recipient recipient;
  uint64_t offset = 0;    ///< of the recipient in the queue file; tells two equal addresses apart
  std::string status;     ///< enhanced status code, "5.1.1"
  std::string action;     ///< "failed", "delayed", "delivered", "relayed", "expanded"
  std::string diag_type;  ///< "smtp" or "x-unix", empty when there is no diagnostic code
  std::string diag_text;
  std::string mta_type;  ///< "dns", empty when no remote MTA spoke
  std::string mta_name;
  std::string reason;  ///< for a person

  static void visit(auto& self, auto&& v) {
    v("recipient", self.recipient);
    v("offset", self.offset);
    v("status", self.status);
    v("action", self.action);
    v("diag_type", self.diag_type);
    v("diag_text", self.diag_text);
    v("mta_type", self.mta_type);
    v("mta_name", self.mta_name);
    v("reason", self.reason);
  }
};

/// The text of one record, with the empty line that ends it.
std::string encode_bounce_record(const BounceRecord& record);

class BounceLogReader {
 public:
  /// Borrows the text.
  explicit BounceLogReader(std::string_view text) : rest_(text) {}
  /// The next whole record; nothing at the end.
  std::optional<BounceRecord> next();
  /// Records passed over so far because they were torn or damaged.
  size_t damaged() const { return damaged_; }

 private:
  std::string_view rest_;
  size_t damaged_ = 0;
};

/// Appends the records under a lock and syncs file and, when it is new, directory. Blocks the thread.
Result<> append_bounce_records(const std::string& path, std::span<const BounceRecord> records);

}  // namespace umaya::queue
