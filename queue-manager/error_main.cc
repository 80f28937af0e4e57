// NAME    error - returns or defers mail with a reason given by the tables
//
// SYNOPSIS
//     error [Postfix's daemon options]
//
// DESCRIPTION
//     The next hop is the reason, with an enhanced status code in front of it: "error:5.1.1 no such user" in
//     transport_maps. A code that begins with 4 lets the mail wait. Under the service name retry everything waits.
//
// RECEIVES FROM
//     qmgr(8)
//
// PRIVILEGE
//     mail_owner; no file, no network.
//
// SEE ALSO
//     qmgr(8), discard(8), transport(5)
#include "queue-manager/simple_agent.h"

int main(int argc, char** argv) {
  using umaya::qmgr::AgentKind;
  auto kind_of = [](std::string_view service) { return service == "retry" ? AgentKind::retry : AgentKind::error; };
  return umaya::qmgr::run_simple_agent(argc, argv, "error", kind_of);
}
