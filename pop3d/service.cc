#include "pop3d/service.h"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "libcommon/log/log.h"
#include "libcommon/net/address.h"
#include "pop3d/link.h"
#include "pop3d/login.h"
#include "pop3d/login_gate.h"
#include "pop3d/relay.h"
#include "pop3d/sessions/connector.h"
#include "pop3d/sessions/gatekeeper.h"
#include "pop3d/sessions/mailbox_host.h"
#include "pop3d/sessions/session_parent.h"

namespace umaya::pop3d {

namespace {

using namespace std::chrono_literals;

constexpr Duration kBeyondSession = 60s;
constexpr size_t kThreads = 4;
constexpr std::string_view kTrouble = "-ERR [SYS/TEMP] The session cannot be started; try again later.\r\n";

/// What stands in for the parent and its processes where nothing is root's.
struct LocalSessions {
  explicit LocalSessions(const Params& params)
      : host(params, kThreads), gatekeeper(params, [this](uint64_t id) { host.end(id); }) {}
  MailboxHost host;
  Gatekeeper gatekeeper;
};

struct Service {
  Params params;
  std::vector<net::Network> balancers;
  std::optional<SessionParent> parent;
  std::unique_ptr<LocalSessions> local;
  std::unique_ptr<auth::AuthClient> auth;
  std::unique_ptr<LoginGate> gate;
  std::unique_ptr<Encryption> encryption;
  std::unique_ptr<event::IoWatch> parent_watch;
};

std::unique_ptr<Service>& service_slot() {
  static std::unique_ptr<Service> slot = std::make_unique<Service>();
  return slot;
}

Service& service() {
  return *service_slot();
}

Result<void> read_balancers(Service& state) {
  for (const std::string& word : state.params.upstream_proxy_networks) {
    std::string why;
    auto network = net::Network::parse(word, &why);
    if (!network) return permanent("pop3_upstream_proxy_networks: " + word + ": " + why);
    state.balancers.push_back(*network);
  }
  return {};
}

Handover handover_of(LoggedIn user, const Link& link, std::string_view pipelined) {
  Handover handover;
  handover.user = std::move(user.user);
  handover.client_pid = user.ticket.client_pid;
  handover.request = user.ticket.request;
  handover.cookie = std::move(user.ticket.cookie);
  handover.sealed = std::move(user.ticket.sealed);
  handover.remote = link.remote;
  handover.local = link.local;
  handover.protection = link.protection();
  handover.session = link.session;
  handover.pipelined = pipelined;
  handover.utf8 = user.utf8;
  return handover;
}

/// The session in this process.
event::Task<void> serve_here(LocalSessions* sessions, event::Stream* client, Handover handover) {
  auto admitted = co_await sessions->gatekeeper.admit(&handover);
  if (!admitted) {
    client->write(admitted.error());
    client->flush_now();
    co_return;
  }
  const uint64_t id = admitted->id;
  sessions->gatekeeper.registry().set_process(id, static_cast<uint32_t>(getpid()));
  StartSession start{id, admitted->data.user, admitted->location.name, handover.session, {}, handover.utf8};
  co_await sessions->host.serve(client, std::move(start));
  sessions->gatekeeper.left(id);
}

/// Gives the session away; with TLS, carries its bytes until it ends.
event::Task<void> serve_there(Service* state, event::Stream* client, const Link* link, Handover handover) {
  if (!link->tls) {
    auto handed = state->parent->hand_over(handover, client->fd());
    if (handed) co_return;
    log::error("user=<{}>: {}", handover.user, handed.error().what);
    client->write(kTrouble);
    client->flush_now();
    co_return;
  }
  int ends[2];
  Result<void> handed;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    handed = sys_error("socketpair");
  } else {
    Fd ours(ends[0]), theirs(ends[1]);
    handed = state->parent->hand_over(handover, theirs.get());
    theirs.reset();
    if (handed) {
      event::Stream session(std::move(ours));
      client->consume(client->buffered().size());  // gone along with the handover
      co_await relay(client, &session, state->params.timeout + kBeyondSession);
      co_return;
    }
  }
  log::error("user=<{}>: {}", handover.user, handed.error().what);
  client->write(kTrouble);
  client->flush_now();
}

event::Task<std::optional<LoggedIn>> log_in(Service* state, event::Stream* client, Link* link) {
  if (!state->params.upstream_proxy.empty()) {
    bool told = co_await read_proxy_header(client, link, &state->params, &state->balancers);
    if (!told) co_return std::nullopt;
  }
  LoginGate::Pass pass = state->gate->enter(link->remote, client->fd());
  if (!pass) {
    log::warning("too many connections without a log-in from {} (pop3_login_address_limit)", link->remote);
    if (!state->params.tls_wrappermode) client->write("-ERR [SYS/TEMP] Too many connections from your address.\r\n");
    client->flush_now();
    co_return std::nullopt;
  }
  if (state->params.tls_wrappermode) {
    auto info = co_await state->encryption->accept_at_once(client, link->remote);
    if (!info) {
      log::info("pop3-login: TLS handshake failed ({}): user=<>, {}", info.error().what, link->log_text());
      co_return std::nullopt;
    }
    note_tls(*link, *info);
  }
  Login login(*client, *state->auth, state->encryption.get(), state->params, *link);
  co_return co_await login.run();
}

}  // namespace

