// NAME    source - where users and their passwords come from
//
// DESCRIPTION
//     auth_sources names sources in the order in which they are asked; the first that knows a user is the one that
//     counts for it. "Not known" and "cannot be asked" are different answers.
//
// OWNERSHIP
//     A source outlives the tasks that ask it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/auth/passwd_file.h"
#include "libcommon/base/result.h"
#include "libcommon/event/task.h"

namespace umaya::authd {

/// What a source knows about a user.
struct Account {
  auth::PasswdEntry entry;
  std::string_view source;    ///< name of the source, for the log
  bool by_system = false;     ///< the password is checked by the system (PAM, shadow), through the helper
  std::string stored_text{};  ///< changes when the password changes: part of what the cache remembers
};

class Source {
 public:
  virtual ~Source() = default;
  virtual std::string_view name() const = 0;
  /// Reads again what has changed. An error: nobody of this source can log in now.
  virtual Result<void> refresh() { return {}; }
  /// name is canonical.
  virtual event::Task<Result<std::optional<Account>>> find(std::string name) = 0;
  /// What the passwords of all its users can be used for (auth::kCheckable …).
  virtual unsigned uses() const = 0;
  /// Names of its users; permanent when this source cannot tell.
  virtual Result<std::vector<std::string>> users() { return permanent("this source cannot list its users"); }
  /// Grows whenever what it knows may have changed.
  virtual uint64_t generation() const { return 0; }
  /// A password to be checked for users that do not exist; null: none.
  virtual const auth::StoredPassword* decoy() const { return nullptr; }
};

}  // namespace umaya::authd
