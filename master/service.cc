#include "master/service.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/daemon/daemon.h"
#include "libcommon/daemon/sockets.h"
#include "libcommon/event/listener.h"
#include "libcommon/log/log.h"

namespace umaya::master {

using namespace std::chrono_literals;

/// Rest after a process was killed from outside.
static constexpr Duration kAfterKill = 500ms;
static constexpr Duration kLimitWarningEvery = 1000s;

static bool listed(std::string_view command, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), command) != names.end();
}

size_t worker_limit(const config::MasterService& line, size_t workers) {
  bool shared = listed(line.command, {"smtpd", "cleanup", "smtp", "lmtp", "pop3d", "imapd", "proxymap", "showq"});
  if (!shared) return 1;
  auto limit = static_cast<size_t>(line.process_limit);
  return limit > 0 ? std::min(workers, limit) : workers;
}

size_t session_share(const config::MasterService& line, size_t workers) {
  // A limit of 1 is Postfix's way to say "one process" for these; it never was a limit of their clients.
  bool single = listed(line.command, {"qmgr", "pickup", "anvil", "verify", "flush", "become", "proxymap", "authd",
                                      "bounce", "named-lite", "tlsmgr"});
  // pop3d counts its clients itself: pop3_login_limit, pop3_session_limit.
  if (single || line.command == "pop3d" || line.process_limit == 0) return 0;
  size_t processes = worker_limit(line, workers);
  return (static_cast<size_t>(line.process_limit) + processes - 1) / processes;
}

bool built_in(const config::MasterService& line) {
  return listed(line.command, {"trivial-rewrite", "scache", "tlsproxy", "dnsblog", "postlogd", "postscreen"});
}

Service::Service(config::MasterService line, std::vector<Fd> sockets, const Settings& settings)
    : line_(std::move(line)),
      settings_(&settings),
      sockets_(std::move(sockets)),
      throttle_([this] { watch(); }),
      wakeup_([this] { wake(); }) {
  watch();
  if (line_.wakeup_seconds > 0) wakeup_.arm(10ms);
}

Service::~Service() = default;

/// Takes a new configuration over without ending: those who ask it must find who they knew before.
static bool stays_at_reload(const config::MasterService& line) {
  return line.command == "tlsmgr";
}

void Service::reload_children(const config::MasterService& line) {
  if (!stays_at_reload(line_)) return signal_children(SIGHUP);
  if (line.command != line_.command || line.arguments != line_.arguments) return signal_children(SIGTERM);
  for (auto& child : children_) {
    child->reloaded = true;
    kill(child->pid, SIGHUP);
  }
}

void Service::change(config::MasterService line, const Settings& settings) {
  reload_children(line);
  line_ = std::move(line);
  settings_ = &settings;
  throttle_.cancel();
  watch();
  // What works without being asked starts anew as soon as the old process is gone.
  if (line_.wakeup_seconds > 0) {
    wakeup_.arm(10ms);
  } else {
    wakeup_.cancel();
  }
}

void Service::signal_children(int signal) {
  for (auto& child : children_) {
    child->retired = true;
    kill(child->pid, signal);
  }
}

void Service::close() {
  closed_ = true;
  watches_.clear();
  sockets_.clear();
  throttle_.cancel();
  wakeup_.cancel();
}

size_t Service::live_children() const {
  return static_cast<size_t>(
      std::count_if(children_.begin(), children_.end(), [](auto& c) { return !c->retired && !c->status.stopping; }));
}

/// A service whose state lives in one process waits for the old one to end before a new one starts.
bool Service::want_another() const {
  if (closed_ || throttle_.armed()) return false;
  size_t limit = worker_limit(line_, settings_->workers);
  if (limit == 1) return children_.empty();
  size_t live = live_children();
  if (live == 0) return true;
  bool all_busy = std::all_of(children_.begin(), children_.end(),
                              [](auto& c) { return c->retired || c->status.stopping || c->status.sessions >= 8; });
  return live < limit && all_busy;
}

/// Listens for demand only while no process does: once there is one, connections are its business.
void Service::watch() {
  bool wanted = live_children() == 0 && want_another();
  if (wanted == watching_) return;
  watching_ = wanted;
  if (watches_.empty()) {
    for (const Fd& socket : sockets_) {
      watches_.push_back(
          std::make_unique<event::IoWatch>(socket.get(), event::Readiness::read, [this] { on_demand(); }));
    }
  }
  for (auto& one : watches_) wanted ? one->enable() : one->disable();
}

void Service::on_demand() {
  used_ = true;
  if (live_children() == 0 && want_another()) start_child();
  watch();
}

std::vector<std::string> Service::arguments() const {
  std::vector<std::string> out = {line_.command,
                                  "-c",
                                  settings_->config_directory,
                                  "-n",
                                  line_.name,
                                  "-t",
                                  std::string(config::type_name(line_.type)),
                                  "-s",
                                  std::to_string(sockets_.size()),
                                  "-l",
                                  std::to_string(session_share(line_, settings_->workers))};
  if (line_.type == config::ServiceType::inet && line_.process_limit > 0) {
    out.insert(out.end(), {"-o", "stress="});  // a process lives long: it notices its stress itself
  }
  out.insert(out.end(), line_.arguments.begin(), line_.arguments.end());
  return out;
}

