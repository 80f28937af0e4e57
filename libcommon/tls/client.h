// NAME    client - the client's side of TLS: handshake, trust, names, sessions
//
// SYNOPSIS
//     UMAYA_TRY(auto client, tls::Client::open(settings));
//     tls::ClientRequest request{.level = tls::ClientLevel::secure, .match = {".example.org"}, .peer =
//     "mx.example.org[…]:25"}; auto connection = co_await client->connect(&stream, std::move(request), 300s); if
//     (connection && connection->info.peer.trust == tls::Trust::verified) …
//
// DESCRIPTION
//     connect() makes the handshake on a stream whose peer waits for it, and exchanges the stream's transport: what had
//     been received in the clear is dropped (RFC 3207 4.2). It says what became of the certificate; whether that is
//     enough is the caller's decision (must_match(), client_policy.h).
//
//     verified: at the fingerprint level a fingerprint of the certificate or of its key is one of match; at the others
//     the chain leads to an authority and a name is one of match. Without match a good chain is trusted, no more.
//
//     A certificate of our own is fetched from tlsmgr(8), which also makes the signatures; a replaced file counts
//     within seconds. Where there is trouble with it, connections go on without it.
//
//     Logs as Postfix does: "Verified TLS connection established to …" and why a certificate was not good from level 1
//     on, "SSL_connect error to …" always.
//
// OWNERSHIP
//     Outlives every stream that it has connected.
//
// ERRORS
//     Temporary: the handshake failed, or cannot be made with these settings. The stream is of no more use.
//
// LIMITS
//     kMostContexts combinations of protocols and ciphers are kept; ClientSessions::kMost sessions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/tls/client_match.h"
#include "libcommon/tls/client_policy.h"
#include "libcommon/tls/client_sessions.h"
#include "libcommon/tls/identity/files.h"
#include "libcommon/tls/session_info.h"
#include "libcommon/tls/settings.h"
#include "libcommon/tls/tlsmgr_client.h"

namespace umaya::tls {

/// What holds for all connections of a client.
struct ClientSettings {
  CommonSettings common;
  std::string ca_file, ca_path;
  std::vector<std::string> trust_anchor_files;  ///< in place of all other authorities
  IdentityFiles identity;  ///< shown to a server that asks for a certificate; tlsmgr(8) has the keys
  std::string tlsmgr;      ///< its socket
  std::string fingerprint_digest = "sha256";
  int verify_depth = 9;
  Wildcards wildcards = Wildcards::many_labels;
  Duration session_limit{};  ///< zero: sessions are not resumed
};

/// How much is logged (smtp_tls_loglevel).
enum class LogLevel : uint8_t { none, summary, certificates, debug };
/// Reads "0" to "4", or none, routine, debug, ssl-expert, ssl-developer.
Result<LogLevel> parse_log_level(std::string_view text);

/// What one connection is asked for.
struct ClientRequest {
  ClientLevel level = ClientLevel::may;
  std::string protocols{}, ciphers{}, exclude{};  ///< as in main.cf; exclude holds everything that is excluded
  std::vector<std::string> match{};               ///< names (client_match.h), or fingerprints
  std::string server_name{};                      ///< sent as SNI when it is a host name
  std::string peer{};                             ///< "host[address]:port": for the log, and whose sessions are resumed
  LogLevel log = LogLevel::none;

  /// Everything that decides what a connection is worth, without the peer.
  std::string identity() const;
};

struct ClientConnection {
  SessionInfo info;
  std::string binding_type{};  ///< of the channel (RFC 5929, RFC 9266); empty: none can be had
  std::string binding{};
  bool has_certificate = false;  ///< we have one to show
};

class Client {
 public:
  static constexpr size_t kMostContexts = 32;

  static Result<std::unique_ptr<Client>> open(ClientSettings settings);
  /// co_await: the handshake, all of it within limit.
  event::Task<Result<ClientConnection>> connect(event::Stream* stream, ClientRequest request, Duration limit);
  /// "Verified TLS connection reused to …", for a connection that serves again.
  static void log_summary(const SessionInfo& info, const ClientRequest& request, bool reused);

 private:
  explicit Client(ClientSettings settings);
  Result<> load();
  Result<> load_anchors();
  event::Task<void> refresh_identity();
  void take_identity(Result<IdentityAnswer> answer);
  Result<ssl_ctx_st*> context_for(const ClientRequest& request);
  Result<ContextPtr> make_context_for(const ClientRequest& request);
  Result<SslPtr> prepare(const ClientRequest& request, int fd);
  ClientConnection finish(ssl_st* ssl, const ClientRequest& request) const;
  void judge(ssl_st* ssl, const ClientRequest& request, PeerCertificate& peer) const;

  const ClientSettings settings_;
  const evp_md_st* digest_ = nullptr;
  TlsmgrClient tlsmgr_;
  std::vector<Chain> chains_;  // our own certificates
  std::string chains_mark_, complaint_;
  TimePoint chains_looked_at_{};
  ContextPtr trust_;  // holds the authorities, which all contexts share
  ClientSessions sessions_;
  StringMap<ContextPtr> contexts_;  // by protocols and ciphers
};

}  // namespace umaya::tls
