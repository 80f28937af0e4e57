// NAME    session_lock - one POP3 session for a Maildir (RFC 1939 section 4)
//
// DESCRIPTION
//     A flock(2) on the Maildir's directory, which needs neither room on the disk nor anything to clean up. Where the
//     file system has no locks on directories, on the file umaya-pop3.lock in it. A session of Dovecot with
//     pop3_lock_session counts too: its dovecot-pop3-session.lock, younger than five minutes.
//
// OWNERSHIP
//     The lock goes with the object.
#pragma once

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/mailbox/maildir/maildir_folder.h"

namespace umaya::mailbox {

/// sys_errno EBUSY: another session has it. The descriptor is the lock.
Result<Fd> take_session_lock(const MaildirFolder& folder);

}  // namespace umaya::mailbox
