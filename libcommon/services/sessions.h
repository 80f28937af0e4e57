// NAME    sessions - who is logged in, and ending sessions: what mail access daemons answer to "umaya who" and "kick"
//
// DESCRIPTION
//     Each process that knows of logged-in users (pop3d's parent of sessions) listens on a packet socket of its own,
//     queue_directory/private/sessions.SERVICE.PID, open to its own user alone (root's, when root started the system).
//     Who is answered by as many WhoReply as it takes, Kick by one KickReply.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::services::sessions {

/// Sockets are private/sessions.SERVICE.PID.
inline constexpr std::string_view kSocketPrefix = "sessions.";

struct Session {
  std::string service;  ///< "pop3"
  std::string user;
  std::string address;     ///< the client's
  std::string protection;  ///< "TLS", "secured" (did not leave this host), or empty
  int64_t since = 0;       ///< seconds since 1970
  uint32_t process = 0;    ///< that serves it
  static constexpr std::string_view kName = "sessions.session";
  static void visit(auto& self, auto&& v) {
    v("service", self.service);
    v("user", self.user);
    v("address", self.address);
    v("protection", self.protection);
    v("since", self.since);
    v("process", self.process);
  }
};

struct Who {
  uint32_t version = 1;
  static constexpr std::string_view kName = "sessions.who";
  static void visit(auto& self, auto&& v) { v("version", self.version); }
};

struct WhoReply {
  std::vector<Session> sessions;
  bool last = true;
  static constexpr std::string_view kName = "sessions.who_reply";
  static void visit(auto& self, auto&& v) {
    v("sessions", self.sessions);
    v("last", self.last);
  }
};

/// Ends the sessions of a user, or from an address.
struct Kick {
  std::string who;
  static constexpr std::string_view kName = "sessions.kick";
  static void visit(auto& self, auto&& v) { v("who", self.who); }
};

struct KickReply {
  uint32_t ended = 0;
  static constexpr std::string_view kName = "sessions.kick_reply";
  static void visit(auto& self, auto&& v) { v("ended", self.ended); }
};

}  // namespace umaya::services::sessions
