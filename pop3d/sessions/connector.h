// NAME    connector - connections for a process that may make none itself
//
// DESCRIPTION
//     The log-in process, which strangers talk to, may neither open files nor make or connect sockets. The parent of
//     sessions connects for it, to a fixed list of sockets (authd's and tlsmgr's), with the user and group that the
//     log-in process has, so that the servers see whom they talk to. Lines for syslog go the same way, because
//     syslog(3) connects again when the log daemon was started anew.
//
// OWNERSHIP
//     use_connector() installs itself for the life of the process.
//
// ERRORS
//     A socket that is not in the list is EACCES; a parent that does not answer in kLimit is ETIMEDOUT.
#pragma once

#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/daemon/privilege.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"

namespace umaya::pop3d {

/// Log-in process: from now on connect_unix() asks at the other end of this packet socket. own_log: lines go there too.
void use_connector(Fd channel, bool log_too);

/// Parent: answers until the channel ends. All arguments outlive the task.
event::Task<void> serve_connector(ipc::Channel* channel, const std::vector<std::string>* sockets,
                                  const daemon::Account* account);

}  // namespace umaya::pop3d
