// NAME    discard - takes mail and throws it away
//
// SYNOPSIS
//     discard [Postfix's daemon options]
//
// DESCRIPTION
//     Every recipient is said to be delivered; the next hop is the reason for the log, "discard:we do not want this".
//
// RECEIVES FROM
//     qmgr(8)
//
// PRIVILEGE
//     mail_owner; no file, no network.
//
// SEE ALSO
//     qmgr(8), error(8), transport(5)
#include "queue-manager/simple_agent.h"

int main(int argc, char** argv) {
  using umaya::qmgr::AgentKind;
  auto kind_of = [](std::string_view) { return AgentKind::discard; };
  return umaya::qmgr::run_simple_agent(argc, argv, "discard", kind_of);
}
