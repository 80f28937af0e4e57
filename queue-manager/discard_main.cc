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

namespace umaya::qmgr {
namespace {

event::Task<void> session(daemon::Process& process, Fd fd, event::PeerAddress) {
  return serve_simple_agent(process, std::move(fd), AgentKind::discard);
}

}  // namespace
}  // namespace umaya::qmgr

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks;
  hooks.name = "discard";
  hooks.run_as = daemon::RunAs::mail_owner;
  hooks.sandbox = [](const daemon::Process&) { return daemon::SandboxPolicy{}; };
  hooks.session = qmgr::session;
  return daemon::run(argc, argv, std::move(hooks));
}
