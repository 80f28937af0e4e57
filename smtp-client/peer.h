// NAME    peer - the server at the other end, and what went wrong with it, in Postfix's words
//
// DESCRIPTION
//     Pure values and texts: log tools and people read them. "host[address]" stands in reasons, "host[address]:port" in
//     relay= and in connect errors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/net/address.h"
#include "libcommon/smtp/reply_reader.h"

namespace umaya::smtp_client {

struct Peer {
  std::string host;          ///< name as in the MX record, or our own name for a Unix socket
  std::string address;       ///< numeric address or path of the socket
  uint16_t port = 0;         ///< 0: Unix socket
  net::Endpoint endpoint{};  ///< where to connect, for TCP
  bool is_best_mx = true;    ///< of the best preference that the domain has

  /// "host[address]".
  std::string name_and_address() const;
  /// "host[address]:port"; without port for Unix sockets.
  std::string relay() const;
};

using smtp::Loss;

/// Why recipients were not delivered.
struct Failure {
  std::string dsn;           ///< "4.4.2", "5.1.1"
  std::string text;          ///< for the log and the sender
  std::string diagnostic{};  ///< the server's own reply on one line; empty when it said nothing
  bool is_site = false;      ///< concerns the whole site: slow down, do not reuse the connection
  bool is_tls = false;       ///< TLS could not be had although it was offered: in the clear it may work

  bool is_permanent() const { return dsn.starts_with('5'); }
  /// Makes a permanent failure a temporary one.
  void soften();
};

/// The status code of a reply: its own, or class.0.0. A reply that is neither yes nor no is a protocol error: 4.5.0.
std::string dsn_of(const smtp::Reply& reply);
/// The reply on one line, each of its lines with the code in front ("550-a 550 b"), safe for logs.
std::string reply_text(const smtp::Reply& reply);

/// "host H[a] said: REPLY (in reply to COMMAND)".
Failure said(const Peer& peer, const smtp::Reply& reply, std::string_view command);
/// "host H[a] refused to talk to me: REPLY".
Failure refused(const Peer& peer, const smtp::Reply& reply);
/// "lost connection with H[a] while DOING", "conversation with H[a] timed out while DOING".
Failure lost(const Peer& peer, Loss loss, std::string_view doing);
/// "connect to H[a]:port: REASON".
Failure not_connected(const Peer& peer, std::string_view reason);

}  // namespace umaya::smtp_client
