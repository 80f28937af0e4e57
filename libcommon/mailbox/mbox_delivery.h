// NAME    mbox_delivery - appends messages to a mailbox file under Debian's locks
//
// SYNOPSIS
//     MboxRules rules{.owner = uid, .locks = {MboxLock::fcntl, MboxLock::dotlock}};
//     std::vector<Result<>> results = deliver_mbox(spool.get(), "kim", rules, messages);
//
// DESCRIPTION
//     Blocking code for a process that runs as the mailbox's owner. The file is opened without following links, must be
//     a regular file with one link (and, with strict ownership, the owner's), is locked as configured, and it is made
//     sure that its name still means the same file. Then the messages are appended, each with a "From " line, the
//     delivery head, its text with mboxrd quoting and an empty line; the file is flushed; then the locks go.
//     A dotlock that somebody else holds makes us give back the fcntl lock while waiting, so that programs that lock in
//     the opposite order are not blocked for ever.
//     The whole batch is one locked append. A message that cannot be written is cut off again; when the flush fails the
//     file is cut back to where it was.
//
// ERRORS
//     One result for each message; all temporary but one: the size limit of the mailbox is 5.2.2. Sizes are 64 bits.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/mailbox/maildir_delivery.h"

namespace umaya::mailbox {

enum class MboxLock : unsigned char { fcntl, flock, dotlock };
/// Whether a directory in which no dotlock can be made stops the delivery (a system mailbox) or not (any other file).
enum class DotlockNeed : unsigned char { required, if_possible };

struct MboxRules {
  std::optional<uid_t> owner;  ///< strict_mailbox_ownership: nobody else's file is written to
  std::vector<MboxLock> locks{MboxLock::fcntl, MboxLock::dotlock};  ///< mailbox_delivery_lock, in order
  DotlockNeed dotlock = DotlockNeed::required;
  int lock_attempts = 20;                                ///< deliver_lock_attempts
  Duration lock_delay = std::chrono::seconds(1);         ///< deliver_lock_delay
  Duration stale_lock_time = std::chrono::seconds(500);  ///< stale_lock_time
};

/// An mbox message: head without a "From " line, which is made from sender.
struct MboxMessage {
  MailboxMessage message;
  std::string sender;  ///< empty: the null sender, written MAILER-DAEMON
};

/// Appends all messages to the file of this name in directory; one result for each. begins, when given, gets the offset
/// of each message's "From " line; meaningless where the message was not delivered.
std::vector<Result<>> deliver_mbox(int directory, const std::string& name, const MboxRules& rules,
                                   std::span<const MboxMessage> messages, std::vector<uint64_t>* begins = nullptr);

/// "From sender Sun Nov 22 04:18:03 2026\n"; white space and control bytes of the sender become '_' and '?'.
std::string from_line(std::string_view sender, int64_t seconds);

}  // namespace umaya::mailbox
