// NAME    service - what pop3d does at start and for each connection
//
// DESCRIPTION
//     A connection comes through the gate (login_gate.h), tells who it is behind a balancer (link.h), logs in
//     (login.h), and goes to the parent of sessions (sessions/session_parent.h): its descriptor, or one end of a socket
//     pair while this process carries its TLS (relay.h). Started by an ordinary user, the whole session is served here.
#pragma once

#include "libcommon/daemon/daemon.h"

namespace umaya::pop3d {

Result<void> prepare(daemon::Process& process);
/// What the log-in process may do where root started it: read the directory of sockets, and use what it has.
daemon::SandboxPolicy login_policy(const std::string& queue_directory);
daemon::SandboxPolicy sandbox(const daemon::Process& process);
Result<void> start(daemon::Process& process);
event::Task<void> session(daemon::Process& process, Fd fd, event::PeerAddress peer);
void stop(daemon::Process& process);
/// After the loop has ended: what stands on it goes before it.
void finish();

}  // namespace umaya::pop3d
