// NAME    authenticator - decides who has logged in, and knows whose mailbox it opens
//
// SYNOPSIS
//     Authenticator authenticator(params, tables, 2, helper);
//     Verdict verdict = co_await authenticator.check(std::move(attempt));      // a name and a password
//     auto subject = co_await authenticator.find("Alice@example.com", client); // steps of other mechanisms
//
// DESCRIPTION
//     The sources are asked in the order of auth_sources; the first that knows the user counts.
//     A user who does not exist costs as much time as one who does: the password is compared with somebody else's, and
//     SCRAM shows a salt that is always the same for that name. Slow hashes run in threads, log-ins of system users in
//     the helper; both are handed out fairly (fair_queue.h). Passwords found right are remembered (password_cache.h),
//     wrong ones held back (penalties.h).
//
// OWNERSHIP
//     params, and the helper, if any, outlive it.
//
// ERRORS
//     AuthStatus::temporary: a source cannot be asked, too much is under way, data are malformed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "authd/fair_queue.h"
#include "authd/names.h"
#include "authd/params.h"
#include "authd/password_cache.h"
#include "authd/penalties.h"
#include "authd/sources/source.h"
#include "authd/system/helper.h"
#include "authd/user_data.h"
#include "libcommon/auth/auth_client.h"
#include "libcommon/base/secret.h"
#include "libcommon/event/worker_pool.h"

namespace umaya::authd {

/// Who asks, and from where.
struct Origin {
  std::string service;
  std::string remote;  ///< client address, empty when unknown
};

/// A log-in to be judged.
struct Attempt {
  std::string user;
  Secret password;
  Origin origin;
};

struct Verdict {
  auth::AuthStatus status = auth::AuthStatus::temporary;
  std::string user{};    ///< canonical name
  std::string reason{};  ///< for the log only: a client is told the same for every failure
  Duration hold{};       ///< how long the answer is held back, from the beginning of the attempt
};

/// A name that a mechanism works on.
struct Subject {
  std::string tried;                 ///< canonical, or as the client wrote it when that is no name
  std::string user;                  ///< as the source writes it; the same as tried when there is no account
  std::optional<Account> account{};  ///< none: nobody, to be treated like everybody else
  bool known = false;                ///< has logged in from there before
};

class Authenticator {
 public:
  Authenticator(const Params& params, const table::Options& tables, std::string salt_key, size_t threads,
                SystemHelper* helper);

  event::Task<Verdict> check(Attempt attempt);
  /// A name, after the waiting that penalties ask for.
  event::Task<Result<Subject>> find(std::string user, Origin origin);
  /// The keys that a SCRAM exchange shows and is checked against; made up for nobody.
  event::Task<Result<auth::ScramKeys>> scram_keys(const Subject* subject, auth::Hash hash, Origin origin);
  /// Whether the account may log in now from there, given that the client has proved itself, or not.
  Verdict judge(const Subject& subject, const Result<bool>& proved, const Origin& origin);
  /// Takes a failure down, and says in the verdict how long it is held back; or a success.
  void settle(Verdict& verdict, std::string_view password, const Origin& origin);

  /// Where the user's session runs and finds the mail; nothing when there is no such user.
  event::Task<Result<std::optional<auth::LoginData>>> login_data(std::string user);
  /// The account of a name, without penalties (master look-ups).
  event::Task<Result<std::optional<Account>>> account_of(std::string user);
  Result<std::vector<std::string>> users();
  /// Reads what has changed; the first trouble.
  Result<void> refresh();
  /// What the passwords of all users can be used for.
  unsigned uses();
  /// Our name in challenges.
  const std::string& host() const { return params_.myhostname; }

 private:
  event::Task<Result<bool>> compare(const Subject* subject, const Attempt* attempt);
  event::Task<Result<bool>> compare_slowly(const Subject* subject, const Attempt* attempt,
                                           const auth::StoredPassword* against);
  event::Task<Result<bool>> ask_system(const Subject* subject, const Attempt* attempt);
  const auth::StoredPassword* decoy();
  void watch_sources();
  std::string salt_for(std::string_view name, auth::Hash hash) const;

  const Params& params_;
  NameRules names_;
  std::vector<std::unique_ptr<Source>> sources_;
  UserData user_data_;
  std::string salt_key_;
  SystemHelper* helper_;
  PasswordCache cache_;
  Penalties penalties_;
  uint64_t generation_ = 0;
  event::WorkerPool workers_;
  FairQueue hash_queue_, system_queue_;
};

/// The sources that params name; permanent when one is unknown or lacks its parameter.
Result<std::vector<std::unique_ptr<Source>>> make_sources(const Params& params, const table::Options& tables);

}  // namespace umaya::authd
