// NAME    server - the server's side of TLS for smtpd, pop3d and others
//
// SYNOPSIS
//     UMAYA_TRY(tls::ServerSettings settings, tls::server_settings(config, "smtpd", enforce));
//     UMAYA_TRY(auto server, tls::Server::open(settings, process.queue_path("private/tlsmgr"), process.service(),
//     {"smtp"})); bool offered = co_await server->ready();                    // before STARTTLS is announced
//     Result<SessionInfo> info = co_await server->accept(&stream, 30s);
//     if (!info) { tls::log_refusal(info.error(), client); … close … }
//     server->log_session(*info, client);
//
// DESCRIPTION
//     Certificates come from tlsmgr(8), which keeps the private keys and signs. The certificate in use is looked after
//     at most every two seconds; a replaced one counts for handshakes from then on, connections that stand are not
//     touched. There is one SSL context for the service's own certificate and one for each server name in use.
//
// OWNERSHIP
//     Outlives its accept() tasks; a stream may outlive the Server.
//
// ERRORS
//     open(): what is wrong with the settings; permanent. accept(): temporary; afterwards the stream is fit for closing
//     only. Error::sys_errno: ETIMEDOUT, ECONNRESET, 0 for a failure of the protocol.
//
// LIMITS
//     kServerNames contexts for server names, the one that was asked for longest ago goes first; names that no table
//     has are remembered for some seconds only, and as many at most.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/base/strings.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"
#include "libcommon/tls/server_settings.h"
#include "libcommon/tls/session_info.h"
#include "libcommon/tls/tickets.h"
#include "libcommon/tls/tlsmgr_client.h"

namespace umaya::tls {

inline constexpr size_t kServerNames = 256;

/// What the stream has received and nobody has read yet.
enum class Received : uint8_t {
  drop,  ///< it came in the clear behind STARTTLS: never a command (RFC 3207 4.2)
  use,   ///< it is the client's first message: TLS from the first byte, behind a PROXY header
};

class Server {
 public:
  /// socket: the queue directory's private/tlsmgr. service: whose ticket keys are used; tickets of another service are
  /// refused. alpn: protocol names of this service; a client that names others only is refused (RFC 7301 3.2). Empty:
  /// not answered.
  static Result<std::unique_ptr<Server>> open(const ServerSettings& settings, std::string socket, std::string service,
                                              std::vector<std::string> alpn);
  ~Server();

  /// co_await: whether there is a certificate to be had; logs why not, once for each reason.
  event::Task<bool> ready();
  /// co_await: handshake as server on this stream, then the stream speaks TLS. limit: for the whole handshake.
  event::Task<Result<SessionInfo>> accept(event::Stream* stream, Duration limit, Received received = Received::drop);

  /// "Anonymous TLS connection established from mail.example[192.0.2.1]: TLSv1.3 with cipher …", from log level 1 on.
  void log_session(const SessionInfo& info, std::string_view client) const;
  const ServerSettings& settings() const { return settings_; }

 private:
  friend class Acceptor;
  /// A certificate in a context; without context: there is none.
  struct Identity {
    ContextPtr context;
    std::string mark;
    TimePoint looked_at{};
  };
  Server(ServerSettings settings, std::string socket, std::string service, std::vector<std::string> alpn);
  Result<void> load();
  Result<ContextPtr> make_server_context();
  Result<void> take(Identity& identity, IdentityAnswer& answer);
  event::Task<Result<void>> refresh();
  event::Task<Result<void>> find_name(std::string name);
  ssl_ctx_st* context_of(const std::string& name);
  bool knows(const std::string& name) const;
  void make_room();
  void complain(const std::string& trouble);

  ServerSettings settings_;
  std::string service_;
  std::string alpn_;  // in the form of the extension
  const evp_md_st* digest_ = nullptr;
  TlsmgrClient tlsmgr_;
  Tickets tickets_;
  Identity own_;
  ContextPtr blank_;  // settings without a certificate: shows at open() whether they are right
  bool refreshing_ = false;
  StringMap<Identity> names_;
  std::string complaint_;
};

/// "SSL_accept error from CLIENT: lost connection" and, with an error of the protocol, "TLS library problem: …".
void log_refusal(const Error& error, std::string_view client);

/// Whether the kernel encrypts (TLS_ULP). Looked for once.
bool kernel_tls();

}  // namespace umaya::tls
