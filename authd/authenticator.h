// NAME    authenticator - decides whether a password is right, and knows whose mailbox it opens
//
// DESCRIPTION
//     Users and passwords come from auth_passwd_file, which is read again when it has changed. What the file leaves
//     out of a user's uid, gid and home comes from the user database (passwd_file, or the system's).
//     A user who does not exist costs as much time as one who does: the password is compared with somebody else's. Slow
//     hashes run in a worker; when too many wait, the answer is "temporary", so that a flood of log-ins uses up
//     neither memory nor the time of those who are already inside.
//
// ERRORS
//     A file that cannot be read, a user database that cannot be asked and data that are malformed are temporary.
#pragma once

#include <sys/stat.h>

#include <string>

#include "authd/params.h"
#include "libcommon/auth/auth_client.h"
#include "libcommon/auth/passwd_file.h"
#include "libcommon/base/secret.h"
#include "libcommon/event/worker_pool.h"

namespace umaya::authd {

/// A log-in to be judged.
struct Attempt {
  std::string user;
  Secret password;
  std::string remote;  ///< client address, empty when unknown
};

struct Verdict {
  auth::AuthStatus status = auth::AuthStatus::temporary;
  std::string user;    ///< canonical name
  std::string reason;  ///< for the log only: a client is told the same for every failure
};

class Authenticator {
 public:
  static constexpr size_t kMostWaiting = 200;

  Authenticator(Params params, size_t threads) : params_(std::move(params)), workers_(threads) {}
  event::Task<Verdict> check(Attempt attempt);
  /// Where the user's session runs and finds the mail.
  Result<auth::LoginData> login_data(const std::string& user);
  /// Reads the file if it has changed.
  Result<void> refresh();

 private:
  Verdict judge(const Attempt& attempt, const auth::PasswdEntry* entry, const Result<bool>& right) const;

  Params params_;
  auth::PasswdFile file_;
  struct stat seen_ {};
  event::WorkerPool workers_;
};

}  // namespace umaya::authd
