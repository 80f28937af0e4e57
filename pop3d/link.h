// NAME    link - where a client comes from, what protects the line, and how the log speaks of it
//
// DESCRIPTION
//     secured: passwords may be sent: the line is encrypted, or does not leave this host. Behind a load balancer
//     (pop3_upstream_proxy_protocol) the addresses are those that the balancer tells, and nothing is taken for local.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "libcommon/net/address.h"
#include "libcommon/tls/session_info.h"
#include "pop3d/params.h"

namespace umaya::pop3d {

struct Link {
  std::string local;   ///< our address, without brackets
  std::string remote;  ///< the client's
  uint16_t local_port = 0, remote_port = 0;
  std::string session;  ///< the log's name of the session
  bool local_only = false;
  bool tls = false;
  std::string cert_username;  ///< name in the client's verified certificate
  bool secured() const { return tls || local_only; }
  /// "TLS", "secured" or empty.
  std::string protection() const { return tls ? "TLS" : local_only ? "secured" : ""; }
  /// "rip=192.0.2.1, lip=192.0.2.2, TLS, session=<…>": the end of a log line, as Dovecot writes it.
  std::string log_text() const;
};

/// TLS stands.
void note_tls(Link& link, const tls::SessionInfo& info);
/// Of a connection that was accepted.
Link link_of(int fd, const event::PeerAddress& peer);
/// Reads the balancer's header and takes the addresses over. false: it may not speak for others, or does not say who
/// connects, in time and in form; told in the log.
event::Task<bool> read_proxy_header(event::Stream* client, Link* link, const Params* params,
                                    const std::vector<net::Network>* trusted);

}  // namespace umaya::pop3d
