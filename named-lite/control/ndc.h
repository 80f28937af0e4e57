// NAME    ndc - the command that controls a running named-lite
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "named-lite/control/target.h"

namespace umaya::named {

/// ndc [-c file] [-s socket] [-q] command …: 0 when it was done, 1 when it was not, 2 for wrong arguments.
int run_ndc(std::span<char* const> arguments);

/// Sends one command line; blocks until it is answered or the connection fails.
Result<ControlReply> send_command(const std::string& socket, std::string_view line);

}  // namespace umaya::named
