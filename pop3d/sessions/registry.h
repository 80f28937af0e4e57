// NAME    registry - the sessions of logged-in users, for "umaya who" and "umaya kick"
//
// DESCRIPTION
//     Answers on a packet socket (libcommon/services/sessions.h) to root and to the user whose instance it is, nobody
//     else. Kicking calls back for every session of the user or address named.
//
// OWNERSHIP
//     Owns its socket and removes its name when it goes.
//
// LIMITS
//     kMostCallers callers at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "libcommon/event/listener.h"
#include "libcommon/event/task.h"
#include "libcommon/services/sessions.h"

namespace umaya::pop3d {

class Registry {
 public:
  using Session = services::sessions::Session;
  /// end: ends the session with this number.
  explicit Registry(std::function<void(uint64_t)> end) : end_(std::move(end)) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  /// Answers on a socket of this name.
  Result<void> listen(const std::string& path);
  /// Gives the session's number.
  uint64_t add(Session session);
  /// Forgets a session; gives what was known of it, nothing for a number that is not in use.
  std::optional<Session> remove(uint64_t id);
  void set_process(uint64_t id, uint32_t process);
  size_t size() const { return sessions_.size(); }
  /// Ends the sessions of a user or from an address; gives their number.
  uint32_t kick(std::string_view who);

 private:
  static constexpr size_t kMostCallers = 16;
  static event::Task<void> answer(Registry* registry, Fd fd);
  std::vector<services::sessions::WhoReply> list() const;

  std::function<void(uint64_t)> end_;
  std::unordered_map<uint64_t, Session> sessions_;
  uint64_t next_ = 1;
  std::string path_;
  std::unique_ptr<event::Listener> listener_;
  event::TaskScope callers_;
};

}  // namespace umaya::pop3d
