// NAME    worker - the process that works for one user: takes jobs from a connection until it is closed
//
// DESCRIPTION
//     run_worker() is what the forked child of become does; it never returns. Blocking reads, no event loop, no log:
//     what is to be logged goes back as text.
#pragma once

#include "libcommon/base/fd.h"
#include "libcommon/services/become.h"

namespace umaya::local_delivery {

/// Gives up all rights but start's and answers jobs on the connection.
[[noreturn]] void run_worker(Fd connection, const services::become::Start& start);

/// Answers jobs until the connection is closed or says something that is no job. For the child and for tests.
void serve_jobs(int connection, services::become::Role role);

}  // namespace umaya::local_delivery
