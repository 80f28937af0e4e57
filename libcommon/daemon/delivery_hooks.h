// NAME    delivery_hooks - a daemon that is a delivery agent and nothing else
//
// SYNOPSIS
//     daemon::Hooks hooks;
//     hooks.name = "virtual";
//     daemon::serve_deliveries(hooks, deliver);
//     return daemon::run(argc, argv, std::move(hooks));
//
// DESCRIPTION
//     Sessions are requests of the queue manager (services/delivery_agent.h). At a stop connections without a request
//     are closed and the others follow after their reply; at a reload too, so that what is under way is finished with
//     the old settings and new requests go to a fresh process.
#pragma once

#include "libcommon/daemon/daemon.h"
#include "libcommon/services/delivery_agent.h"

namespace umaya::daemon {

/// Sets the session, stop and reload hooks.
void serve_deliveries(Hooks& hooks, services::delivery::DeliverAll deliver);

}  // namespace umaya::daemon
