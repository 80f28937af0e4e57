#include "local-delivery/local_service.h"

#include "local-delivery/local_backend.h"

namespace umaya::local_delivery {

using event::Task;

namespace {

// The hooks are plain functions; the daemon has one agent.
std::unique_ptr<LocalAgent>& agent() {
  static std::unique_ptr<LocalAgent> instance;
  return instance;
}

Task<services::delivery::RecipientResult> deliver_target(const Job& job, const services::delivery::Target& target) {
  return agent()->deliver(job, target);
}

Task<std::vector<services::delivery::RecipientResult>> deliver_request(const Job& job) {
  return deliver_each(job, deliver_target);
}

}  // namespace

Result<void> prepare_local(daemon::Process& process) {
  UMAYA_TRY(agent(), LocalAgent::open(process));
  return {};
}

Task<void> local_session(daemon::Process& process, Fd connection, event::PeerAddress) {
  return serve_requests(process, std::move(connection), deliver_request);
}

}  // namespace umaya::local_delivery
