#include "authd/system/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "authd/system/verify.h"
#include "libcommon/base/strings.h"
#include "libcommon/daemon/sandbox.h"
#include "libcommon/event/loop.h"

namespace umaya::authd {

namespace {

constexpr int kKept = 3;
constexpr size_t kMostQuestion = 4096;
constexpr size_t kMostChildren = 64;  // authd asks fewer at once

/// Leaves nothing open but one descriptor, which becomes number kKept.
void keep_only(int fd) {
  if (fd != kKept && ::dup2(fd, kKept) < 0) ::_exit(1);
  ::close_range(kKept + 1, ~0u, 0);
  int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int standard = 0; null >= 0 && standard < 3; ++standard) ::dup2(null, standard);
  if (null > 2) ::close(null);
}

/// user NUL password NUL service NUL remote.
SystemQuestion read_question(int fd) {
  char room[kMostQuestion];
  ssize_t size = ::recv(fd, room, sizeof room, 0);
  std::string_view text(room, size > 0 ? static_cast<size_t>(size) : 0);
  SystemQuestion question;
  for (std::string* field : {&question.user, &question.password, &question.service, &question.remote}) {
    size_t end = text.find('\0');
    *field = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  explicit_bzero(room, sizeof room);
  return question;
}

[[noreturn]] void run_child(int fd, const HelperOptions& options) {
  keep_only(fd);
  ::signal(SIGCHLD, SIG_DFL);  // modules of PAM run programs and wait for them
  ::signal(SIGTERM, SIG_DFL);
  ::alarm(static_cast<unsigned>(std::chrono::duration_cast<std::chrono::seconds>(options.limit).count()));
  SystemQuestion question = read_question(kKept);
  if (question.user.empty()) ::_exit(1);
  SystemAnswer answer = options.pam_service.empty() ? ask_shadow(question) : ask_pam(options.pam_service, question);
  explicit_bzero(question.password.data(), question.password.size());
  (void)::send(kKept, &answer, 1, MSG_NOSIGNAL);
  ::_exit(0);
}

/// The next descriptor that authd sends; none when a child has ended meanwhile. Does not return when authd is gone.
Fd receive_descriptor() {
  char byte;
  iovec piece{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr head{};
  head.msg_iov = &piece;
  head.msg_iovlen = 1;
  head.msg_control = control;
  head.msg_controllen = sizeof control;
  ssize_t n = ::recvmsg(kKept, &head, MSG_CMSG_CLOEXEC);
  if (n < 0 && errno == EINTR) return Fd();
  if (n <= 0) ::_exit(0);
  const cmsghdr* c = CMSG_FIRSTHDR(&head);
  if (c == nullptr || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) return Fd();
  int fd;
  memcpy(&fd, CMSG_DATA(c), sizeof fd);
  return Fd(fd);
}

/// Waits for children that have ended, and, when there are too many, for one that has not.
void reap(size_t& children) {
  while (children > 0) {
    pid_t ended = ::waitpid(-1, nullptr, children < kMostChildren ? WNOHANG : 0);
    if (ended == 0 || (ended < 0 && errno != EINTR)) return;
    if (ended > 0) --children;
  }
}

/// Ends of children interrupt the wait for the next question, so that none stays a zombie.
void notice_children() {
  struct sigaction notice {};
  notice.sa_handler = [](int) {};
  notice.sa_flags = SA_NOCLDSTOP;
  ::sigaction(SIGCHLD, &notice, nullptr);
}

[[noreturn]] void run_helper(int fd, const HelperOptions& options) {
  keep_only(fd);
  ::prctl(PR_SET_NAME, "authd-helper");
  notice_children();
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::setsid();
  ::clearenv();
  if (::chdir("/") != 0) ::_exit(1);
  rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (options.pam_service.empty()) {
    daemon::SandboxPolicy policy;
    policy.sockets = daemon::NewSockets::forbidden;
    if (!daemon::enter_sandbox(policy)) ::_exit(1);
  }
  size_t children = 0;
  while (true) {
    Fd question = receive_descriptor();
    reap(children);
    if (!question) continue;
    pid_t pid = ::fork();
    if (pid == 0) run_child(question.get(), options);
    if (pid > 0) ++children;
    // When there is no process to be had authd sees its end of the descriptor closed: a temporary trouble.
  }
}

}  // namespace

Result<std::unique_ptr<SystemHelper>> SystemHelper::start(HelperOptions options) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return sys_error("socketpair");
  Fd ours(ends[0]), theirs(ends[1]);
  pid_t pid = ::fork();
  if (pid < 0) return sys_error("fork");
  if (pid == 0) run_helper(theirs.get(), options);
  return std::unique_ptr<SystemHelper>(new SystemHelper(std::move(ours), pid, options.limit));
}

SystemHelper::~SystemHelper() {
  fd_.reset();
  ::waitpid(pid_, nullptr, WNOHANG);
}

namespace {

bool send_descriptor(int over, int fd) {
  char byte = 'q';
  iovec piece{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr head{};
  head.msg_iov = &piece;
  head.msg_iovlen = 1;
  head.msg_control = control;
  head.msg_controllen = sizeof control;
  cmsghdr* c = CMSG_FIRSTHDR(&head);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  return ::sendmsg(over, &head, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

}  // namespace

event::Task<Result<bool>> SystemHelper::check(std::string user, Secret password, std::string service,
                                              std::string remote) {
  constexpr Duration kGrace = std::chrono::seconds(2);
  if (password.reveal().find('\0') != std::string_view::npos) co_return false;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    co_return sys_error("socketpair");
  }
  Fd ours(ends[0]);
  {
    Fd theirs(ends[1]);
    ::fcntl(theirs.get(), F_SETFL, 0);
    if (!send_descriptor(fd_.get(), theirs.get())) co_return sys_error("the helper for users of the system");
  }
  std::string question = user + '\0' + std::string(password.reveal()) + '\0' + service + '\0' + remote;
  bool fits = question.size() <= kMostQuestion;
  bool sent = fits && ::send(ours.get(), question.data(), question.size(), MSG_NOSIGNAL) > 0;
  explicit_bzero(question.data(), question.size());
  if (!fits) co_return false;
  if (!sent) co_return sys_error("the helper for users of the system");
  bool in_time = co_await event::readable(ours.get(), limit_ + kGrace);
  SystemAnswer answer = SystemAnswer::unknown;
  if (!in_time) co_return temporary("the system does not say in time whether the password is right");
  if (::recv(ours.get(), &answer, 1, 0) != 1) co_return temporary("the helper for users of the system gives no answer");
  if (answer == SystemAnswer::right) co_return true;
  if (answer == SystemAnswer::wrong) co_return false;
  co_return temporary("the system cannot say whether the password is right; see its log of authentication");
}

}  // namespace umaya::authd
