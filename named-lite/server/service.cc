#include "named-lite/server/service.h"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "libcommon/daemon/daemon.h"
#include "libcommon/daemon/status.h"
#include "libcommon/event/child.h"
#include "libcommon/log/log.h"
#include "named-lite/feed/link.h"
#include "named-lite/server/parent.h"

namespace umaya::named {

namespace {

/// The process that master knows, and below it the parent of the others, which forks and so has no loop.
struct Service {
  Fd control;  // to the parent
  pid_t parent = 0;
  std::optional<event::Child> child;
  std::optional<daemon::Work> work;  // as long as the parent lives
};

Service& service() {
  static Service running;
  return running;
}

/// Sockets of master that only the process above shall have: their end tells master that it is gone.
void close_sockets_of_master() {
  for (int fd = daemon::kStatusFd;; ++fd) {
    int listening = 0;
    socklen_t size = sizeof listening;
    bool is_socket = getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0;
    if (fd > daemon::kStatusFd && (!is_socket || listening == 0)) return;
    if (is_socket) close(fd);
  }
}

[[noreturn]] void become_parent(const daemon::Process& process, Fd control) {
  close_sockets_of_master();
  ParentOptions options;
  options.config_file = process.config().get("named_config_file");
  auto parent = Parent::open(options);
  if (!parent) log::fatal("{}", parent.error().what);
  if (process.privileged()) {
    auto account = daemon::find_user(process.config().get("net_user"));
    if (!account) log::fatal("{}", account.error().what);
    if (auto dropped = daemon::give_up_root(*account, daemon::Keep::low_ports); !dropped)
      log::fatal("{}", dropped.error().what);
  }
  auto in_force = daemon::enter_sandbox(parent_sandbox((*parent)->config(), options.config_file));
  if (!in_force) log::fatal("{}", in_force.error().what);
  (*parent)->obey(std::move(control));
  int code = (*parent)->run();
  log::flush();
  _exit(code);
}

Result<void> prepare(daemon::Process& process) {
  UMAYA_TRY(auto pair, socket_pair());
  log::flush();
  pid_t pid = fork();
  if (pid < 0) return sys_error("fork");
  if (pid == 0) {
    pair.first.reset();
    become_parent(process, std::move(pair.second));
  }
  service().parent = pid;
  service().control = std::move(pair.first);
  return {};
}

event::Task<void> watch_parent(daemon::Process& process) {
  event::ExitStatus end = co_await service().child->wait();
  service().work.reset();
  if (process.stopping()) co_return;
  if (end.signal != 0) log::fatal("the parent process was killed by signal {}", end.signal);
  log::fatal("the parent process ended with status {}", end.code);
}

Result<void> start(daemon::Process& process) {
  UMAYA_TRY(event::Child child, event::Child::adopt(service().parent, false));
  service().child.emplace(std::move(child));
  service().work.emplace(process);
  process.scope().spawn(watch_parent(process));
  return {};
}

void reload(daemon::Process&) {
  (void)::send(service().control.get(), "R", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void stop(daemon::Process&) {
  service().control.reset();
}

/// master's wake-up: that we run is all it asks for.
event::Task<void> woken(daemon::Process&, Fd, event::PeerAddress) {
  co_return;
}

}  // namespace

int run_service(int argc, char** argv) {
  return daemon::run(argc, argv,
                     {.name = "named-lite",
                      .run_as = daemon::RunAs::net_user,
                      .resident = true,
                      .prepare = prepare,
                      .start = start,
                      .session = woken,
                      .stop = stop,
                      .reload = reload});
}

}  // namespace umaya::named
