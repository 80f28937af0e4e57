#include "named-lite/server/parent.h"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "libcommon/daemon/privilege.h"
#include "libcommon/daemon/sandbox.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/divert.h"
#include "libcommon/log/log.h"
#include "named-lite/feed/link.h"
#include "named-lite/logging/log_sender.h"
#include "named-lite/server/roles.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr Duration kLivedLong = 10s;
constexpr Duration kShortestPause = 100ms;
constexpr Duration kLongestPause = 30s;
constexpr Duration kStopLimit = 5s;
constexpr Duration kSavingLimit = 60s;

std::string name_of(Role role, uint32_t number) {
  if (role == Role::query) return "query" + std::to_string(number);
  return role == Role::zone ? "zone" : "recursion";
}

sigset_t caught_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGHUP, SIGTERM, SIGINT, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

daemon::SandboxPolicy sandbox_of(Role role, const ConfigReport& config) {
  daemon::SandboxPolicy policy;
  if (role == Role::zone) {
    policy.read = config.read;
    policy.write = config.write;
  } else {
    policy.system_files = daemon::SystemFiles::hidden;
    policy.sockets = role == Role::query ? daemon::NewSockets::forbidden : daemon::NewSockets::allowed;
  }
  return policy;
}

}  // namespace

daemon::SandboxPolicy parent_sandbox(const ConfigReport& config, const std::string& config_file) {
  daemon::SandboxPolicy policy;
  policy.read = config.read;
  policy.read.push_back(fs::parent_directory(config_file));
  policy.write = config.write;
  if (!config.pid_file.empty()) policy.write.push_back(fs::parent_directory(config.pid_file));
  return policy;
}

Result<std::unique_ptr<Parent>> Parent::open(ParentOptions options) {
  if (options.queries == 0) options.queries = std::max(1u, std::thread::hardware_concurrency());
  options.queries = std::min(options.queries, kMostQueries);
  std::unique_ptr<Parent> parent(new Parent(std::move(options)));
  UMAYA_TRY(parent->config_, read_config_in_child(parent->options_));
  if (!parent->config_.report.ok) {
    write_lines(parent->config_.report);
    return permanent("the configuration has errors: not started");
  }
  UMAYA_CHECK(parent->open_sockets());
  auto add = [&parent](Role role, uint32_t number) -> Result<> {
    auto process = std::make_unique<Process>();
    process->role = role;
    process->number = number;
    parent->processes_.push_back(std::move(process));
    UMAYA_TRY(StatisticsPage page, StatisticsPage::create());
    parent->pages_.push_back(std::move(page));
    return {};
  };
  for (unsigned i = 0; i < parent->options_.queries; ++i) UMAYA_CHECK(add(Role::query, i));
  UMAYA_CHECK(add(Role::recursion, 0));
  UMAYA_CHECK(add(Role::zone, 0));
  return parent;
}

/// One that does not take it is started again: it gets what there is then.
void Parent::tell_query(size_t number, const ListenChange& change, const std::vector<int>& fds) {
  const Process& process = *processes_[number];
  if (process.pid == 0) return;
  auto sent = send_control(process.control.get(), ipc::encode(change), fds);
  if (sent) return;
  log::error("the {} process: {}", name_of(process.role, process.number), sent.error().what);
  ::kill(process.pid, SIGTERM);
}

/// One that does not take it is started again: it gets what there is then.
void Parent::tell_zone(const ChannelChange& change, const std::vector<int>& fds) {
  if (zone().pid == 0) return;
  auto sent = send_control(zone().control.get(), ipc::encode(change), fds);
  if (sent) return;
  log::error("the zone process: {}", sent.error().what);
  ::kill(zone().pid, SIGTERM);
}

/// To the process that has the log files; false: it goes the way of all lines.
bool Parent::give_line(log::Level level, std::string_view text) {
  if (!config_.report.logging || !announced_ || zone().pid == 0 || level >= log::Level::fatal) return false;
  LogBatch batch;
  LogRecord& record = batch.records.emplace_back();
  record.category = current_category();
  record.level = level;
  record.time = log_time();
  record.text = text;
  return send_control(zone().control.get(), ipc::encode(batch)).has_value();
}

Result<void> Parent::catch_signals() {
  sigset_t set = caught_signals();
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return sys_error("sigprocmask");
  signal(SIGPIPE, SIG_IGN);
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return sys_error("signalfd");
  return {};
}

