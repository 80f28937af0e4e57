// NAME    pipe_service - the hooks of the pipe daemon, and what it runs for a message
#pragma once

#include "libcommon/daemon/daemon.h"
#include "local-delivery/agent.h"
#include "local-delivery/pipe_arguments.h"
#include "local-delivery/pipe_params.h"
#include "local-delivery/workers.h"

namespace umaya::local_delivery {

Result<void> prepare_pipe(daemon::Process& process);
event::Task<services::delivery::Reply> deliver_by_pipe(const services::delivery::Job& job);

/// What is run for a request; an error is for the mail: permanent for a message over size=, else temporary.
Result<services::become::Run> pipe_run(const PipeCommand& command, const PipeParams& params,
                                       const services::delivery::Request& request);

}  // namespace umaya::local_delivery
