// NAME    callers - who speaks on public/qmgr, and what they may ask
//
// DESCRIPTION
//     The socket is open to everybody, because two groups need it: the set-gid commands, and the delivery agents of the
//     net user, which bring results that came late. The kernel says who is at the other end.
#pragma once

#include <sys/types.h>

#include <optional>

#include "libcommon/base/result.h"
#include "libcommon/daemon/daemon.h"

namespace umaya::qmgr {

enum class Caller : unsigned char {
  stranger,  ///< nothing
  command,   ///< triggers and commands (postqueue)
  agent,     ///< results that came late (smtp)
  owner,     ///< everything
};

class Callers {
 public:
  Callers() = default;
  /// Finds the users of the instance; when nobody's rights differ there is only the owner.
  static Result<Callers> of(const daemon::Process& process);
  Caller identify(int fd) const;
  Caller classify(uid_t uid, gid_t gid) const;

 private:
  uid_t owner_ = 0;
  std::optional<uid_t> net_user_;
  std::optional<gid_t> commands_;
};

}  // namespace umaya::qmgr
