// NAME    mailbox_session - from a log-in's ticket to the open mailbox
//
// DESCRIPTION
//     When root started us, log-ins go to a small process that has stayed root and was split off before anything was
//     read from the network (SessionParent). For each it forks a process that fetches the user's data from authd with
//     the ticket, becomes that user for good, closes the sandbox and serves the session. So the process that talks to
//     strangers can open the mailbox of somebody whose password was right, and of nobody else. Started by an ordinary
//     user, sessions are served in the process itself.
#pragma once

#include <functional>
#include <string>

#include "libcommon/base/fd.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"
#include "pop3d/login.h"
#include "pop3d/params.h"

namespace umaya::pop3d {

/// What a session needs from the process that did the log-in.
struct Handover {
  std::string user;
  uint32_t client_pid = 0;
  uint32_t request = 0;
  std::string cookie;
  std::string remote;
  std::string pipelined;  ///< what the client has sent behind PASS
  static constexpr std::string_view kName = "pop3.handover";
  static void visit(auto& self, auto&& v) {
    v("user", self.user);
    v("client_pid", self.client_pid);
    v("request", self.request);
    v("cookie", self.cookie);
    v("remote", self.remote);
    v("pipelined", self.pipelined);
  }
};

/// Directory of the Maildir that a user's mail is in: userdb_mail, else home_mailbox when it names a Maildir, else
/// Maildir.
Result<std::string> maildir_of(const auth::LoginData& data, const std::string& home_mailbox);

/// Fetches the log-in, opens the mailbox with the rights we have, serves the session.
event::Task<void> serve_here(event::Stream* client, Handover handover, const Params* params);

/// The process that stays root.
class SessionParent {
 public:
  /// Forks it; only while this process is root and has read nothing from outside.
  static Result<SessionParent> start(const Params& params, std::function<void()> open_log);
  /// Hands a client over. An error means that the client is still ours.
  Result<void> hand_over(const Handover& handover, int client_fd);
  /// Ends all sessions.
  void stop();

 private:
  explicit SessionParent(Fd channel) : channel_(std::move(channel)) {}
  Fd channel_;
};

}  // namespace umaya::pop3d
