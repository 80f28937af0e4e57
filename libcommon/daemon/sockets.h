// NAME    sockets - the sockets that a service of master.cf listens on
//
// DESCRIPTION
//     inet services listen on the given host or on every address of inet_interfaces; unix services on a socket in
//     queue_directory/private or public. Our own protocols are packets (SOCK_SEQPACKET); programs that speak a foreign
//     protocol of lines (smtpd, pop3d, authd, spawn …) get a stream.
//
//     The socket's group says who may connect, by the service: network-facing daemons (group of net_user) reach
//     cleanup, anvil, proxymap, flush, auth, tlsmgr, local, virtual and a private lmtpd; the set-gid commands
//     (setgid_group) reach pickup and showq; qmgr is open to all and looks itself who calls (commands and agents need
//     it), and so is an lmtpd that is not private; everything else is for mail_owner.
#pragma once

#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/config/config.h"
#include "libcommon/config/master_cf.h"

namespace umaya::daemon {

/// The listening sockets of a service, at least one. A port that is not numeric is looked up in services(5).
Result<std::vector<Fd>> open_sockets(const config::Config& config, const config::MasterService& service);
/// queue_directory/private/NAME or …/public/NAME.
std::string socket_path(const config::Config& config, const config::MasterService& service);
/// SOCK_SEQPACKET or SOCK_STREAM for a unix service that runs this command.
int unix_socket_kind(std::string_view command);

}  // namespace umaya::daemon
