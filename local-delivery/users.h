// NAME    users - the system's users, with "no such user" and "cannot say" kept apart
//
// SYNOPSIS
//     SystemUsers users;
//     UMAYA_CO_TRY(std::optional<User> kim, co_await users.find("kim"));
//
// DESCRIPTION
//     The user database may be somewhere in the network, so it is asked in a thread. An answer that names a user is
//     kept for a few seconds; "no such user" and errors are never kept. Names that cannot be user names (with '/',
//     control bytes, a leading '-', or numbers only) are not asked for: they name nobody (attack L19). A user whose uid
//     has changed since the last look is logged (L20).
//
// ERRORS
//     A user database that cannot be asked is temporary: the mail waits (L8).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/base/strings.h"
#include "libcommon/base/users.h"
#include "libcommon/event/task.h"
#include "libcommon/event/worker_pool.h"

namespace umaya::local_delivery {

/// Whether the name could be a user's.
bool plausible_user_name(std::string_view name);

class SystemUsers {
 public:
  event::Task<Result<std::optional<User>>> find(std::string name);

 private:
  struct Known {
    User user;
    TimePoint until;
  };
  StringMap<Known> known_;
  event::WorkerPool pool_{2};
};

}  // namespace umaya::local_delivery
