// start, stop, abort, reload, status, flush: what is done to a whole instance.
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>

#include "commands/umaya/commands.h"
#include "libcommon/base/strings.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/daemon/instance.h"
#include "libcommon/daemon/sockets.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"
#include "libcommon/services/qmgr.h"

namespace umaya::commands {

using namespace std::chrono_literals;

static constexpr Duration kStopLimit = 15s;

config::Config open_instance(const Invocation& invocation) {
  auto config = config::Config::load(invocation.config_directory);
  if (!config) {
    std::fprintf(stderr, "umaya: fatal: %s\n", config.error().what.c_str());
    std::exit(1);
  }
  log::open({.tag = config->get("syslog_name") + "/umaya",
             .file = config->get("maillog_file"),
             .facility = config->get("syslog_facility"),
             .also_stderr = true,
             .verbose = invocation.verbose});
  return std::move(*config);
}

/// Runs master and gives its exit code.
static int run_master(const config::Config& config, const char* mode, int verbose) {
  std::string path = config.get("daemon_directory") + "/master";
  pid_t pid = fork();
  if (pid < 0) log::fatal("fork: {}", strerror(errno));
  if (pid == 0) {
    execl(path.c_str(), "master", mode, "-c", config.directory().c_str(), verbose > 0 ? "-v" : nullptr, nullptr);
    log::fatal("{}: {}", path, strerror(errno));
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int start(const Invocation& invocation, const std::vector<std::string>&) {
  config::Config config = open_instance(invocation);
  if (pid_t pid = daemon::running_master(config)) log::fatal("the Umaya mail system is already running: PID: {}", pid);
  if (!check_instance(config)) return 1;
  provide_certificate(config);
  log::info("starting the Umaya mail system");
  log::flush();
  return run_master(config, "-w", invocation.verbose);
}

int start_foreground(const Invocation& invocation, const std::vector<std::string>&) {
  config::Config config = open_instance(invocation);
  if (pid_t pid = daemon::running_master(config)) log::fatal("the Umaya mail system is already running: PID: {}", pid);
  if (!check_instance(config)) return 1;
  provide_certificate(config);
  log::info("starting the Umaya mail system");
  log::flush();
  std::string path = config.get("daemon_directory") + "/master";
  execl(path.c_str(), "master", "-s", "-c", config.directory().c_str(), nullptr);
  log::fatal("{}: {}", path, strerror(errno));
}

/// The master's pid; ends the program when the instance does not run.
static pid_t master_or_exit(const config::Config& config) {
  pid_t pid = daemon::running_master(config);
  if (pid == 0) log::fatal("the Umaya mail system is not running");
  return pid;
}

static bool ends_within(pid_t pid, Duration limit) {
  for (TimePoint until = monotonic_now() + limit; monotonic_now() < until; std::this_thread::sleep_for(20ms)) {
    if (kill(pid, 0) != 0) return true;
  }
  return false;
}

int stop(const Invocation& invocation, const std::vector<std::string>&) {
  config::Config config = open_instance(invocation);
  pid_t pid = master_or_exit(config);
  log::info("stopping the Umaya mail system");
  if (kill(pid, SIGTERM) != 0) log::fatal("master {}: {}", pid, strerror(errno));
  if (ends_within(pid, kStopLimit)) return 0;
  log::warning("stopping the Umaya mail system with force");
  kill(pid, SIGKILL);
  return 0;
}

int abort_now(const Invocation& invocation, const std::vector<std::string>&) {
  config::Config config = open_instance(invocation);
  pid_t pid = master_or_exit(config);
  log::info("aborting the Umaya mail system");
  return kill(pid, SIGTERM) == 0 ? 0 : 1;
}

int reload(const Invocation& invocation, const std::vector<std::string>&) {
  config::Config config = open_instance(invocation);
  pid_t pid = master_or_exit(config);
  if (!check_instance(config)) return 1;
  log::info("refreshing the Umaya mail system");
  return kill(pid, SIGHUP) == 0 ? 0 : 1;
}

namespace {

/// What /proc says of a process, for "umaya status".
struct ProcessFacts {
  pid_t pid = 0, parent = 0;
  std::string name, uid, no_new_privs, seccomp, memory;
};

ProcessFacts read_facts(pid_t pid) {
  ProcessFacts facts{.pid = pid, .parent = 0, .name = {}, .uid = {}, .no_new_privs = {}, .seccomp = {}, .memory = {}};
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string_view key = std::string_view(line).substr(0, colon);
    std::string value(trim(std::string_view(line).substr(colon + 1)));
    if (key == "Name") facts.name = value;
    if (key == "PPid") facts.parent = static_cast<pid_t>(parse_uint(value).value_or(0));
    if (key == "Uid") facts.uid = value.substr(0, value.find('\t'));
    if (key == "NoNewPrivs") facts.no_new_privs = value;
    if (key == "Seccomp") facts.seccomp = value;
    if (key == "VmRSS") facts.memory = value;
  }
  return facts;
}

/// The daemon keeps the descriptor of the rules that it entered.
bool has_landlock(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
  struct Close {
    void operator()(DIR* d) const { closedir(d); }
  };
  std::unique_ptr<DIR, Close> fds(opendir(directory.c_str()));
  if (!fds) return false;
  while (const dirent* entry = readdir(fds.get())) {
    char target[64];
    ssize_t size = readlink((directory + "/" + entry->d_name).c_str(), target, sizeof target);
    if (size > 0 &&
        std::string_view(target, static_cast<size_t>(size)).find("landlock-ruleset") != std::string_view::npos)
      return true;
  }
  return false;
}

/// Namespaces that a process does not share with us, " netns mntns …".
std::string own_namespaces(pid_t pid) {
  std::string out;
  for (const char* kind : {"user", "mnt", "net", "pid", "ipc", "uts"}) {
    auto link = [kind](const std::string& who) {
      char target[64];
      ssize_t size = readlink(("/proc/" + who + "/ns/" + kind).c_str(), target, sizeof target);
      return size > 0 ? std::string(target, static_cast<size_t>(size)) : std::string();
    };
    const std::string theirs = link(std::to_string(pid));
    if (!theirs.empty() && theirs != link("self")) out += fmt::format(" {}ns", kind);
  }
  return out;
}

void print_processes(pid_t master) {
  std::printf("%7s %-12s %7s %10s  %s\n", "pid", "process", "uid", "resident", "in force");
  DIR* proc = opendir("/proc");
  if (!proc) return;
  while (const dirent* entry = readdir(proc)) {
    auto pid = parse_uint(entry->d_name);
    if (!pid) continue;
    ProcessFacts facts = read_facts(static_cast<pid_t>(*pid));
    if (facts.pid != master && facts.parent != master) continue;
    std::string in_force = facts.no_new_privs == "1" ? "no_new_privs" : "";
    if (has_landlock(facts.pid)) in_force += " landlock";
    if (facts.seccomp == "2") in_force += " seccomp";
    in_force += own_namespaces(facts.pid);
    in_force = trim(in_force);
    std::printf("%7d %-12s %7s %10s  %s\n", facts.pid, facts.name.c_str(), facts.uid.c_str(), facts.memory.c_str(),
                in_force.empty() ? "-" : in_force.c_str());
  }
  closedir(proc);
}

}  // namespace

int status(const Invocation& invocation, const std::vector<std::string>&) {
  config::Config config = open_instance(invocation);
  pid_t pid = daemon::running_master(config);
  if (pid == 0) {
    log::info("the Umaya mail system is not running");
    return 1;
  }
  log::info("the Umaya mail system is running: PID: {}", pid);
  print_processes(pid);
  return 0;
}

static event::Task<Result<services::qmgr::Done>> ask_queue_manager(std::string path) {
  UMAYA_CO_TRY(auto channel, ipc::Channel::connect(path));
  services::qmgr::Command command{services::qmgr::Verb::flush_all, ""};
  co_return co_await channel->call<services::qmgr::Done>(std::move(command), {}, 10s);
}

int flush(const Invocation& invocation, const std::vector<std::string>&) {
  config::Config config = open_instance(invocation);
  master_or_exit(config);
  auto done = event::run_until_done(
      ask_queue_manager(config.get("queue_directory") + "/" + std::string(services::qmgr::kSocket)));
  if (!done) log::fatal("queue manager: {}", done.error().what);
  if (!done->ok) log::fatal("queue manager: {}", done->text);
  return 0;
}

}  // namespace umaya::commands
