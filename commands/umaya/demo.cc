#include "commands/umaya/commands.h"
#include "libcommon/log/log.h"

namespace umaya::commands {

int demo(const Invocation&, const std::vector<std::string>&) { log::fatal("demo: comes with the first whole route"); }

}  // namespace umaya::commands
