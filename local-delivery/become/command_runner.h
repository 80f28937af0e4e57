// NAME    command_runner - runs one program with a message on its standard input, and tells how it ended
//
// SYNOPSIS
//     services::become::Ended ended = run_command(run, message_fd);
//
// DESCRIPTION
//     Blocking code for a worker that has the user's rights already. The program gets exactly the arguments,
//     environment and working directory that are named, descriptors 0, 1 and 2 only, default signals, no controlling
//     terminal and a session of its own. Its standard input is the message; that it stops reading early is no error.
//     Standard output and error are read, the first bytes of them are kept. When the time limit is over its whole
//     process group is killed. A program that leaves others running in the background is not waited for longer than its
//     own life.
//
// ERRORS
//     End::not_started with the reason: no such program or directory, no process; the mail is to be tried again.
//
// LIMITS
//     kOutputKept bytes of output.
#pragma once

#include <string>
#include <vector>

#include "libcommon/services/become.h"

namespace umaya::local_delivery {

inline constexpr size_t kOutputKept = 4096;

services::become::Ended run_command(const services::become::Run& run, int message);

}  // namespace umaya::local_delivery
