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

/// What stays of root.
enum class Keep : unsigned char {
  nothing,
  low_ports,   ///< CAP_NET_BIND_SERVICE
  read_files,  ///< CAP_DAC_READ_SEARCH: every file may be read, none written
};

/// Becomes account for good, with its primary group and no other; checks that there is no way back. low_ports: ports
/// below 1024 may be opened until give_up_low_ports().
Result<void> give_up_root(const Account& account, Keep keep = Keep::nothing);
/// Without effect for root, and for who has no such right.
Result<void> give_up_low_ports();

}  // namespace umaya::daemon
