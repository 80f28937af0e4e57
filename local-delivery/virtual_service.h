// NAME    virtual_service - what the virtual daemon does
#pragma once

#include "libcommon/daemon/daemon.h"
#include "libcommon/services/delivery_agent.h"

namespace umaya::local_delivery {

Result<void> prepare_virtual(daemon::Process& process);
event::Task<services::delivery::Reply> deliver_by_virtual(const services::delivery::Job& job);

}  // namespace umaya::local_delivery