void Service::start_child() {
  std::string path = settings_->daemon_directory + "/" + line_.command;
  if (access(path.c_str(), X_OK) != 0) {
    log::warning("service {}: {}: {}", line_.key(), path, strerror(errno));
    return throttle(settings_->throttle_time);
  }
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
    log::warning("service {}: socketpair: {}", line_.key(), strerror(errno));
    return throttle(settings_->throttle_time);
  }
  Fd ours(pair[0]), theirs(pair[1]);
  log::flush();
  // Until the child has handlers of its own it must not run ours: they would tell our loop, and the signal be lost.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  int fork_error = errno;
  if (pid == 0) execute(theirs.get());
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    log::warning("service {}: fork: {}", line_.key(), strerror(fork_error));
    return throttle(settings_->throttle_time);
  }
  auto child = std::make_unique<Child>();
  child->pid = pid;
  child->channel = std::make_unique<ipc::Channel>(std::move(ours));
  child->reader = std::make_unique<event::TaskScope>();
  child->reader->spawn(read_status(this, child.get()));
  children_.push_back(std::move(child));
}

/// Closes every descriptor from 3 on but these, so that there is room to move them.
static void close_others(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  int next = 3;
  for (int fd : keep) {
    if (fd > next) close_range(static_cast<unsigned>(next), static_cast<unsigned>(fd - 1), 0);
    next = fd + 1;
  }
  close_range(static_cast<unsigned>(next), ~0u, 0);
}

/// In the child: puts the sockets where the daemon expects them and becomes it.
void Service::execute(int status_fd) {
  std::vector<int> sources = {status_fd};
  for (const Fd& socket : sockets_) sources.push_back(socket.get());
  close_others(sources);
  int top = daemon::kListenFd + static_cast<int>(sockets_.size());
  for (int& source : sources) source = fcntl(source, F_DUPFD_CLOEXEC, top);
  for (size_t i = 0; i < sources.size(); ++i) dup2(sources[i], daemon::kStatusFd + static_cast<int>(i));
  close_range(static_cast<unsigned>(top), ~0u, 0);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  daemon::restore_file_limit();
  std::string path = settings_->daemon_directory + "/" + line_.command;
  std::vector<std::string> words = arguments();
  std::vector<char*> argv, envp;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  for (const std::string& variable : settings_->environment) envp.push_back(const_cast<char*>(variable.c_str()));
  envp.push_back(nullptr);
  execve(path.c_str(), argv.data(), envp.data());
  _exit(1);  // the log is closed; master reports the status
}

event::Task<void> Service::read_status(Service* service, Child* child) {
  while (true) {
    auto status = co_await child->channel->receive<daemon::Status>();
    if (!status) co_return;  // its end is reported by the kernel
    bool was_full = child->status.full;
    child->status = *status;
    service->used_ = true;
    if (status->full && !was_full && service->line_.type == config::ServiceType::inet) {
      TimePoint now = monotonic_now();
      if (service->limit_warned_ == TimePoint{} || now - service->limit_warned_ > kLimitWarningEvery) {
        service->limit_warned_ = now;
        log::warning(
            "service \"{}\" ({}) has reached its process limit \"{}\": new clients may experience noticeable delays",
            service->line_.name, service->line_.name, service->line_.process_limit);
      }
    }
    if (service->want_another() && service->live_children() > 0) service->start_child();
    service->watch();
  }
}

bool Service::reap(pid_t pid, int wait_status) {
  auto it = std::find_if(children_.begin(), children_.end(), [pid](auto& c) { return c->pid == pid; });
  if (it == children_.end()) return false;
  std::unique_ptr<Child> child = std::move(*it);
  children_.erase(it);
  bool failed = !WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0;
  std::string path = settings_->daemon_directory + "/" + line_.command;
  int signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
  // Told before it could set up its handlers.
  if (child->reloaded && signal == SIGHUP) child->retired = true;
  bool asked_for = child->retired && (signal == SIGTERM || signal == SIGHUP);
  if (signal != 0 && !asked_for) {
    log::warning("process {} pid {} killed by signal {}", path, pid, WTERMSIG(wait_status));
  } else if (failed && WIFEXITED(wait_status)) {
    log::warning("process {} pid {} exit status {}", path, pid, WEXITSTATUS(wait_status));
  }
  // It may have had work that nobody will ask for again.
  if (failed && !child->retired && line_.wakeup_seconds > 0) wakeup_.arm(kAfterKill);
  if (signal == SIGKILL && !child->retired) {
    throttle(kAfterKill);  // somebody's doing, not a fault of the program
  } else if (failed && !child->retired && child->status.served == 0 && child->status.sessions == 0) {
    log::warning("{}: bad command startup -- throttling", path);
    throttle(settings_->throttle_time);
  } else {
    watch();
  }
  return true;
}

void Service::throttle(Duration time) {
  throttle_.arm(time);
  watch();
}

void Service::arm_wakeup() {
  if (line_.wakeup_seconds > 0 && !closed_) {
    wakeup_.arm(std::chrono::seconds(line_.wakeup_seconds));
  } else {
    wakeup_.cancel();
  }
}

void Service::wake() {
  arm_wakeup();
  if (line_.wakeup_only_when_used && !used_) return;
  if (line_.type == config::ServiceType::inet || sockets_.empty()) return;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(sockets_[0].get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  Fd fd(::socket(AF_UNIX, daemon::unix_socket_kind(line_.command) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return;
  (void)::send(fd.get(), "W", 1, MSG_NOSIGNAL);
}

}  // namespace umaya::master
