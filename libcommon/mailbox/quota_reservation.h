// NAME    quota_reservation - room in a Maildir for the messages of one batch
//
// SYNOPSIS
//     UMAYA_TRY(auto room, QuotaReservation::begin(maildir, limits));
//     if (auto error = room.reserve(octets)) …over quota…        // for each message
//     room.write();
//     …link the files…
//     room.give_back(octets);                                    // for each that got none
//
// DESCRIPTION
//     From begin() to the end of the object the MaildirSizeLock is held, so that of two deliveries at the same time the
//     second sees what the first took: the limit is never passed, not by one message, and a message that fits to the
//     last octet is taken. Other servers that add mail without the lock may pass it by what they add meanwhile.
//     The line is written before the files get their names. A process that dies in between leaves a sum that is too
//     high, which is counted anew as soon as the mailbox seems full; the other order would leave one that is too low,
//     which nobody would notice.
//     A Maildir without limits whose owner has a maildirsize, from another server, gets its lines, too, and is never
//     full.
//
// ERRORS
//     begin(): temporary, when the Maildir cannot be counted or is locked for too long. A line that cannot be written
//     is no error: the file is removed, and counted anew by whoever needs it.
#pragma once

#include <cstdint>
#include <optional>

#include "libcommon/mailbox/maildirsize.h"

namespace umaya::mailbox {

class QuotaReservation {
 public:
  static Result<QuotaReservation> begin(int maildir, const QuotaLimits& limits);

  /// Takes room for one message; the error when there is none.
  std::optional<Error> reserve(uint64_t octets);
  /// Whether there would be room for one more of this size, at least.
  std::optional<Error> would_refuse(uint64_t octets);
  /// Adds the line for what was reserved.
  void write();
  /// After write(): a message of this size was not put into the Maildir after all.
  void give_back(uint64_t octets);

 private:
  QuotaReservation() = default;
  Result<void> open(int maildir, const QuotaLimits& limits);

  std::optional<MaildirSizeLock> lock_;
  Fd root_;                          ///< none: there is nothing to count
  std::optional<MaildirSize> size_;  ///< with limits only
  uint64_t bytes_ = 0, messages_ = 0;
};

}  // namespace umaya::mailbox
