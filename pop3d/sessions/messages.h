// NAME    messages - what the processes of pop3d tell one another
//
// DESCRIPTION
//     log-in process  -> parent           Handover, with the client's descriptor; StopAll
//     parent          -> session process  StartSession, with the client's descriptor; EndSession; StopAll
//     session process -> parent           SessionsEnded
//     both            -> parent           LogLine, where the log is syslog's
//
//     Nothing in a Handover is believed but the ticket, in which authd has sealed who that is, or with which the parent
//     asks it; the rest is for the log, for "umaya who" and for the session itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/log/log.h"

namespace umaya::pop3d {

struct Handover {
  std::string user;  ///< as the log-in process has it; for the log when the ticket is not good
  uint32_t client_pid = 0;
  uint32_t request = 0;
  std::string cookie;
  std::string sealed;
  std::string remote;
  std::string local;
  std::string protection;  ///< "TLS", "secured" or empty
  std::string session;     ///< the log's name of the session
  std::string pipelined;   ///< what the client has sent behind its log-in
  bool utf8 = false;       ///< UTF8 was given (RFC 6856)
  static constexpr std::string_view kName = "pop3.handover";
  static void visit(auto& self, auto&& v) {
    v("user", self.user);
    v("client_pid", self.client_pid);
    v("request", self.request);
    v("cookie", self.cookie);
    v("sealed", self.sealed);
    v("remote", self.remote);
    v("local", self.local);
    v("protection", self.protection);
    v("session", self.session);
    v("pipelined", self.pipelined);
    v("utf8", self.utf8);
  }
};

struct StartSession {
  uint64_t id = 0;
  std::string user;      ///< as authd names the user
  std::string location;  ///< "maildir:/path", "mbox:/path"
  std::string session;
  std::string pipelined;
  bool utf8 = false;
  static constexpr std::string_view kName = "pop3.start_session";
  static void visit(auto& self, auto&& v) {
    v("id", self.id);
    v("user", self.user);
    v("location", self.location);
    v("session", self.session);
    v("pipelined", self.pipelined);
    v("utf8", self.utf8);
  }
};

/// The administrator wants it.
struct EndSession {
  uint64_t id = 0;
  static constexpr std::string_view kName = "pop3.end_session";
  static void visit(auto& self, auto&& v) { v("id", self.id); }
};

/// Sessions are over. Told of many at once: the parent is not woken for each.
struct SessionsEnded {
  static constexpr size_t kMost = 1000;  ///< in one message
  std::vector<uint64_t> ids;
  static constexpr std::string_view kName = "pop3.sessions_ended";
  static void visit(auto& self, auto&& v) { v("ids", self.ids); }
};
/// The longest time between the end of a session and the message of it.
constexpr Duration kEndsToldWithin = std::chrono::milliseconds(20);

/// syslog(3) connects again when the log daemon was started anew; these processes may not.
struct LogLine {
  log::Level level = log::Level::info;
  std::string text;
  static constexpr std::string_view kName = "pop3.log_line";
  static void visit(auto& self, auto&& v) {
    v("level", self.level);
    v("text", self.text);
  }
};

/// The mail system stops.
struct StopAll {
  bool now = true;
  static constexpr std::string_view kName = "pop3.stop_all";
  static void visit(auto& self, auto&& v) { v("now", self.now); }
};

}  // namespace umaya::pop3d
