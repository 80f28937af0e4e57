#include "authd/authenticator.h"

#include <algorithm>

#include "libcommon/base/users.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"

namespace umaya::authd {

using auth::AuthStatus;

Result<void> Authenticator::refresh() {
  struct stat now {};
  if (stat(params_.passwd_file.c_str(), &now) != 0) return sys_error(params_.passwd_file);
  bool same = now.st_mtim.tv_sec == seen_.st_mtim.tv_sec && now.st_mtim.tv_nsec == seen_.st_mtim.tv_nsec &&
              now.st_size == seen_.st_size && now.st_ino == seen_.st_ino;
  if (same) return {};
  UMAYA_TRY(std::string text, fs::read_file(params_.passwd_file, auth::kMostPasswdText));
  std::vector<std::string> problems;
  file_ = auth::parse_passwd_file(text, params_.passwd_file, problems);
  explicit_bzero(text.data(), text.size());
  for (const std::string& problem : problems) log::warning("{}", problem);
  seen_ = now;
  return {};
}

Verdict Authenticator::judge(const Attempt& attempt, const auth::PasswdEntry* entry, const Result<bool>& right) const {
  if (!right) return {AuthStatus::temporary, attempt.user, right.error().what};
  if (entry == nullptr) return {AuthStatus::failed, attempt.user, "unknown user"};
  if (!entry->password) return {AuthStatus::failed, entry->user, "no password is set"};
  if (!*right) return {AuthStatus::failed, entry->user, "password mismatch"};
  if (entry->nologin) return {AuthStatus::failed, entry->user, "user is disabled (nologin)"};
  auto address = net::IpAddress::parse(attempt.remote);
  bool allowed = entry->allow_nets.empty() ||
                 (address && std::any_of(entry->allow_nets.begin(), entry->allow_nets.end(),
                                         [&](const net::Network& network) { return network.contains(*address); }));
  if (!allowed) return {AuthStatus::failed, entry->user, "client is not in allow_nets"};
  return {AuthStatus::ok, entry->user, {}};
}

event::Task<Verdict> Authenticator::check(Attempt attempt) {
  auto fresh = refresh();
  if (!fresh) co_return Verdict{AuthStatus::temporary, attempt.user, fresh.error().what};
  const auth::PasswdEntry* found = auth::valid_user_name(attempt.user) ? file_.find(attempt.user) : nullptr;
  // A copy: the file may be read anew while the worker is at it.
  std::optional<auth::PasswdEntry> entry;
  if (found != nullptr) entry = *found;
  const auth::StoredPassword* against = entry && entry->password ? &*entry->password : file_.decoy();
  Result<bool> right = false;
  if (against != nullptr && against->is_slow()) {
    if (workers_.queued() >= kMostWaiting) {
      co_return Verdict{AuthStatus::temporary, attempt.user, "too many log-ins at once"};
    }
    auto work = [stored = *against, password = Secret(std::string(attempt.password.reveal()))] {
      return stored.verify(password.reveal());
    };
    right = co_await workers_.run(std::move(work));
  } else if (against != nullptr) {
    right = against->verify(attempt.password.reveal());
  }
  if (!entry && !right) right = false;  // somebody else's data are malformed: not this user's trouble
  co_return judge(attempt, entry ? &*entry : nullptr, right);
}

Result<auth::LoginData> Authenticator::login_data(const std::string& user) {
  UMAYA_CHECK(refresh());
  const auth::PasswdEntry* entry = file_.find(user);
  if (entry == nullptr) return permanent("user " + user + " is gone");
  auth::LoginData data;
  data.user = entry->user;
  data.home = entry->home;
  data.mail = entry->mail;
  if (!entry->uid || !entry->gid || entry->home.empty()) {
    UMAYA_TRY(std::optional<User> system, find_user_entry(entry->user));
    if (!system && (!entry->uid || !entry->gid)) {
      return temporary("user " + user + ": no uid and gid in " + params_.passwd_file +
                       ", and no such user of the system");
    }
    if (system && data.home.empty()) data.home = system->home;
    data.uid = entry->uid.value_or(system ? system->uid : 0);
    data.gid = entry->gid.value_or(system ? system->gid : 0);
  } else {
    data.uid = *entry->uid;
    data.gid = *entry->gid;
  }
  if (data.uid < static_cast<uint32_t>(params_.first_valid_uid)) {
    return temporary("user " + user + ": uid " + std::to_string(data.uid) + " is below auth_first_valid_uid");
  }
  return data;
}

}  // namespace umaya::authd
