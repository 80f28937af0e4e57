#include "libcommon/event/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace umaya::event {

ExitStatus decode_wait_status(int status) {
  if (WIFEXITED(status)) return {.code = WEXITSTATUS(status)};
  return {.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
}

namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Puts the descriptors where the program expects them; between fork and exec: async-signal-safe calls only.
bool place_descriptors(const std::pair<int, int>* wanted, size_t count, int* moved) {
  int highest = 2;
  for (size_t i = 0; i < count; ++i) highest = std::max(highest, wanted[i].second);
  for (size_t i = 0; i < count; ++i) {
    int source = wanted[i].first >= 0 ? wanted[i].first : open("/dev/null", O_RDWR);
    moved[i] = fcntl(source, F_DUPFD, highest + 1);  // out of the way of every target
    if (moved[i] < 0) return false;
  }
  for (size_t i = 0; i < count; ++i) {
    if (dup2(moved[i], wanted[i].second) < 0) return false;
  }
  for (int fd = 3; fd <= highest; ++fd) {
    bool keep = std::any_of(wanted, wanted + count, [fd](auto& pair) { return pair.second == fd; });
    if (!keep) close(fd);
  }
  return close_range(static_cast<unsigned>(highest + 1), ~0u, 0) == 0;
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Result<Child> Child::spawn(const SpawnOptions& options) {
  auto argv = pointers(options.arguments);
  auto envp = pointers(options.environment);
  std::vector<std::pair<int, int>> wanted = {{options.stdin_fd, 0}, {options.stdout_fd, 1}, {options.stderr_fd, 2}};
  wanted.insert(wanted.end(), options.inherit.begin(), options.inherit.end());
  std::vector<int> moved(wanted.size());
  sigset_t all, before;  // a signal for the child must not run our handlers there: it would be lost
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  int fork_error = errno;
  if (pid != 0) sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return sys_error("fork", fork_error);
  if (pid == 0) {
    if (options.own_group) setpgid(0, 0);
    reset_signals();
    bool ready = place_descriptors(wanted.data(), wanted.size(), moved.data());
    if (ready && (options.directory.empty() || chdir(options.directory.c_str()) == 0)) {
      execve(options.path.c_str(), argv.data(), envp.data());
    }
    _exit(errno == ENOENT ? 127 : 126);
  }
  if (options.own_group) setpgid(pid, pid);
  return adopt(pid, options.own_group);
}

Result<Child> Child::adopt(pid_t pid, bool own_group) {
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) return sys_error("pidfd_open");
  return Child(pid, std::move(pidfd), own_group);
}

Child::~Child() {
  if (pid_ <= 0) return;
  kill(SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Child::kill(int signal) {
  if (pid_ > 0) ::kill(own_group_ ? -pid_ : +pid_, signal);
}

Task<ExitStatus> Child::wait(Duration limit) {
  bool ended = co_await readable(pidfd_.get(), limit);
  int status = 0;
  pid_t reaped = waitpid(pid_, &status, WNOHANG);
  if (!ended && reaped != pid_) co_return ExitStatus{.timed_out = true};
  if (own_group_) ::kill(-pid_, SIGKILL);  // what it left behind in its group
  pid_.value = -1;
  co_return decode_wait_status(status);
}

}  // namespace umaya::event
