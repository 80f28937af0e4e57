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

namespace umaya::qmgr {
namespace {

event::Task<void> session(daemon::Process& process, Fd fd, event::PeerAddress) {
  return serve_simple_agent(process, std::move(fd), process.service() == "retry" ? AgentKind::retry : AgentKind::error);
}

}  // namespace
}  // namespace umaya::qmgr

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks;
  hooks.name = "error";
  hooks.run_as = daemon::RunAs::mail_owner;
  hooks.sandbox = [](const daemon::Process&) { return daemon::SandboxPolicy{}; };
  hooks.session = qmgr::session;
  return daemon::run(argc, argv, std::move(hooks));
}
