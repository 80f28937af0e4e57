// NAME    session_process - a process that has become the owner of mailboxes and serves their sessions
//
// DESCRIPTION
//     Forked by the parent of sessions (session_parent.h), still as root, for one owner and one root directory. Keeps
//     nothing of its parent but one channel and the log, becomes the owner for good, and may from then on touch only
//     what lies beneath the root, or beneath the directory that will hold it (Landlock), execute nothing and trace
//     nobody (seccomp). Sessions come over the channel, each with its client's descriptor; their ends are told there.
//     When the parent closes the channel the process serves what it has and ends.
#pragma once

#include <functional>
#include <string>

#include "libcommon/base/fd.h"
#include "libcommon/daemon/privilege.h"
#include "pop3d/params.h"

namespace umaya::pop3d {

struct SessionOwner {
  daemon::Account account{};
  std::string root;     ///< directory that may be worked in
  bool shared = false;  ///< several users' mailboxes lie beneath it
  auto operator<=>(const SessionOwner& other) const {
    return std::tie(account.uid, account.gid, root) <=> std::tie(other.account.uid, other.account.gid, other.root);
  }
  bool operator==(const SessionOwner& other) const { return (*this <=> other) == 0; }
};

/// Called in the new process; never returns.
[[noreturn]] void run_session_process(int channel, const SessionOwner& owner, const Params& params,
                                      const std::function<void()>& open_log);

}  // namespace umaya::pop3d