Result<void> prepare(daemon::Process& process) {
  Service& state = service();
  UMAYA_CHECK(config::bind(process.config(), kBindings, state.params));
  UMAYA_TRY(state.params.tls_level, tls_level(process.config()));
  UMAYA_CHECK(read_balancers(state));
  const Params& params = state.params;
  if (params.tls_wrappermode || !params.upstream_proxy.empty()) process.set_client_speaks_first();
  state.auth = std::make_unique<auth::AuthClient>(auth_socket_path(params));
  state.gate = std::make_unique<LoginGate>(static_cast<size_t>(params.login_limit),
                                           static_cast<size_t>(params.login_address_limit));
  UMAYA_TRY(state.encryption,
            open_encryption(process.config(), params, process.queue_path("private/tlsmgr"), process.service()));
  if (!process.privileged()) {
    state.local = std::make_unique<LocalSessions>(params);
    state.local->gatekeeper.open();
    return {};
  }
  auto open_log = [&process] { daemon::open_log(process.config(), process.program(), log::verbosity()); };
  UMAYA_TRY(state.parent, SessionParent::start(params, process.config(), open_log));
  use_connector(state.parent->take_connector(), params.maillog_file.empty());
  return {};
}

daemon::SandboxPolicy login_policy(const std::string& queue_directory) {
  daemon::SandboxPolicy policy;
  policy.read = {queue_directory + "/private"};
  policy.sockets = daemon::NewSockets::forbidden;
  policy.signals = daemon::Signals::forbidden;
  return policy;
}

daemon::SandboxPolicy sandbox(const daemon::Process& process) {
  if (process.privileged()) return login_policy(process.queue_path(""));
  // Started by an ordinary user, the sessions run in this process, with all that is the user's.
  daemon::SandboxPolicy policy;
  policy.write = {"/"};
  return policy;
}

/// Without its parent this process can do nothing: master starts another pair.
Result<void> start(daemon::Process& process) {
  Service& state = service();
  if (!state.parent) return {};
  state.parent_watch = std::make_unique<event::IoWatch>(state.parent->fd(), event::Readiness::read, [&process] {
    service().parent_watch->disable();
    log::error("the parent of sessions is gone");
    process.stop();
  });
  return {};
}

event::Task<void> session(daemon::Process& process, Fd fd, event::PeerAddress peer) {
  (void)process;
  Service* state = &service();
  Link link = link_of(fd.get(), peer);
  event::Stream client(std::move(fd));
  std::optional<LoggedIn> user = co_await log_in(state, &client, &link);
  if (!user) co_return;
  const std::string_view pipelined = state->parent ? client.buffered() : std::string_view();
  Handover handover = handover_of(std::move(*user), link, pipelined);
  if (state->parent) {
    co_await serve_there(state, &client, &link, std::move(handover));
  } else {
    co_await serve_here(state->local.get(), &client, std::move(handover));
  }
}

void finish() {
  service_slot().reset();
}

void stop(daemon::Process& process) {
  (void)process;
  if (service().parent) service().parent->stop();
  if (service().local) service().local->host.end_all();
}

}  // namespace umaya::pop3d
