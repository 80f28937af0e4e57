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

daemon::SandboxPolicy local_sandbox(const daemon::Process& process) {
  daemon::SandboxPolicy policy;
  // Tables may lie anywhere; the user database and its helpers read what nsswitch.conf tells them to.
  policy.read = {"/etc", "/usr", "/lib", "/lib64", "/run", "/var/lib"};
  std::string passwd_file = process.config().get("passwd_file");
  if (!passwd_file.empty()) policy.read.push_back(passwd_file);
  policy.write = {process.queue_path("private"), process.queue_path("public")};
  return policy;
}

Task<void> local_session(daemon::Process& process, Fd connection, event::PeerAddress) {
  return serve_requests(process, std::move(connection), deliver_request);
}

}  // namespace umaya::local_delivery
