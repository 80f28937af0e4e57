#include "libcommon/daemon/queue_hooks.h"

namespace umaya::daemon {

Hooks queue_hooks(std::string_view name, QueueAccess access) {
  Hooks hooks;
  hooks.name = name;
  hooks.run_as = RunAs::mail_owner;
  hooks.sandbox = [access](const Process& process) {
    SandboxPolicy policy;
    (access == QueueAccess::change ? policy.write : policy.read) = {process.queue_path("")};
    return policy;
  };
  return hooks;
}

}  // namespace umaya::daemon
