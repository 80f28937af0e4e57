// NAME    sandbox - what a daemon may still do once it serves strangers
//
// DESCRIPTION
//     enter() sets no_new_privs, then limits files with Landlock to the named places, and system calls with seccomp:
//     no program is ever executed, no other process traced, nothing mounted, no kernel facility touched that a mail
//     daemon has no use for. A kernel without one of the two is told in the log once; the rest is in force all the
//     same. Directories are named before the process starts to serve; a path that does not exist is passed over.
#pragma once

#include <string>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::daemon {

enum class Execution : unsigned char { forbidden, allowed };
/// What the C library reads at run time: name services, time zones. hidden: no file at all can be opened.
enum class SystemFiles : unsigned char { readable, hidden };
/// forbidden: the process keeps the sockets that it has and makes no others, nor connects any.
enum class NewSockets : unsigned char { allowed, forbidden };
/// forbidden: the process signals nobody but itself.
enum class Signals : unsigned char { allowed, forbidden };

struct SandboxPolicy {
  std::vector<std::string> read;   ///< files and directories that may be read
  std::vector<std::string> write;  ///< directories beneath which everything may be done
  Execution execution = Execution::forbidden;
  SystemFiles system_files = SystemFiles::readable;
  NewSockets sockets = NewSockets::allowed;
  Signals signals = Signals::allowed;
  bool enabled = true;  ///< false: only no_new_privs is set
};

/// What is in force afterwards, in words for the log ("no_new_privs landlock seccomp").
Result<std::string> enter_sandbox(const SandboxPolicy& policy);

}  // namespace umaya::daemon
