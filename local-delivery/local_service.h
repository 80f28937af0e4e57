// NAME    local_service - the hooks of the local daemon
#pragma once

#include "libcommon/daemon/daemon.h"

namespace umaya::local_delivery {

Result<void> prepare_local(daemon::Process& process);
event::Task<void> local_session(daemon::Process& process, Fd connection, event::PeerAddress peer);

}  // namespace umaya::local_delivery
