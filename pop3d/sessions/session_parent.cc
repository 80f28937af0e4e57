#include "pop3d/sessions/session_parent.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "libcommon/daemon/instance.h"
#include "libcommon/event/sync.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"
#include "pop3d/sessions/connector.h"
#include "pop3d/sessions/gatekeeper.h"
#include "pop3d/sessions/session_process.h"

namespace umaya::pop3d {

namespace {

using namespace std::chrono_literals;

constexpr int kChannelFd = 3;
constexpr int kConnectorFd = 4;
constexpr int kFirstFree = 5;
constexpr size_t kMostQuestions = 32;  // to authd at a time
constexpr size_t kMostWaiting = 4096;  // log-ins under way
constexpr Duration kStopLimit = 4s;
constexpr Duration kLookEvery = 2s;
constexpr std::string_view kTrouble = "-ERR [SYS/TEMP] The session cannot be started; try again later.\r\n";

/// Which directory a path names now; a process whose rules were made for another one is of no use.
struct DirectoryId {
  dev_t device = 0;
  ino_t inode = 0;
  auto operator<=>(const DirectoryId&) const = default;
};

DirectoryId directory_id(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

void last_words(int fd, std::string_view text) {
  (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// What the process that stays root does.
class Parent {
 public:
  Parent(Fd channel, Fd connector, const Params& params, const config::Config& config, std::function<void()> open_log);
  void run();

 private:
  struct Process {
    SessionOwner owner;
    DirectoryId directory;
    pid_t pid = 0;
    std::unique_ptr<ipc::Channel> channel;
    std::vector<uint64_t> sessions;
    TimePoint idle_since{};
    bool retired = false;
    event::TaskScope reader;
  };

  static event::Task<void> listen(Parent* self);
  static event::Task<void> take(Parent* self, Handover handover, Fd client);
  static event::Task<void> read_ends(Parent* self, Process* process);
  static event::Task<void> watch_master(Parent* self);
  Result<Process*> process_for(const SessionOwner& owner);
  Result<Process*> start_process(const SessionOwner& owner, DirectoryId directory);
  bool make_room();
  void retire(Process& process);
  void end_session(uint64_t id);
  void sessions_ended(Process& process, std::span<const uint64_t> ids);
  void gone(Process* process);
  void end_idle();
  void arm_idle();
  void reap();
  void stop();
  void end_if_done();

  ipc::Channel channel_, connector_;
  std::vector<std::string> sockets_;  // that the log-in process may be connected to
  daemon::Account login_account_{};
  const Params& params_;
  const config::Config& config_;
  std::function<void()> open_log_;
  Gatekeeper gatekeeper_;
  event::Semaphore questions_{kMostQuestions};
  std::vector<std::unique_ptr<Process>> processes_;
  event::Timer idle_, stop_limit_;
  event::SignalWatch children_;
  bool orphaned_ = false, stopping_ = false;
  event::TaskScope scope_;
};

Parent::Parent(Fd channel, Fd connector, const Params& params, const config::Config& config,
               std::function<void()> open_log)
    : channel_(std::move(channel)),
      connector_(std::move(connector)),
      params_(params),
      config_(config),
      open_log_(std::move(open_log)),
      gatekeeper_(params, [this](uint64_t id) { end_session(id); }),
      idle_([this] { end_idle(); }),
      stop_limit_([this] {
        for (auto& process : processes_) kill(process->pid, SIGKILL);
        event::Loop::current().stop();
      }),
      children_(SIGCHLD, [this] { reap(); }) {}

void Parent::run() {
  event::Loop& loop = event::Loop::current();
  loop.at_round_end([] { log::flush(); });
  gatekeeper_.open();
  if (auto account = daemon::find_user(config_.get("net_user"))) {
    login_account_ = *account;
    sockets_ = {auth_socket_path(params_), params_.queue_directory + "/private/tlsmgr"};
  } else {
    log::error("{}", account.error().what);
  }
  scope_.spawn(serve_connector(&connector_, &sockets_, &login_account_));
  scope_.spawn(listen(this));
  loop.run();
}

event::Task<void> Parent::listen(Parent* self) {
  while (true) {
    Result<ipc::Packet> packet = co_await self->channel_.receive_packet();
    if (!packet && packet.error().sys_errno == EMSGSIZE) continue;
    if (!packet) break;
    if (packet->is<StopAll>()) {
      self->stop();
    } else if (packet->fds.size() == 1) {
      auto handover = ipc::decode<Handover>(packet->bytes);
      if (self->scope_.size() > kMostWaiting) {
        last_words(packet->fds[0].get(), kTrouble);
      } else if (handover) {
        self->scope_.spawn(take(self, std::move(*handover), std::move(packet->fds[0])));
      }
    }
  }
  self->orphaned_ = true;
  self->gatekeeper_.close();
  self->scope_.spawn(watch_master(self));
  self->end_if_done();
}

/// Without a log-in process nobody else tells us that the mail system stops.
event::Task<void> Parent::watch_master(Parent* self) {
  while (daemon::running_master(self->config_) != 0) co_await event::sleep(kLookEvery);
  self->stop();
}

event::Task<void> Parent::take(Parent* self, Handover handover, Fd client) {
  bool slot = co_await self->questions_.acquire();
  (void)slot;
  auto admitted = co_await self->gatekeeper_.admit(&handover);
  self->questions_.release();
  if (!admitted) {
    last_words(client.get(), admitted.error());
    self->end_if_done();
    co_return;
  }
  const bool shared = admitted->location.name.find(':' + admitted->location.root + '/') != std::string::npos;
  SessionOwner owner{{admitted->data.uid, admitted->data.gid}, admitted->location.root, shared};
  auto process = self->process_for(owner);
  if (!process) {
    co_await event::sleep(2 * kEndsToldWithin);  // a process may be free of which we have not been told yet
    process = self->process_for(owner);
  }
  Result<void> sent;
  if (process) {
    StartSession start{admitted->id,
                       std::move(admitted->data.user),
                       std::move(admitted->location.name),
                       std::move(handover.session),
                       std::move(handover.pipelined),
                       handover.utf8};
    const int fds[] = {client.get()};
    sent = (*process)->channel->send_now(ipc::encode(start), fds);
  } else {
    sent = std::unexpected(process.error());
  }
  if (sent) {
    (*process)->sessions.push_back(admitted->id);
    self->gatekeeper_.registry().set_process(admitted->id, static_cast<uint32_t>((*process)->pid));
    co_return;
  }
  log::error("uid {}, {}: {}", owner.account.uid, owner.root, sent.error().what);
  last_words(client.get(), kTrouble);
  self->gatekeeper_.left(admitted->id);
  self->end_if_done();
}

Result<Parent::Process*> Parent::process_for(const SessionOwner& owner) {
  const DirectoryId directory = directory_id(owner.root);
  for (auto& process : processes_) {
    if (process->retired || process->owner != owner) continue;
    if (process->directory == directory) return process.get();
    retire(*process);
  }
  if (stopping_) return temporary("the mail system stops");
  if (processes_.size() >= static_cast<size_t>(params_.session_process_limit) && !make_room()) {
    return temporary("all session processes have sessions (pop3_session_process_limit)");
  }
  return start_process(owner, directory);
}

Result<Parent::Process*> Parent::start_process(const SessionOwner& owner, DirectoryId directory) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return sys_error("socketpair");
  Fd ours(ends[0]), theirs(ends[1]);
  log::flush();
  // Until the child has handlers of its own it must not run ours.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  if (pid == 0) run_session_process(theirs.get(), owner, params_, open_log_);
  int error = errno;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return sys_error("fork", error);
  auto process = std::make_unique<Process>();
  process->owner = owner;
  process->directory = directory;
  process->pid = pid;
  process->channel = std::make_unique<ipc::Channel>(std::move(ours));
  processes_.push_back(std::move(process));
  Process* started = processes_.back().get();
  started->reader.spawn(read_ends(this, started));
  return started;
}

/// Ends the process that has been idle longest; false when all have sessions.
bool Parent::make_room() {
  Process* longest = nullptr;
  for (auto& process : processes_) {
    if (!process->sessions.empty() || process->retired) continue;
    if (longest == nullptr || process->idle_since < longest->idle_since) longest = process.get();
  }
  if (longest != nullptr) retire(*longest);
  return longest != nullptr;
}

/// Gets no more sessions and ends after those it has.
void Parent::retire(Process& process) {
  process.retired = true;
  if (process.sessions.empty()) ::shutdown(process.channel->fd(), SHUT_WR);
}

event::Task<void> Parent::read_ends(Parent* self, Process* process) {
  while (true) {
    Result<ipc::Packet> packet = co_await process->channel->receive_packet();
    if (!packet) break;
    if (auto ended = ipc::decode<SessionsEnded>(packet->bytes)) {
      self->sessions_ended(*process, ended->ids);
    } else if (auto line = ipc::decode<LogLine>(packet->bytes)) {
      log::write(std::min(line->level, log::Level::error), line->text);
    }
  }
  event::Loop::current().defer([self, process] { self->gone(process); });
}

void Parent::sessions_ended(Process& process, std::span<const uint64_t> ids) {
  for (uint64_t id : ids) {
    if (std::erase(process.sessions, id) > 0) gatekeeper_.left(id);
  }
  if (process.sessions.empty()) {
    process.idle_since = monotonic_now();
    if (process.retired) retire(process);
    arm_idle();
  }
  end_if_done();
}

/// The process has ended, whatever way: its sessions are over.
void Parent::gone(Process* process) {
  for (uint64_t id : process->sessions) gatekeeper_.left(id);
  if (!process->sessions.empty()) log::warning("a session process ended over {} sessions", process->sessions.size());
  std::erase_if(processes_, [&](auto& one) { return one.get() == process; });
  end_if_done();
}

void Parent::end_session(uint64_t id) {
  for (auto& process : processes_) {
    if (std::find(process->sessions.begin(), process->sessions.end(), id) == process->sessions.end()) continue;
    EndSession end{id};
    if (!process->channel->send_now(ipc::encode(end))) kill(process->pid, SIGTERM);
  }
}

void Parent::end_idle() {
  const TimePoint now = monotonic_now();
  for (auto& process : processes_) {
    bool idle = process->sessions.empty() && !process->retired;
    if (idle && now - process->idle_since >= params_.session_keep_time) retire(*process);
  }
  arm_idle();
}

void Parent::arm_idle() {
  if (idle_.armed()) return;
  TimePoint next = TimePoint::max();
  for (auto& process : processes_) {
    bool idle = process->sessions.empty() && !process->retired && process->idle_since != TimePoint{};
    if (idle) next = std::min(next, process->idle_since + params_.session_keep_time);
  }
  if (next == TimePoint::max()) return;
  idle_.arm(std::max<Duration>(next - monotonic_now(), 10ms));
}

void Parent::reap() {
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (WIFSIGNALED(status)) log::warning("session process {} killed by signal {}", pid, WTERMSIG(status));
  }
}

void Parent::stop() {
  if (stopping_) return;
  stopping_ = true;
  StopAll all;
  for (auto& process : processes_) {
    if (!process->channel->send_now(ipc::encode(all))) kill(process->pid, SIGTERM);
  }
  stop_limit_.arm(kStopLimit);
  end_if_done();
}

void Parent::end_if_done() {
  if (!orphaned_ && !stopping_) return;
  if (gatekeeper_.registry().size() == 0) event::Loop::current().stop();
}

}  // namespace

Result<SessionParent> SessionParent::start(const Params& params, const config::Config& config,
                                           std::function<void()> open_log) {
  Fd ours[2], theirs[2];
  for (int i = 0; i < 2; ++i) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return sys_error("socketpair");
    ours[i].reset(ends[0]);
    theirs[i].reset(fcntl(ends[1], F_DUPFD_CLOEXEC, kFirstFree));
    ::close(ends[1]);
    if (!theirs[i]) return sys_error("socketpair");
  }
  log::flush();
  pid_t pid = fork();
  if (pid < 0) return sys_error("fork");
  if (pid > 0) return SessionParent(std::move(ours[0]), std::move(ours[1]));
  // What master gave the daemon (listening sockets, its status socket) is not for this process.
  bool moved = dup2(theirs[0].get(), kChannelFd) == kChannelFd && dup2(theirs[1].get(), kConnectorFd) == kConnectorFd;
  if (!moved || close_range(kFirstFree, ~0u, 0) != 0) _exit(1);
  for (Fd& fd : ours) (void)fd.release();
  for (Fd& fd : theirs) (void)fd.release();
  for (int number : {SIGHUP, SIGINT, SIGTERM}) signal(number, SIG_IGN);  // the daemon tells us when to stop
  signal(SIGPIPE, SIG_IGN);
  open_log();
  event::Loop loop;
  {
    Parent parent(Fd(kChannelFd), Fd(kConnectorFd), params, config, std::move(open_log));
    parent.run();
  }
  log::flush();
  _exit(0);
}

Result<void> SessionParent::hand_over(const Handover& handover, int client_fd) {
  std::string packet = ipc::encode(handover);
  iovec piece{packet.data(), packet.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(head), &client_fd, sizeof client_fd);
  if (sendmsg(channel_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return sys_error("hand the session over");
  return {};
}

void SessionParent::stop() {
  const std::string packet = ipc::encode(StopAll{});
  (void)!send(channel_.get(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace umaya::pop3d
