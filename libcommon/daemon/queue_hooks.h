// NAME    queue_hooks - what daemons that work on the queue have in common
//
// SYNOPSIS
//     daemon::Hooks hooks = daemon::queue_hooks("flush", daemon::QueueAccess::change);
//     hooks.session = session;
//     return daemon::run(argc, argv, std::move(hooks));
//
// DESCRIPTION
//     mail_owner's rights, and a sandbox in which of all directories only the queue is there.
#pragma once

#include "libcommon/daemon/daemon.h"

namespace umaya::daemon {

enum class QueueAccess : unsigned char { read, change };

Hooks queue_hooks(std::string_view name, QueueAccess access);

}  // namespace umaya::daemon
