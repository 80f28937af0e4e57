// NAME    session - one connection to a server, from its greeting to QUIT
//
// SYNOPSIS
//     Session session(std::move(fd), peer);
//     auto failure = co_await greet(session, hello);            // nothing: ready for a transaction
//     co_await transact(session, job, …);                        // transaction.h
//     session.quit();
//
// DESCRIPTION
//     Holds what lives as long as the connection: the stream, what the server can do, how often it was used. A server
//     is not trusted (libcommon/smtp/reply_reader.h).
//
// OWNERSHIP
//     A session is owned by one delivery at a time, or by the cache of idle sessions.
//
// LIMITS
//     Those of smtp::read_reply().
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"
#include "libcommon/smtp/capabilities.h"
#include "libcommon/smtp/reply_reader.h"
#include "libcommon/table/maps.h"
#include "libcommon/tls/client.h"
#include "smtp-client/destination.h"
#include "smtp-client/peer.h"

namespace umaya::smtp_client {

using smtp::Capabilities;
using smtp::ReplyOrLoss;
using enum smtp::Feature;

class Session {
 public:
  Session(Fd fd, Peer peer) : stream(std::move(fd)), peer_(std::move(peer)), opened_(monotonic_now()) {}

  /// co_await: the server's next reply, all of it within the limit.
  event::Task<ReplyOrLoss> reply(Duration limit);
  /// co_await: sends what was gathered; nothing when that worked.
  event::Task<std::optional<Loss>> send(Duration limit);
  /// Says QUIT without waiting for an answer. The session is over.
  void quit();

  const Peer& peer() const { return peer_; }
  const Capabilities& can() const { return can_; }
  void set_capabilities(Capabilities can) { can_ = std::move(can); }
  void forget(smtp::Feature feature) { can_.features &= ~static_cast<uint32_t>(feature); }
  TimePoint opened() const { return opened_; }

  event::Stream stream;
  unsigned uses = 0;                    ///< transactions begun on it, this one included
  bool needs_reset = false;             ///< the last transaction did not come to its end: RSET first
  bool throttled = false;               ///< the server said 421 or the like: do not keep the connection
  table::Maps* reply_filter = nullptr;  ///< smtp_reply_filter, outlives the session; none: lines are taken as they come
  bool dead = false;                    ///< nothing can be sent any more, not even QUIT
  std::optional<tls::ClientConnection> tls{};  ///< nothing: in the clear
  bool authenticated = false;
  std::string security;  ///< the mark of what was asked of it (security/rules.h): whom it may serve
  bool keep_tls = true;  ///< with TLS it may serve again

 private:
  std::string filtered(std::string_view line);
  Peer peer_;
  Capabilities can_;
  TimePoint opened_;
};

/// How to say hello.
struct Hello {
  Protocol protocol = Protocol::smtp;
  std::string name;      ///< smtp_helo_name
  std::string own_name;  ///< myhostname, for loop detection; empty: none
  std::string nexthop;   ///< for the text of a loop
  std::vector<std::string> discard;
  Duration timeout{};
  bool always_ehlo = true;
  bool never_ehlo = false;
  bool skip_5xx_greeting = true;
};

/// co_await: reads the greeting, says EHLO (HELO when that is refused) or LHLO, and notes what the server can do.
/// Gives why the server cannot be used, or nothing.
event::Task<std::optional<Failure>> greet(Session& session, Hello hello);
/// co_await: the same without a greeting: after STARTTLS both begin anew (RFC 3207 4.2).
event::Task<std::optional<Failure>> say_hello(Session& session, Hello hello);

}  // namespace umaya::smtp_client
