// NAME    mbox_lock - an mbox file that is open and locked against all other programs
//
// SYNOPSIS
//     LockedMbox box(directory, "kim", rules, Missing::create);
//     UMAYA_CHECK(box.acquire());
//     box.fd(); …
//
// DESCRIPTION
//     The file is opened without following links, must be a regular file with one link (and, with strict ownership, the
//     owner's), is locked as configured, and it is made sure that its name still means the same file. A dotlock that
//     somebody else holds makes us give back the other locks while waiting, so that programs that lock in the opposite
//     order are not blocked for ever.
//
// OWNERSHIP
//     Borrows the directory and the rules. Everything is given back in the right order when it goes.
//
// ERRORS
//     Temporary. Locked by somebody else to the end: sys_errno EBUSY.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/mailbox/delivery_file.h"
#include "libcommon/mailbox/dotlock.h"

namespace umaya::mailbox {

enum class MboxLock : unsigned char { fcntl, flock, dotlock };
/// Whether a directory in which no dotlock can be made stops the work (a system mailbox) or not (any other file).
enum class DotlockNeed : unsigned char { required, if_possible };

struct MboxRules {
  std::optional<uid_t> owner;  ///< strict_mailbox_ownership: nobody else's file is written to
  std::vector<MboxLock> locks{MboxLock::fcntl, MboxLock::dotlock};  ///< mailbox_delivery_lock, in order
  DotlockNeed dotlock = DotlockNeed::required;
  int lock_attempts = 20;                                ///< deliver_lock_attempts
  Duration lock_delay = std::chrono::seconds(1);         ///< deliver_lock_delay
  Duration stale_lock_time = std::chrono::seconds(500);  ///< stale_lock_time
};

class LockedMbox {
 public:
  LockedMbox(int directory, std::string name, const MboxRules& rules, Missing missing)
      : directory_(directory), name_(std::move(name)), rules_(rules), missing_(missing) {}

  Result<> acquire();
  int fd() const { return file_.fd.get(); }
  /// As it was when it was opened.
  const struct stat& status() const { return file_.status; }
  bool created() const { return created_; }

 private:
  enum class Locked : unsigned char { yes, busy };
  Result<> open();
  Result<Locked> lock_all();
  Result<Locked> lock_kernel(MboxLock how);
  Result<Locked> lock_dot();
  bool name_means_file() const;

  int directory_;
  std::string name_;
  const MboxRules& rules_;
  Missing missing_;
  Opened file_;
  bool created_ = false;
  std::optional<Dotlock> dotlock_;
};

}  // namespace umaya::mailbox
