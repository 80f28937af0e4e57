// NAME    xforward - tells a trusted server where a message came from (Postfix's XFORWARD extension)
#pragma once

#include <string>
#include <vector>

#include "libcommon/services/envelope.h"

namespace umaya::services {

/// The command line with every attribute that the server takes; what is not known is [UNAVAILABLE].
std::string xforward_command(const Envelope& envelope, const std::vector<std::string>& taken);

}  // namespace umaya::services
