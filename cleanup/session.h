// NAME    session - one connection of a client: message after message
#pragma once

#include "cleanup/service.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"

namespace umaya::cleanup {

/// Serves the connection until the client closes it or does not keep to the protocol; no longer than one message when
/// the process is crowded. service and process outlive the task.
event::Task<void> serve(Service& service, const daemon::Process& process, Fd fd);

}  // namespace umaya::cleanup
