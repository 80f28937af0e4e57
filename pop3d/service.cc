#include "pop3d/service.h"

#include <sys/socket.h>

#include <memory>
#include <optional>

#include "libcommon/log/log.h"
#include "libcommon/net/address.h"
#include "libcommon/services/recent_logins.h"
#include "pop3d/login.h"
#include "pop3d/mailbox_session.h"

namespace umaya::pop3d {

namespace {

struct Service {
  Params params;
  std::optional<SessionParent> parent;
  std::unique_ptr<auth::AuthClient> auth;
  std::unique_ptr<services::RecentLogins> recent_logins;  // pop_before_smtp_enable; null: nobody is told
};

Service& service() {
  static Service state;
  return state;
}

std::string address_text(const sockaddr_storage& storage) {
  auto address = net::IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage));
  return address ? address->unmapped().to_string() : std::string();
}

Link link_of(int fd, const event::PeerAddress& peer) {
  sockaddr_storage ours{};
  socklen_t size = sizeof ours;
  Link link;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&ours), &size) == 0) link.local = address_text(ours);
  link.remote = address_text(peer.storage);
  auto remote = net::IpAddress::parse(link.remote);
  auto local = net::IpAddress::parse(link.local);
  // A client on this host: nobody can listen on the way.
  link.secured = remote && local && (remote->is_loopback() || *remote == *local);
  return link;
}

}  // namespace

Result<void> prepare(daemon::Process& process) {
  Service& state = service();
  UMAYA_CHECK(config::bind(process.config(), kBindings, state.params));
  const Params& params = state.params;
  std::string path = params.auth_socket.starts_with('/') ? params.auth_socket : process.queue_path(params.auth_socket);
  state.auth = std::make_unique<auth::AuthClient>(std::move(path));
  if (params.pop_before_smtp) {
    state.recent_logins = std::make_unique<services::RecentLogins>(process.queue_path(services::anvil::kSocket));
  }
  if (!process.privileged()) return {};
  auto open_log = [&process] { daemon::open_log(process.config(), process.program(), log::verbosity()); };
  UMAYA_TRY(state.parent, SessionParent::start(params, open_log));
  return {};
}

daemon::SandboxPolicy sandbox(const daemon::Process& process) {
  daemon::SandboxPolicy policy;
  policy.read = {process.queue_path("private")};
  // Started by an ordinary user, the sessions run in this process, with all that is the user's.
  if (!process.privileged()) policy.write = {"/"};
  return policy;
}

event::Task<void> session(daemon::Process& process, Fd fd, event::PeerAddress peer) {
  (void)process;
  Service& state = service();
  Link link = link_of(fd.get(), peer);
  log::debug("connect from {}", link.remote);
  event::Stream client(std::move(fd));
  Login login(client, *state.auth, state.params, link);
  std::optional<LoggedIn> user = co_await login.run();
  if (!user) co_return;
  if (state.recent_logins) state.recent_logins->note(link.remote);
  Handover handover{user->user,  user->ticket.client_pid,       user->ticket.request, user->ticket.cookie,
                    link.remote, std::string(client.buffered())};
  if (!state.parent) {
    handover.pipelined.clear();
    co_await serve_here(&client, std::move(handover), &state.params);
    co_return;
  }
  auto handed = state.parent->hand_over(handover, client.fd());
  if (handed) co_return;
  log::error("user=<{}>: {}", user->user, handed.error().what);
  client.write("-ERR [SYS/TEMP] The session cannot be started; try again later.\r\n");
  client.flush_now();
}

void stop(daemon::Process& process) {
  (void)process;
  if (service().parent) service().parent->stop();
}

}  // namespace umaya::pop3d
