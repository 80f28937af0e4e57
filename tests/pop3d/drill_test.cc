// A stranger has taken the log-in process over, or a session process: what can be done from there.
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>

#include "libcommon/daemon/privilege.h"
#include "libcommon/daemon/sandbox.h"
#include "libcommon/event/listener.h"
#include "pop3d/service.h"
#include "pop3d/sessions/connector.h"

using namespace umaya;
using namespace umaya::pop3d;
namespace stdfs = std::filesystem;

namespace {

constexpr uid_t kLoginUser = 65534, kMailUser = 12345;

/// A queue directory with sockets, and a mailbox that everybody may read, so that only the sandbox keeps it closed.
class Place {
 public:
  Place() : path(stdfs::temp_directory_path() / ("umaya_drill_" + std::to_string(getpid()))) {
    stdfs::create_directories(path / "private");
    stdfs::create_directories(path / "Maildir" / "cur");
    stdfs::create_directories(path / "other" / "cur");
    std::ofstream(path / "Maildir" / "cur" / "1") << "mail";
    std::ofstream(path / "other" / "cur" / "1") << "mail";
    for (auto& entry : stdfs::recursive_directory_iterator(path)) chmod(entry.path().c_str(), 0777);
    chmod(path.c_str(), 0777);
    auto listening = event::listen_unix(path / "private" / "cleanup", SOCK_SEQPACKET, 0666);
    REQUIRE(listening);
    socket = std::move(*listening);
    victim = fork();
    if (victim == 0) {
      // The same user: only the sandbox is in between.
      if (setresuid(kLoginUser, kLoginUser, kLoginUser) != 0) _exit(1);
      while (true) pause();
    }
  }
  ~Place() {
    kill(victim, SIGKILL);
    waitpid(victim, nullptr, 0);
    stdfs::remove_all(path);
  }
  stdfs::path path;
  Fd socket;
  pid_t victim = 0;
};

/// Runs in a child; the text says what went through that must not, or empty.
std::string in_child(const std::function<std::string()>& body) {
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    std::string said = body();
    (void)!write(pipes[1], said.data(), said.size());
    _exit(0);
  }
  close(pipes[1]);
  std::string out;
  char block[4096];
  for (ssize_t n; (n = read(pipes[0], block, sizeof block)) > 0;) out.append(block, static_cast<size_t>(n));
  close(pipes[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFEXITED(status)) out += " died";
  return out;
}

bool opens(const stdfs::path& path, int flags) {
  Fd fd(open(path.c_str(), flags, 0600));
  return static_cast<bool>(fd);
}

bool connects(const stdfs::path& path) {
  Fd fd(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  return fd && connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

/// What neither process may do.
std::string common_attempts(const Place& place) {
  std::string out;
  if (ptrace(PTRACE_ATTACH, place.victim, nullptr, nullptr) == 0) out += " ptrace";
  char byte;
  iovec here{&byte, 1}, there{&byte, 1};
  if (process_vm_readv(place.victim, &here, 1, &there, 1, 0) >= 0) out += " process_vm_readv";
  char program[] = "/bin/true";
  char* const argv[] = {program, nullptr};
  execve(program, argv, nullptr);
  if (errno != EPERM && errno != EACCES) out += " execve";
  if (opens(place.path / "other" / "cur" / "1", O_RDONLY)) out += " other's mail";
  if (opens("/proc/" + std::to_string(place.victim) + "/mem", O_RDWR)) out += " memory of another process";
  if (setuid(0) == 0) out += " root";
  if (connects(place.path / "private" / "cleanup")) out += " cleanup's socket";
  Fd inet(socket(AF_INET, SOCK_STREAM, 0));
  if (inet) out += " new socket";
  return out;
}

}  // namespace

TEST_CASE("pop3 drill: A21 a log-in process that was taken over opens, traces, signals and reaches nobody",
          "[pop3d][A21]") {
  if (geteuid() != 0) {
    WARN("needs root");
    return;
  }
  Place place;
  std::string through = in_child([&] {
    if (!daemon::give_up_root({kLoginUser, kLoginUser})) return std::string(" no drop");
    if (!daemon::enter_sandbox(login_policy(place.path))) return std::string(" no sandbox");
    std::string out = common_attempts(place);
    if (opens(place.path / "Maildir" / "cur" / "1", O_RDONLY)) out += " mail";
    if (opens(place.path / "Maildir" / "cur" / "2", O_WRONLY | O_CREAT)) out += " writing mail";
    struct stat seen;
    if (stat((place.path / "private" / "cleanup").c_str(), &seen) != 0) out += " cannot see private/";
    if (kill(place.victim, SIGTERM) == 0) out += " kill";
    if (kill(place.victim, 0) == 0) out += " kill 0";
    if (syscall(SYS_tgkill, place.victim, place.victim, SIGTERM) == 0) out += " tgkill";
    sigval value{};
    if (sigqueue(place.victim, SIGTERM, value) == 0) out += " sigqueue";
    int pidfd = static_cast<int>(syscall(SYS_pidfd_open, place.victim, 0));
    if (pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, nullptr, 0) == 0) out += " pidfd signal";
    return out;
  });
  CHECK(through.empty());
  INFO(through);
  CHECK(waitpid(place.victim, nullptr, WNOHANG) == 0);
}

TEST_CASE("pop3 drill: A21 a session process touches its root directory and nothing else", "[pop3d][A21]") {
  if (geteuid() != 0) {
    WARN("needs root");
    return;
  }
  Place place;
  std::string through = in_child([&] {
    if (!daemon::give_up_root({kMailUser, kMailUser})) return std::string(" no drop");
    daemon::SandboxPolicy policy;
    policy.write = {place.path / "Maildir"};
    policy.sockets = daemon::NewSockets::forbidden;
    if (!daemon::enter_sandbox(policy)) return std::string(" no sandbox");
    std::string out = common_attempts(place);
    if (!opens(place.path / "Maildir" / "cur" / "1", O_RDONLY)) out += " own mail is closed";
    if (!opens(place.path / "Maildir" / "cur" / "2", O_WRONLY | O_CREAT)) out += " own mail cannot be written";
    if (kill(place.victim, SIGTERM) == 0) out += " kill";
    return out;
  });
  CHECK(through.empty());
  INFO(through);
}

TEST_CASE("pop3 drill: A21 connections come from the parent, to the sockets it knows and as the log-in user",
          "[pop3d][A21]") {
  if (geteuid() != 0) {
    WARN("needs root");
    return;
  }
  Place place;
  const std::string known = place.path / "private" / "cleanup", unknown = place.path / "private" / "qmgr";
  auto other = event::listen_unix(unknown, SOCK_SEQPACKET, 0666);
  REQUIRE(other);
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  pid_t parent = fork();
  if (parent == 0) {
    close(ends[0]);
    event::Loop loop;
    ipc::Channel channel{Fd(ends[1])};
    const std::vector<std::string> sockets = {known};
    const daemon::Account account{kLoginUser, kLoginUser};
    event::run_until_done(serve_connector(&channel, &sockets, &account));
    _exit(0);
  }
  close(ends[1]);
  std::string through = in_child([&] {
    use_connector(Fd(ends[0]), false);
    if (!daemon::give_up_root({kLoginUser, kLoginUser})) return std::string(" no drop");
    if (!daemon::enter_sandbox(login_policy(place.path))) return std::string(" no sandbox");
    std::string out;
    if (!event::connect_unix(known, SOCK_SEQPACKET)) out += " the known socket is closed";
    auto refused = event::connect_unix(unknown, SOCK_SEQPACKET);
    if (refused || refused.error().sys_errno != EACCES) out += " the unknown socket is open";
    return out;
  });
  CHECK(through.empty());
  INFO(through);
  close(ends[0]);
  Fd accepted(accept(place.socket.get(), nullptr, nullptr));
  REQUIRE(accepted);
  ucred peer{};
  socklen_t size = sizeof peer;
  REQUIRE(getsockopt(accepted.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0);
  CHECK(peer.uid == kLoginUser);
  CHECK(peer.gid == kLoginUser);
  waitpid(parent, nullptr, 0);
}
