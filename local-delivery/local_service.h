// NAME    local_service - what the local daemon does
#pragma once

#include "libcommon/daemon/daemon.h"
#include "libcommon/services/delivery_agent.h"

namespace umaya::local_delivery {

Result<void> prepare_local(daemon::Process& process);
event::Task<services::delivery::Reply> deliver_by_local(const services::delivery::Job& job);

}  // namespace umaya::local_delivery
