// NAME    privileges - giving up the rights of root for good
//
// DESCRIPTION
//     For a process that was just forked and does nothing else. After drop_privileges() the process has the uid, gid
//     and groups that were asked for, real, effective and saved, cannot get others back, has no capability, inherits no
//     descriptor but the one kept, has default signal actions, a session of its own, no core dumps and umask 077.
//     uid 0 exists for the mailbox role only, and then without any capability: it may write where root owns the file,
//     as anybody else where they own it, and nowhere else.
//     The mailbox role also gets no_new_privs and cannot be traced by its user; commands do not, because a user's
//     command may run set-gid programs such as postdrop.
//
// ERRORS
//     When any step fails the process must end without touching a file (attack L18).
#pragma once

#include "libcommon/base/result.h"
#include "libcommon/services/become.h"

namespace umaya::local_delivery {

/// Closes every descriptor but keep (which becomes 3) and standard ones (which become /dev/null).
Result<> isolate(int keep);

Result<> drop_privileges(const services::become::Start& start);

}  // namespace umaya::local_delivery
