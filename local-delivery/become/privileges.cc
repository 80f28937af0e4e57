#include "local-delivery/become/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

namespace umaya::local_delivery {

using services::become::Role;
using services::become::Start;

namespace {

constexpr int kKept = 3;

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<> drop_capabilities() {
  for (int cap = 0; ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; ++cap) {
    if (::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) return sys_error("drop of a capability");
  }
  if (::prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0) < 0) return sys_error("securebits");
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  if (::syscall(SYS_capset, &head, none) < 0) return sys_error("capset");
  return {};
}

Result<> change_ids(const Start& start) {
  std::vector<gid_t> groups{start.gid};
  if (start.extra_gid) groups.push_back(*start.extra_gid);
  if (::setgroups(groups.size(), groups.data()) < 0) return sys_error("setgroups");
  if (::setresgid(start.gid, start.gid, start.gid) < 0) return sys_error("setresgid");
  if (start.uid == 0) UMAYA_CHECK(drop_capabilities());
  if (::setresuid(start.uid, start.uid, start.uid) < 0) return sys_error("setresuid");
  return {};
}

Result<> verify(const Start& start) {
  uid_t uids[3];
  gid_t gids[3];
  if (::getresuid(&uids[0], &uids[1], &uids[2]) < 0 || ::getresgid(&gids[0], &gids[1], &gids[2]) < 0) {
    return sys_error("getresuid");
  }
  for (uid_t uid : uids) {
    if (uid != start.uid) return temporary("the user id did not change");
  }
  for (gid_t gid : gids) {
    if (gid != start.gid) return temporary("the group id did not change");
  }
  if (start.uid != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0)) return temporary("root's rights could be had back");
  return {};
}

}  // namespace

Result<> isolate(int keep) {
  if (keep != kKept && ::dup3(keep, kKept, O_CLOEXEC) < 0) return sys_error("dup");
  int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return sys_error("open /dev/null");
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(null, fd) < 0) return sys_error("dup");
  }
  if (::close_range(kKept + 1, ~0u, 0) < 0) return sys_error("close_range");
  reset_signals();
  ::setsid();
  ::umask(077);
  if (::chdir("/") < 0) return sys_error("chdir /");
  ::clearenv();
  rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  return {};
}

Result<> drop_privileges(const Start& start) {
  if (start.uid == 0 && start.role != Role::mailbox) return temporary("nothing is run with the rights of root");
  if (::geteuid() == 0) {
    UMAYA_CHECK(change_ids(start));
    UMAYA_CHECK(verify(start));
  } else if (start.uid != ::geteuid()) {
    return temporary("the mail system runs without the rights of root and cannot become another user");
  }
  if (start.role == Role::mailbox) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return sys_error("no_new_privs");
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  }
  return {};
}

}  // namespace umaya::local_delivery
