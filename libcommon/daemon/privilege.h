// NAME    privilege - users, groups, and giving up root for good
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::daemon {

struct Account {
  uid_t uid;
  gid_t gid;
};

/// The system user; permanent when there is none, temporary when the user database cannot be asked.
Result<Account> find_user(const std::string& name);
Result<gid_t> find_group(const std::string& name);

/// Becomes account for good, with its primary group and no other; checks that there is no way back.
Result<void> give_up_root(const Account& account);

}  // namespace umaya::daemon
