// NAME    simple_agent - the agents that need nothing but the request: error, retry, discard
//
// DESCRIPTION
//     A connection carries one request at a time. decide() is the meaning, without I/O: the next hop is "X.Y.Z text" or
//     text; discard says that all is well, error that it failed (or has to wait, when the code begins with 4), the
//     service named retry that it has to wait.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/daemon/daemon.h"
#include "libcommon/services/delivery.h"

namespace umaya::qmgr {

enum class AgentKind : unsigned char { error, retry, discard };

/// What becomes of every recipient of the request.
struct Decision {
  services::delivery::Status status = services::delivery::Status::deferred;
  std::string dsn;
  std::string text;
};
Decision decide(AgentKind kind, std::string_view nexthop);

/// What a service of this name does.
using KindOf = AgentKind (*)(std::string_view service);
/// The whole daemon: one decision and one status line for each recipient.
int run_simple_agent(int argc, char** argv, std::string_view name, KindOf kind_of);

}  // namespace umaya::qmgr
