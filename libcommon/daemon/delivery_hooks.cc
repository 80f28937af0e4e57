#include "libcommon/daemon/delivery_hooks.h"

#include "libcommon/services/qmgr.h"

namespace umaya::daemon {

using services::delivery::Agent;

namespace {

/// A process is one agent.
Agent& agent_of(const Process& process) {
  static Agent agent(process.queue_path(services::qmgr::kSocket));
  agent.set_crowded([&process] { return process.crowded(); });
  return agent;
}

}  // namespace

void serve_deliveries(Hooks& hooks, services::delivery::DeliverAll deliver) {
  hooks.session = [deliver = std::move(deliver)](Process& process, Fd connection, event::PeerAddress) {
    return agent_of(process).serve(std::move(connection), deliver);
  };
  hooks.stop = [](Process& process) { agent_of(process).close_idle(); };
  hooks.reload = [](Process& process) {
    agent_of(process).close_idle();
    process.retire();
  };
}

}  // namespace umaya::daemon
