#include "named-lite/server/service.h"

#include <memory>

#include "libcommon/daemon/daemon.h"
#include "libcommon/log/log.h"
#include "named-lite/server/server.h"

namespace umaya::named {

namespace {

std::unique_ptr<Server>& server() {
  static std::unique_ptr<Server> running;
  return running;
}

Result<void> prepare(daemon::Process& process) {
  ServerOptions options;
  options.config_file = process.config().get("named_config_file");
  UMAYA_TRY(server(), Server::start(std::move(options)));
  return {};
}

daemon::SandboxPolicy sandbox(const daemon::Process& process) {
  return sandbox_policy(server()->conf(), process.config().get("named_config_file"));
}

Result<void> start(daemon::Process&) {
  server()->run();
  return {};
}

void reload(daemon::Process&) {
  server()->reload();
}

/// master's wake-up: that we run is all it asks for.
event::Task<void> woken(daemon::Process&, Fd, event::PeerAddress) {
  co_return;
}

}  // namespace

int run_service(int argc, char** argv) {
  int code = daemon::run(argc, argv,
                         {.name = "named-lite",
                          .run_as = daemon::RunAs::net_user,
                          .resident = true,
                          .prepare = prepare,
                          .sandbox = sandbox,
                          .start = start,
                          .session = woken,
                          .reload = reload});
  server().reset();
  return code;
}

}  // namespace umaya::named
