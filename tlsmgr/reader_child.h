// NAME    reader_child - the process that reads key files, to its end
#pragma once

#include <string>
#include <vector>

#include "libcommon/config/config.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/table/maps.h"
#include "tlsmgr/reader_protocol.h"

namespace umaya::tlsmgr {

/// Gives up all of root but reading, and answers on fd until the other end is closed.
[[noreturn]] void run_reader_child(const daemon::Process& process, int fd, std::vector<std::string> paths);

/// What the child answers to a look-up.
LookupAnswer look_up_now(table::Maps& maps, const std::string& name);

/// The certificates that this configuration and its master.cf name.
ConfigurationAnswer configuration_of(const config::Config& config);

}  // namespace umaya::tlsmgr
