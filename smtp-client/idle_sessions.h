// NAME    idle_sessions - open connections that wait for the next message to the same destination
//
// SYNOPSIS
//     idle.put(key, std::move(session));
//     if (auto session = idle.take(key, mark)) …         // by destination, before any look-up
//     if (auto session = idle.take(endpoint, mark)) …    // by server, after the look-up
//
// DESCRIPTION
//     The mark (security/rules.h) says how the session is protected and whose it is: it serves only who asks for the
//     very same.
//     A session that waits longer than the time limit is told QUIT and closed; one that the server has closed, or on
//     which it said something unasked, is never given out.
//
// LIMITS
//     kMaxIdle sessions; the one that waits longest goes first.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "libcommon/event/loop.h"
#include "smtp-client/session.h"

namespace umaya::smtp_client {

class IdleSessions {
 public:
  static constexpr size_t kMaxIdle = 500;

  explicit IdleSessions(Duration time_limit);
  ~IdleSessions();
  void put(std::string key, std::unique_ptr<Session> session);
  /// The server of the newest session for this destination, if there is one.
  const Peer* find(std::string_view key) const;
  std::unique_ptr<Session> take(std::string_view key, std::string_view mark);
  std::unique_ptr<Session> take(const net::Endpoint& server, std::string_view mark);
  /// Says QUIT to all.
  void close_all();
  size_t size() const { return sessions_.size(); }

 private:
  struct Idle {
    std::string key;
    std::unique_ptr<Session> session;
    TimePoint since;
  };
  using List = std::list<Idle>;  // the one that waits longest first
  std::unique_ptr<Session> take(List::iterator idle);
  template <class Test>
  std::unique_ptr<Session> take_newest(Test is_it);
  void expire();

  Duration time_limit_;
  List sessions_;
  event::Timer timer_;
};

}  // namespace umaya::smtp_client
