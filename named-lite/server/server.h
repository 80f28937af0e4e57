// NAME    server - sockets, signals and reload of a running named-lite
//
// SYNOPSIS
//     UMAYA_TRY(auto server, Server::start(options));
//     event::Loop::current().run();
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/daemon/sandbox.h"
#include "libcommon/event/loop.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/worker_pool.h"
#include "named-lite/control/control_server.h"
#include "named-lite/server/control_target.h"
#include "named-lite/server/notifier.h"
#include "named-lite/server/responder.h"
#include "named-lite/server/secondaries.h"
#include "named-lite/server/tcp.h"
#include "named-lite/server/udp.h"

namespace umaya::named {

struct ServerOptions {
  std::string config_file = "/etc/umaya/named.conf";
  uint16_t port = 53;
};

class Server {
 public:
  /// Reads configuration and zones and opens the sockets. Errors of the configuration are in the log already.
  static Result<std::unique_ptr<Server>> start(ServerOptions options);
  /// SIGHUP: reads configuration and zones anew, beside answering; what is bad leaves the old in service.
  void reload();
  /// "127.0.0.1:53" and so on.
  const std::vector<net::Endpoint>& listening() const { return listening_; }
  const NamedConf& conf() const { return responder_.snapshot()->conf; }
  const Responder& responder() const { return responder_; }
  /// Begins to keep secondary zones and to tell others of ours: once the process is in its final state (user, sandbox).
  void run();

 private:
  Server(ServerOptions options, SnapshotPtr snapshot);
  Result<void> open_sockets();
  Result<void> open_address(const net::Endpoint& at);
  event::Task<void> reload_task();
  event::Task<bool> reload_and_wait();
  void note_new_addresses() const;
  void notify_changes(const Snapshot* before);

  ServerOptions options_;
  Responder responder_;
  std::vector<net::Endpoint> listening_;
  std::vector<std::unique_ptr<UdpServer>> udp_;
  std::vector<std::unique_ptr<TcpServer>> tcp_;
  event::WorkerPool workers_{1};
  event::TaskScope tasks_;
  Notifier notifier_;
  Secondaries secondaries_;
  bool reloading_ = false;
  bool again_ = false;  // SIGHUP came while reloading
  bool last_good_ = true;
  event::Event reloaded_;
  ServerControl control_target_;
  std::unique_ptr<ControlServer> control_;
};

/// What the server may read and write once it answers: the directories of configuration and zones, that of the pid
/// file.
daemon::SandboxPolicy sandbox_policy(const NamedConf& conf, const std::string& config_file);

/// The addresses that the configuration asks to listen on, of those that this host has.
std::vector<net::Endpoint> listen_addresses(const NamedConf& conf, uint16_t port);

}  // namespace umaya::named
