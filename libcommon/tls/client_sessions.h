// NAME    client_sessions - TLS sessions of servers that were met before, for an abbreviated handshake
//
// SYNOPSIS
//     sessions.watch(context);                              // every context whose connections shall be remembered
//     sessions.begin(ssl, key);                             // before the handshake: resumes what is known under key
//
// DESCRIPTION
//     Kept in the memory of the process. The key names the server and everything that was asked of the connection, so
//     that a session never serves a delivery that asks for more. A session of TLS 1.3 is used once (RFC 8446 C.4).
//
// OWNERSHIP
//     Outlives every connection of the contexts that it watches.
//
// LIMITS
//     kMost sessions, the newest stay; none is older than the time limit.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace umaya::tls {

class ClientSessions {
 public:
  static constexpr size_t kMost = 500;

  /// limit zero: nothing is remembered.
  explicit ClientSessions(Duration limit) : limit_(limit) {}
  ClientSessions(const ClientSessions&) = delete;
  ClientSessions& operator=(const ClientSessions&) = delete;

  void watch(ssl_ctx_st* context);
  void begin(ssl_st* ssl, std::string key);
  size_t size() const { return list_.size(); }

 private:
  struct Free {
    void operator()(ssl_session_st* session) const;
  };
  using SessionPtr = std::unique_ptr<ssl_session_st, Free>;
  struct Entry {
    std::string key;
    SessionPtr session;
    TimePoint since;
  };
  using List = std::list<Entry>;  // the oldest first
  struct Tag;                     // what a connection knows of its place here
  static int tag_index();
  static int on_new_session(ssl_st* ssl, ssl_session_st* session);
  void put(const std::string& key, SessionPtr session);
  void forget(List::iterator entry);

  const Duration limit_;
  List list_;
  StringMap<List::iterator> by_key_;
};

}  // namespace umaya::tls
