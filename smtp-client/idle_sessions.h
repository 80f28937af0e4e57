// NAME    idle_sessions - open connections that wait for the next message to the same destination
//
// SYNOPSIS
//     idle.put(key, std::move(session));
//     if (auto session = idle.take(key)) …               // by destination, before any look-up
//     if (auto session = idle.take(endpoint)) …          // by server, after the look-up
//
// DESCRIPTION
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
  std::unique_ptr<Session> take(std::string_view key);
  std::unique_ptr<Session> take(const net::Endpoint& server);
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
  void expire();

  Duration time_limit_;
  List sessions_;
  event::Timer timer_;
};

}  // namespace umaya::smtp_client
