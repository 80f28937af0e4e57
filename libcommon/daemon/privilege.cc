#include "libcommon/daemon/privilege.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace umaya::daemon {

namespace {

/// Has these rights and no others (capabilities(7)); more than there were is an error.
Result<void> limit_rights(uint32_t rights) {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {{rights, rights, 0}, {0, 0, 0}};
  if (syscall(SYS_capset, &head, data) != 0) return sys_error("capset");
  return {};
}

}  // namespace

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

Result<void> give_up_root(const Account& account, Keep keep) {
  uint32_t kept = keep == Keep::low_ports    ? 1U << CAP_NET_BIND_SERVICE
                  : keep == Keep::read_files ? 1U << CAP_DAC_READ_SEARCH
                                             : 0;
  bool keeps = kept != 0 && account.uid != 0;
  if (keeps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return sys_error("prctl");
  if (setgroups(1, &account.gid) != 0) return sys_error("setgroups");
  if (setresgid(account.gid, account.gid, account.gid) != 0) return sys_error("setresgid");
  if (setresuid(account.uid, account.uid, account.uid) != 0) return sys_error("setresuid");
  if (keeps) UMAYA_CHECK(limit_rights(kept));
  if (account.uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) return temporary("root could be had back");
  return {};
}

Result<void> give_up_low_ports() {
  return geteuid() == 0 ? Result<void>() : limit_rights(0);
}

}  // namespace umaya::daemon
