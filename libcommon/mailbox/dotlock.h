// NAME    dotlock - USER.lock beside a mailbox, by the rules of liblockfile and Debian policy 11.6
//
// SYNOPSIS
//     UMAYA_TRY(std::optional<Dotlock> lock, Dotlock::try_lock(directory, "kim.lock", stale_after));
//     if (!lock) …                       // somebody else has it
//
// DESCRIPTION
//     The lock file is made with a name of its own, then hard linked to the lock's name, which is safe on NFS too; it
//     holds the pid of its owner. A lock of somebody else is broken only if it is older than stale_after and the
//     process that it names does not exist (any more).
//
// OWNERSHIP
//     Borrows the directory descriptor, which must outlive it. Destroying it removes the lock.
//
// ERRORS
//     Temporary, with errno: EACCES, EPERM or EROFS say that the directory does not let us make a lock.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"

namespace umaya::mailbox {

/// What a lock says of its owner: the pid alone, or "pid:host" as Dovecot writes it. Of a lock with our host's name a
/// process that does not exist holds nothing, whatever the age of the lock.
enum class LockOwner : unsigned char { pid, pid_and_host };

class Dotlock {
 public:
  /// Tries once; nothing when somebody else holds it.
  static Result<std::optional<Dotlock>> try_lock(int directory, const std::string& name, Duration stale_after,
                                                 LockOwner owner = LockOwner::pid);

  Dotlock(Dotlock&& other) noexcept : directory_(std::exchange(other.directory_, -1)), name_(std::move(other.name_)) {}
  Dotlock& operator=(Dotlock&&) = delete;
  ~Dotlock();

 private:
  Dotlock(int directory, std::string name) : directory_(directory), name_(std::move(name)) {}
  int directory_;
  std::string name_;
};

}  // namespace umaya::mailbox