/// In the child: lets go of everything that is not its business, and does its work.
void Parent::become(const Process& process, Fd control) {
  Role role = process.role;
  uint32_t number = process.number;
  std::vector<ListenSockets> sockets;
  if (role == Role::query) sockets = std::move(sockets_[number]);
  std::vector<ControlSocket> control_sockets;
  if (role == Role::zone) control_sockets = std::move(channels_.control);
  StatisticsEquipment statistics;
  if (role == Role::zone) statistics = {std::move(channels_.statistics), std::move(pages_)};
  if (role == Role::query) statistics.pages.push_back(std::move(pages_[number]));
  if (role == Role::recursion) statistics.pages.push_back(std::move(pages_[options_.queries]));
  sockets_.clear();
  channels_ = {};
  pages_.clear();
  processes_.clear();
  signals_.reset();
  superior_.reset();
  config_.files.reset();
  log::divert(nullptr);
  for (int each : {SIGHUP, SIGINT}) signal(each, SIG_IGN);  // of a terminal: the parent says what happens
  sigset_t set = caught_signals();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  std::string name = name_of(role, number);
  prctl(PR_SET_NAME, ("named-" + name).c_str(), 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (auto limited = daemon::give_up_low_ports(); !limited) log::fatal("{}", limited.error().what);
  auto in_force = daemon::enter_sandbox(sandbox_of(role, config_.report));
  if (!in_force) log::fatal("{}", in_force.error().what);
  log::debug("{}: in force: {}", name, *in_force);
  int code = 0;
  if (role == Role::zone) {
    code = run_zone(std::move(control), std::move(control_sockets), cookie_secret_, std::move(statistics));
  }
  if (role == Role::recursion) code = run_recursion(std::move(control), std::move(statistics));
  if (role == Role::query) {
    code = run_query(std::move(control), std::move(sockets), cookie_secret_, std::move(statistics));
  }
  log::flush();
  _exit(code);
}

void Parent::start(Process& process) {
  process.start_at = TimePoint::max();
  auto pair = socket_pair();
  if (pair) {
    log::flush();
    pid_t pid = fork();
    if (pid == 0) {
      pair->first.reset();
      become(process, std::move(pair->second));
    }
    if (pid > 0) {
      process.pid = pid;
      process.started = monotonic_now();
      process.control = std::move(pair->first);
    } else {
      pair = sys_error("fork");
    }
  }
  if (!pair) {
    log::error("the {} process: {}", name_of(process.role, process.number), pair.error().what);
    process.start_at = monotonic_now() + kLongestPause;
    return;
  }
  for (auto& other : processes_) introduce(process, *other);
  if (process.role == Role::zone) give_config(Zones::all);
}

/// Gives each of the two one end of a new pair of sockets. Processes of one role do not talk.
void Parent::introduce(Process& one, Process& other) {
  if (one.pid == 0 || other.pid == 0 || one.role == other.role) return;
  auto pair = socket_pair();
  if (!pair) return log::error("{}", pair.error().what);
  auto told = [&](const Process& who, const Process& about, int fd) {
    NewPeer peer;
    peer.role = about.role;
    peer.number = about.number;
    auto sent = send_control(who.control.get(), ipc::encode(peer), {fd});
    if (!sent) log::error("the {} process: {}", name_of(who.role, who.number), sent.error().what);
  };
  told(one, other, pair->first.get());
  told(other, one, pair->second.get());
}

void Parent::give_config(Zones which, uint32_t reload) {
  NewConfig message;
  message.number = reload;
  message.only_new = which == Zones::only_new;
  if (zone().pid == 0) return;  // it gets the newest when it starts
  auto sent = send_control(zone().control.get(), ipc::encode(message), {config_.files.get()});
  if (!sent) log::error("the zone process does not take the configuration: {}", sent.error().what);
}

/// Who waits for the end of a reload is told.
void Parent::refuse_config(const std::string& why, uint32_t reload) {
  if (zone().pid == 0) return;
  BadConfig message;
  message.why = why.substr(0, BadConfig::kMost);
  message.number = reload;
  auto sent = send_control(zone().control.get(), ipc::encode(message));
  if (!sent) log::error("the zone process: {}", sent.error().what);
}

void Parent::reload(Zones which, uint32_t number) {
  if (stopping_) return;
  log::info("reloading {}", options_.config_file);
  auto config = read_config_in_child(options_);
  if (!config || !config->report.ok) {
    if (!config) log::error("{}", config.error().what);
    if (config) write_lines(config->report);
    log::error("reload failed: the configuration of before stays in service");
    return refuse_config(config ? error_lines(config->report) : config.error().what + "\n", number);
  }
  config_ = std::move(*config);
  close_old_addresses();
  give_config(which, number);
}

void Parent::ended(Process& process, int status) {
  std::string name = name_of(process.role, process.number);
  TimePoint now = monotonic_now();
  process.pid = 0;
  process.control.reset();
  if (stopping_) return;
  std::string how = WIFSIGNALED(status) ? fmt::format("was killed by signal {}", WTERMSIG(status))
                                        : fmt::format("ended with status {}", WEXITSTATUS(status));
  bool lived_long = now - process.started >= kLivedLong;
  process.pause = lived_long ? Duration::zero() : std::clamp(process.pause * 2, kShortestPause, kLongestPause);
  process.start_at = now + process.pause;
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(process.pause).count();
  log::error("the {} process {}; it is started again in {} ms", name, how, ms);
}

void Parent::reap() {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    for (auto& process : processes_) {
      if (process->pid == pid) ended(*process, status);
    }
  }
}

