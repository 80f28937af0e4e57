#include "pop3d/sessions/session_process.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "libcommon/daemon/sandbox.h"
#include "libcommon/fs/file.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/divert.h"
#include "pop3d/sessions/mailbox_host.h"

namespace umaya::pop3d {

namespace {

constexpr int kChannelFd = 3;
constexpr size_t kThreads = 4;

class SessionProcess {
 public:
  SessionProcess(Fd channel, const SessionOwner& owner, const Params& params)
      : channel_(std::move(channel)),
        host_(params, owner.shared ? kThreads : 0),
        report_([this] { report_ends(); }),
        log_by_parent_(params.maillog_file.empty()) {}
  void run() {
    event::Loop& loop = event::Loop::current();
    loop.at_round_end([] { log::flush(); });
    if (log_by_parent_) {
      log::divert([this](log::Level level, std::string_view text) {
        LogLine line{level, std::string(text)};
        return channel_.send_now(ipc::encode(line)).has_value();
      });
    }
    scope_.spawn(listen(this));
    if (!done_) loop.run();
    log::divert(nullptr);
  }

 private:
  static event::Task<void> listen(SessionProcess* self);
  static event::Task<void> session(SessionProcess* self, StartSession start, Fd client);
  void report_ends();
  void end_if_done() {
    if (!orphaned_ || host_.sessions() > 0) return;
    report_ends();
    done_ = true;
    event::Loop::current().stop();
  }

  ipc::Channel channel_;
  MailboxHost host_;
  std::vector<uint64_t> ended_;  // not told yet
  event::Timer report_;
  bool log_by_parent_;
  bool orphaned_ = false, done_ = false;
  event::TaskScope scope_;
};

event::Task<void> SessionProcess::listen(SessionProcess* self) {
  while (true) {
    Result<ipc::Packet> packet = co_await self->channel_.receive_packet();
    if (!packet) break;
    if (packet->is<StartSession>() && packet->fds.size() == 1) {
      auto start = ipc::decode<StartSession>(packet->bytes);
      if (start) self->scope_.spawn(session(self, std::move(*start), std::move(packet->fds[0])));
    } else if (auto end = ipc::decode<EndSession>(packet->bytes)) {
      self->host_.end(end->id);
    } else if (packet->is<StopAll>()) {
      self->host_.end_all();
    }
  }
  self->orphaned_ = true;
  self->end_if_done();
}

event::Task<void> SessionProcess::session(SessionProcess* self, StartSession start, Fd client) {
  const uint64_t id = start.id;
  {
    event::Stream stream(std::move(client));
    stream.preload(start.pipelined);
    start.pipelined = {};
    co_await self->host_.serve(&stream, std::move(start));
  }
  self->ended_.push_back(id);
  if (!self->report_.armed()) self->report_.arm(kEndsToldWithin);
  self->end_if_done();
}

void SessionProcess::report_ends() {
  while (!ended_.empty()) {
    const auto first = ended_.end() - static_cast<ptrdiff_t>(std::min(ended_.size(), SessionsEnded::kMost));
    SessionsEnded ended{{first, ended_.end()}};
    auto sent = channel_.send_now(ipc::encode(ended));
    if (!sent && sent.error().sys_errno == EAGAIN) return report_.arm(kEndsToldWithin);
    ended_.erase(first, ended_.end());
  }
}

/// The root. Where there is none yet, the directory in which it may come to be at any moment, by the first delivery:
/// rules that were made before that would shut the mailbox out.
std::string directory_to_work_in(const std::string& root) {
  std::string path = root;
  while (path.size() > 1 && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT) path = fs::parent_directory(path);
  return path.size() > 1 ? path : root;
}

/// Keeps the channel alone, at its fixed place.
void drop_inheritance(int channel) {
  if (dup2(channel, kChannelFd) != kChannelFd || close_range(kChannelFd + 1, ~0u, 0) != 0) _exit(1);
  for (int number : {SIGTERM, SIGHUP, SIGINT, SIGCHLD}) signal(number, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

void run_session_process(int channel, const SessionOwner& owner, const Params& params,
                         const std::function<void()>& open_log) {
  drop_inheritance(channel);
  open_log();
  auto dropped = daemon::give_up_root(owner.account);
  if (!dropped) log::fatal("uid {}: {}", owner.account.uid, dropped.error().what);
  daemon::SandboxPolicy policy;
  policy.write = {directory_to_work_in(owner.root)};
  policy.sockets = daemon::NewSockets::forbidden;
  auto in_force = daemon::enter_sandbox(policy);
  if (!in_force) log::fatal("{}", in_force.error().what);
  log::debug("in force for {}: {}", owner.root, *in_force);
  event::Loop loop;
  {
    SessionProcess process(Fd(kChannelFd), owner, params);
    process.run();
  }
  log::flush();
  _exit(0);
}

}  // namespace umaya::pop3d
