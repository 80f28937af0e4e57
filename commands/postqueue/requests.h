// NAME    requests - what postqueue asks of showq and qmgr
#pragma once

#include <string>

#include "libcommon/config/config.h"
#include "libcommon/services/qmgr.h"

namespace umaya::postqueue {

enum class Listing : unsigned char { text, json };

/// Prints the queue on standard output. Without showq, root gets it from the files themselves. Gives the exit status.
int list_queue(const config::Config& config, Listing form);

/// Asks the queue manager for something. Gives the exit status.
int command(const config::Config& config, services::qmgr::Verb verb, const std::string& argument);

}  // namespace umaya::postqueue
