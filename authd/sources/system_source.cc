#include "authd/sources/system_source.h"

#include "authd/names.h"
#include "libcommon/base/strings.h"
#include "libcommon/base/users.h"

namespace umaya::authd {

Result<void> SystemSource::refresh() {
  struct stat now {};
  if (stat("/etc/shadow", &now) != 0) return {};  // no such file: PAM knows passwords from elsewhere
  bool same = now.st_mtim.tv_sec == shadow_.st_mtim.tv_sec && now.st_mtim.tv_nsec == shadow_.st_mtim.tv_nsec &&
              now.st_ino == shadow_.st_ino;
  if (!same) ++generation_;
  shadow_ = now;
  return {};
}

event::Task<Result<std::optional<Account>>> SystemSource::find(std::string user) {
  (void)refresh();
  std::string_view domain = domain_part(user);
  if (!domain.empty() && (realm_.empty() || !iequals(domain, realm_))) co_return std::nullopt;
  UMAYA_CO_TRY(std::optional<User> found, find_user_entry(local_part(user)));
  if (!found || found->uid < first_uid_) co_return std::nullopt;
  Account account;
  account.entry.user = found->name;
  account.entry.uid = found->uid;
  account.entry.gid = found->gid;
  account.entry.home = found->home;
  account.source = name();
  account.by_system = true;
  co_return account;
}

}  // namespace umaya::authd
