// NAME    session_parent - the process that stays root, and keeps the processes that serve mailboxes
//
// SYNOPSIS
//     UMAYA_TRY(SessionParent parent, SessionParent::start(params, config, open_log));   // before root is given up
//     UMAYA_CHECK(parent.hand_over(handover, client_fd));
//
// DESCRIPTION
//     When root started us, log-ins go to a small process that has stayed root and was split off before anything was
//     read from the network. It speaks with no client. For each log-in it shows the ticket to authd, decides
//     (gatekeeper.h), and hands the client to the session process of that owner and root directory (session_process.h),
//     which it starts when there is none. A session process serves all sessions of its owner and stays for
//     pop3_session_keep_time after the last; when there are pop3_session_process_limit of them, the one that has been
//     idle longest ends. One that dies takes its own sessions with it and no others.
//
//     What the log-in process can have done by this one, even when a stranger has taken it over, is to serve the
//     mailbox of a user whose password authd has just accepted. It cannot name a uid or a path; a ticket is good once
//     and is made by authd for a right password only. It can make no connections either: the parent makes those to
//     authd and tlsmgr for it (connector.h).
//
//     When the log-in process goes (a reload) the parent stays until its last session has ended, or until the mail
//     system stops.
//
// ERRORS
//     hand_over() fails when the parent is gone or overrun; the client is still ours then.
#pragma once

#include <functional>

#include "libcommon/base/fd.h"
#include "libcommon/config/config.h"
#include "pop3d/params.h"
#include "pop3d/sessions/messages.h"

namespace umaya::pop3d {

class SessionParent {
 public:
  /// Forks it; only while this process is root and has read nothing from outside.
  static Result<SessionParent> start(const Params& params, const config::Config& config,
                                     std::function<void()> open_log);
  /// The socket pair's end for use_connector(), once.
  Fd take_connector() { return std::move(connector_); }
  Result<void> hand_over(const Handover& handover, int client_fd);
  /// Ends all sessions.
  void stop();
  /// Becomes readable when the parent is gone.
  int fd() const { return channel_.get(); }

 private:
  SessionParent(Fd channel, Fd connector) : channel_(std::move(channel)), connector_(std::move(connector)) {}
  Fd channel_, connector_;
};

}  // namespace umaya::pop3d
