// NAME    instance - the directories of an instance, and whether it runs
//
// DESCRIPTION
//     An instance is a configuration directory; its queue lies in queue_directory, what it remembers in data_directory.
//     Owners and modes are those of Postfix's layout, except that public/ and private/ may be searched by everybody:
//     sockets say for themselves who may connect (sockets.h). An instance of an ordinary user belongs to that user
//     throughout.
#pragma once

#include <string>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/config/config.h"

namespace umaya::daemon {

/// Makes missing directories and mends owners and modes. Gives what was done or could not be, a line each.
Result<std::vector<std::string>> prepare_directories(const config::Config& config);
/// Process id of the running master, 0 when the instance does not run.
pid_t running_master(const config::Config& config);

}  // namespace umaya::daemon
