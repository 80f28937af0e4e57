// NAME    maildir_sync - brings the index of a Maildir up to date with its directories and with dovecot-uidlist
//
// SYNOPSIS
//     UMAYA_TRY(IdPolicy policy, IdPolicy::parse("%f", "%08Xu%08Xv"));
//     if (!is_current(folder, file.header(), policy)) { UMAYA_TRY(MailIndex index, sync_maildir(folder, file, policy));
//     }
//
// DESCRIPTION
//     Uids: dovecot-uidlist says which message has which; messages that it does not name get the next ones, in the
//     order of their delivery, and are written into it before anybody is told. A list that is missing or damaged is
//     made anew from the index, with the same uid validity, as far as the index knows it; Courier's lists are taken
//     over when there is none. So uids never change, go down or come again, whichever program served the Maildir in
//     between.
//
//     Unique ids: what the list says of a message (key P), otherwise what Dovecot would make of its uid. Messages that
//     we number get their id from pop3_uidl_format and a P in the list, so that Dovecot shows the same. But Dovecot,
//     once it has served POP3 from a Maildir, looks at no P of later messages: there new messages get no P, and the id
//     that Dovecot gives them. Two messages never have one id: the later one's is replaced by a digest.
//
//     When the list cannot be written (full disk, no permission, locked for too long) messages whose id depends on a
//     uid that they have not got are left out until it can; the others are shown.
//
// ERRORS
//     Temporary. A damaged index or list is no error.
#pragma once

#include <string_view>

#include "libcommon/base/result.h"
#include "libcommon/mailbox/maildir/index_file.h"
#include "libcommon/mailbox/maildir/unique_id.h"

namespace umaya::mailbox {

/// How unique ids are made.
struct IdPolicy {
  UniqueIdFormat own;      ///< for messages that we number
  UniqueIdFormat dovecot;  ///< for those that Dovecot numbers
  uint32_t mark = 0;       ///< changes with the format for Dovecot's
  static Result<IdPolicy> parse(std::string_view own, std::string_view dovecot);
};

/// Whether the index holds for the directories and lists as they are now. Some stat calls, nothing is read.
Result<bool> is_current(const MaildirFolder& folder, const std::optional<IndexHeader>& header, const IdPolicy& policy);

/// The messages as they are now; also written to the index, when that can be.
Result<MailIndex> sync_maildir(MaildirFolder& folder, const IndexFile& file, const IdPolicy& policy);

}  // namespace umaya::mailbox
