// NAME    virtual_service - the hooks of the virtual daemon
#pragma once

#include "libcommon/daemon/daemon.h"

namespace umaya::local_delivery {

Result<void> prepare_virtual(daemon::Process& process);
event::Task<void> virtual_session(daemon::Process& process, Fd connection, event::PeerAddress peer);

}  // namespace umaya::local_delivery
