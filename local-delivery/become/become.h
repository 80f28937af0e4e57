// NAME    become - the daemon's side of private/become: one forked worker for each connection
#pragma once

#include "libcommon/daemon/daemon.h"

namespace umaya::local_delivery {

/// Gets ready to fork: children are reaped by the kernel.
Result<void> prepare_become(daemon::Process& process);

/// Nothing in the configuration matters here.
void reload_become(daemon::Process& process);

/// Reads who is to be worked for, and forks the worker that takes the connection over.
event::Task<void> become_session(daemon::Process& process, Fd connection, event::PeerAddress peer);

}  // namespace umaya::local_delivery
