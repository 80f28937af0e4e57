// NAME    mbox_delivery - appends messages to a mailbox file under Debian's locks
//
// SYNOPSIS
//     MboxRules rules{.owner = uid, .locks = {MboxLock::fcntl, MboxLock::dotlock}};
//     std::vector<Result<>> results = deliver_mbox(spool.get(), "kim", rules, messages);
//
// DESCRIPTION
//     Blocking code for a process that runs as the mailbox's owner. The file is opened and locked (mbox_lock.h). Then
//     the messages are appended, each with a "From " line, the delivery head, its text with mboxrd quoting and an empty
//     line; the file is flushed; then the locks go.
//     The whole batch is one locked append. A message that cannot be written is cut off again; when the flush fails the
//     file is cut back to where it was.
//
// ERRORS
//     One result for each message; all temporary but one: the size limit of the mailbox is 5.2.2. Over quota is 4.2.2,
//     its measure the size of the file. Sizes are 64 bits.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/mailbox/maildir_delivery.h"
#include "libcommon/mailbox/mbox/mbox_lock.h"

namespace umaya::mailbox {

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
