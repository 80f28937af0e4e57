#include "libcommon/daemon/sandbox.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "libcommon/base/fd.h"

namespace umaya::daemon {

namespace {

// What the sanitizers of a test build need: a place for reports, and to stop and read the other threads in search of
// leaks.
#ifdef UMAYA_SANITIZER_REPORTS
constexpr const char* kSanitizerReports = UMAYA_SANITIZER_REPORTS;
#else
constexpr const char* kSanitizerReports = nullptr;
#endif

constexpr uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr uint64_t kRead = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kExecute = LANDLOCK_ACCESS_FS_EXECUTE;
constexpr uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                            LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                            LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |
                            LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;
constexpr uint64_t kRefer = 1ull << 13;  // LANDLOCK_ACCESS_FS_REFER, ABI 2

/// Rights that a rule may name for a file that is no directory.
constexpr uint64_t kFileRights = kReadFile | kExecute | LANDLOCK_ACCESS_FS_WRITE_FILE;

void allow_path(int ruleset, const std::string& path, uint64_t rights) {
  Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat info;
  if (!fd || fstat(fd.get(), &info) != 0) return;
  if (!S_ISDIR(info.st_mode)) rights &= kFileRights;
  landlock_path_beneath_attr rule{rights, fd.get()};
  syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/// What the C library needs at run time: name services, time zones, character sets, the log socket.
void allow_system_files(int ruleset) {
  for (const char* path : {"/etc", "/usr/share/zoneinfo", "/usr/lib", "/lib", "/lib64", "/run/systemd/userdb",
                           "/proc/self", "/dev/null", "/dev/urandom"}) {
    allow_path(ruleset, path, kRead);
  }
  allow_path(ruleset, "/dev/null", kReadFile | LANDLOCK_ACCESS_FS_WRITE_FILE);
}

bool limit_files(const SandboxPolicy& policy) {
  long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return false;
  uint64_t write = kWrite | (abi >= 2 ? kRefer : 0);
  uint64_t handled = kRead | write | kExecute;
  if (policy.execution == Execution::allowed) handled &= ~kExecute;
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = handled;
  Fd ruleset(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset) return false;
  for (const std::string& path : policy.read) allow_path(ruleset.get(), path, kRead);
  for (const std::string& path : policy.write) allow_path(ruleset.get(), path, kRead | write);
  if (policy.system_files == SystemFiles::readable) allow_system_files(ruleset.get());
  if (kSanitizerReports) {
    allow_path(ruleset.get(), kSanitizerReports, kReadFile | kWrite);
    allow_path(ruleset.get(), std::string(kSanitizerReports) + "/..", kRead);  // the programs, for names of functions
    allow_path(ruleset.get(), "/proc", kRead);
  }
  if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return false;
  (void)ruleset.release();  // stays open: by it "umaya status" sees in /proc that the rules are in force
  return true;
}

constexpr int kForbidden[] = {SYS_ptrace,
                              SYS_process_vm_readv,
                              SYS_process_vm_writev,
                              SYS_mount,
                              SYS_umount2,
                              SYS_pivot_root,
                              SYS_chroot,
                              SYS_swapon,
                              SYS_swapoff,
                              SYS_reboot,
                              SYS_init_module,
                              SYS_finit_module,
                              SYS_delete_module,
                              SYS_kexec_load,
                              SYS_kexec_file_load,
                              SYS_bpf,
                              SYS_perf_event_open,
                              SYS_userfaultfd,
                              SYS_add_key,
                              SYS_request_key,
                              SYS_keyctl,
                              SYS_unshare,
                              SYS_setns,
                              SYS_open_by_handle_at,
                              SYS_name_to_handle_at,
                              SYS_acct,
                              SYS_quotactl,
                              SYS_settimeofday,
                              SYS_clock_settime,
                              SYS_adjtimex,
                              SYS_clock_adjtime,
                              SYS_sethostname,
                              SYS_setdomainname,
                              SYS_iopl,
                              SYS_ioperm,
                              SYS_personality,
                              SYS_fanotify_init,
                              SYS_io_uring_setup,
                              SYS_move_mount,
                              SYS_open_tree,
                              SYS_fsopen,
                              SYS_fsmount,
                              SYS_pidfd_getfd,
                              SYS_kcmp,
                              SYS_lookup_dcookie,
                              SYS_vhangup,
                              SYS_syslog,
                              SYS_mknod,
                              SYS_mknodat};

constexpr int kNewSockets[] = {SYS_socket, SYS_connect, SYS_bind, SYS_listen};
constexpr int kSignals[] = {SYS_kill, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal};
// Where Landlock is not there, this keeps files closed.
constexpr int kNewFiles[] = {
    SYS_openat,
    SYS_openat2,
#ifdef SYS_open
    SYS_open,
    SYS_creat,
#endif
};

bool limit_calls(const SandboxPolicy& policy) {
  std::vector<sock_filter> program;
  auto load = [&](size_t offset) {
    program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
  };
  auto refuse = [&](int call) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  };
#if defined(__x86_64__)
  constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
  constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
  return false;
#endif
  load(offsetof(seccomp_data, arch));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  load(offsetof(seccomp_data, nr));
  for (int call : kForbidden) {
    if (!kSanitizerReports || call != SYS_ptrace) refuse(call);
  }
  if (policy.execution == Execution::forbidden) {
    refuse(SYS_execve);
    refuse(SYS_execveat);
  }
  if (policy.sockets == NewSockets::forbidden) {
    for (int call : kNewSockets) refuse(call);
  }
  if (policy.signals == Signals::forbidden) {
    for (int call : kSignals) refuse(call);
    // abort(3) sends its signal this way, to a thread of its own process.
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 4));
    load(offsetof(seccomp_data, args[0]));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(getpid()), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  }
  if (policy.system_files == SystemFiles::hidden && policy.read.empty() && policy.write.empty() && !kSanitizerReports) {
    for (int call : kNewFiles) refuse(call);
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

Result<std::string> enter_sandbox(const SandboxPolicy& policy) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sys_error("no_new_privs");
  std::string in_force = "no_new_privs";
  if (!policy.enabled) return in_force;
  if (limit_files(policy)) in_force += " landlock";
  if (limit_calls(policy)) in_force += " seccomp";
  return in_force;
}

}  // namespace umaya::daemon
