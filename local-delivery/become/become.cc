#include "local-delivery/become/become.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"
#include "libcommon/services/become.h"
#include "local-delivery/become/worker.h"

namespace umaya::local_delivery {

using event::Task;
using namespace services::become;
using namespace std::chrono_literals;

namespace {

constexpr auto kStartLimit = 60s;

void fork_worker(ipc::Channel& channel, const Start& start) {
  pid_t pid = ::fork();
  if (pid == 0) run_worker(Fd(channel.fd()), start);
  if (pid > 0) return;
  Result<void> told = channel.send_now(ipc::encode(Refused{std::string("fork: ") + strerror(errno)}));
  log::warning("fork: {}{}", strerror(errno), told ? "" : " (and nobody listens)");
}

}  // namespace

Result<void> prepare_become(daemon::Process&) {
  ::signal(SIGCHLD, SIG_IGN);
  return {};
}

void reload_become(daemon::Process&) {}

Task<void> become_session(daemon::Process&, Fd connection, event::PeerAddress) {
  ipc::Channel channel(std::move(connection));
  Result<Start> start = co_await channel.receive<Start>(kStartLimit);
  if (start) {
    fork_worker(channel, *start);
  } else if (start.error().sys_errno != ECONNRESET) {
    log::warning("request to become a user: {}", start.error().what);
  }
}

}  // namespace umaya::local_delivery
