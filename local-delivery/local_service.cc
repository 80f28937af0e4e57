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

}  // namespace

Result<void> prepare_local(daemon::Process& process) {
  UMAYA_TRY(agent(), LocalAgent::open(process));
  return {};
}

Task<services::delivery::Reply> deliver_by_local(const Job& job) {
  return deliver_each(job, deliver_target);
}

}  // namespace umaya::local_delivery