void Parent::stop() {
  if (stopping_) return;
  stopping_ = true;
  kill_at_ = monotonic_now() + (config_.report.saves_at_end ? kSavingLimit : kStopLimit);
  for (auto& process : processes_) {
    if (process->pid != 0) ::kill(process->pid, SIGTERM);
  }
}

bool Parent::all_ended() const {
  return std::all_of(processes_.begin(), processes_.end(), [](const auto& process) { return process->pid == 0; });
}

void Parent::read_signals() {
  signalfd_siginfo info;
  bool hang_up = false;
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGHUP) hang_up = true;
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) stop();
  }
  reap();
  if (hang_up) reload(Zones::all);
}

void Parent::read_superior() {
  char bytes[64];
  ssize_t size = ::recv(superior_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size > 0) return reload(Zones::all);
  superior_.reset();
  stop();
}

void Parent::read_control(Process& process) {
  auto packet = receive_control(process.control.get());
  if (!packet) {
    if (packet.error().sys_errno == ECONNRESET) process.control.reset();  // waitpid tells how it ended
    return;
  }
  if (packet->is<ZoneTrouble>() && process.role != Role::zone && zone().pid != 0) ::kill(zone().pid, SIGKILL);
  if (process.role != Role::zone) return;
  if (auto command = ipc::decode<ParentCommand>(packet->bytes)) {
    if (command->what == ParentCommand::What::stop) return stop();
    return reload(command->what == ParentCommand::What::reconfig ? Zones::only_new : Zones::all, command->number);
  }
  if (packet->is<ConfigInService>()) {
    open_new_addresses();
    return change_channels();
  }
  if (!packet->is<RoleReady>()) return;
  log::write(log::Level::info, announced_ ? "the zone process works again" : "running");
  announced_ = true;
}

/// Without recursion there is no process for it. One that runs already stays after a reload: nobody asks it.
bool Parent::is_wanted(const Process& process) const {
  return process.role != Role::recursion || config_.report.recursion;
}

void Parent::start_due() {
  TimePoint now = monotonic_now();
  for (auto& process : processes_) {
    if (!stopping_ && process->pid == 0 && process->start_at <= now && is_wanted(*process)) start(*process);
    if (stopping_ && process->pid != 0 && now >= kill_at_) ::kill(process->pid, SIGKILL);
  }
}

void Parent::wait_for_news() {
  std::vector<pollfd> fds = {{signals_.get(), POLLIN, 0}, {superior_.get(), POLLIN, 0}};
  TimePoint wake = stopping_ ? kill_at_ : TimePoint::max();
  for (const auto& process : processes_) {
    fds.push_back({process->control.get(), POLLIN, 0});
    if (process->pid == 0 && is_wanted(*process)) wake = std::min(wake, process->start_at);
  }
  int limit = -1;
  if (wake != TimePoint::max()) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(wake - monotonic_now()).count();
    limit = static_cast<int>(std::clamp<int64_t>(left, 0, 1000));
  }
  if (::poll(fds.data(), fds.size(), limit) <= 0) return;
  if (fds[0].revents != 0) read_signals();
  if (fds[1].revents != 0 && superior_) read_superior();
  for (size_t i = 0; i < processes_.size(); ++i) {
    if (fds[i + 2].revents != 0 && processes_[i]->control) read_control(*processes_[i]);
  }
}

int Parent::run() {
  if (auto caught = catch_signals(); !caught) log::fatal("{}", caught.error().what);
  log::divert([this](log::Level level, std::string_view text) { return give_line(level, text); });
  while (!stopping_ || !all_ended()) {
    start_due();
    log::flush();
    wait_for_news();
  }
  log::divert(nullptr);
  log::info("exiting");
  log::flush();
  return 0;
}

}  // namespace umaya::named
