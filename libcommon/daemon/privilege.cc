#include "libcommon/daemon/privilege.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace umaya::daemon {

Result<Account> find_user(const std::string& name) {
  std::vector<char> room(64 * 1024);
  passwd entry;
  passwd* found = nullptr;
  if (int error = getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found)) {
    return sys_error("look up user " + name, error);
  }
  if (!found) return permanent("user \"" + name + "\" does not exist: create it, or change mail_owner or net_user");
  return Account{entry.pw_uid, entry.pw_gid};
}

Result<gid_t> find_group(const std::string& name) {
  std::vector<char> room(64 * 1024);
  group entry;
  group* found = nullptr;
  if (int error = getgrnam_r(name.c_str(), &entry, room.data(), room.size(), &found)) {
    return sys_error("look up group " + name, error);
  }
  if (!found) return permanent("group \"" + name + "\" does not exist: create it, or change setgid_group");
  return entry.gr_gid;
}

Result<void> give_up_root(const Account& account) {
  if (setgroups(1, &account.gid) != 0) return sys_error("setgroups");
  if (setresgid(account.gid, account.gid, account.gid) != 0) return sys_error("setresgid");
  if (setresuid(account.uid, account.uid, account.uid) != 0) return sys_error("setresuid");
  if (account.uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) return temporary("root could be had back");
  return {};
}

}  // namespace umaya::daemon
