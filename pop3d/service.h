// NAME    service - what pop3d does at start and for each connection
#pragma once

#include "libcommon/daemon/daemon.h"

namespace umaya::pop3d {

Result<void> prepare(daemon::Process& process);
daemon::SandboxPolicy sandbox(const daemon::Process& process);
event::Task<void> session(daemon::Process& process, Fd fd, event::PeerAddress peer);
void stop(daemon::Process& process);

}  // namespace umaya::pop3d
