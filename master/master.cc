#include "master/master.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "libcommon/base/strings.h"
#include "libcommon/daemon/sockets.h"
#include "libcommon/log/log.h"

namespace umaya::master {

using namespace std::chrono_literals;

static constexpr Duration kKillAfter = 8s;

Master::Master(config::Config config, std::vector<std::string> overrides)
    : config_(std::move(config)), overrides_(std::move(overrides)), kill_timer_([this] {
        for (auto& [key, service] : services_) service->signal_children(SIGKILL);
        for (auto& service : closing_) service->signal_children(SIGKILL);
      }) {}

/// PATH, MAIL_CONFIG and what import_environment names: everything a daemon inherits. Functions of libraries are bound
/// at the start: bound at their first call, each child that become forks would look them up again.
static std::vector<std::string> daemon_environment(const config::Config& config) {
  std::vector<std::string> out = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LD_BIND_NOW=1",
                                  "MAIL_CONFIG=" + config.directory()};
  for (const std::string& item : config.get_list("import_environment")) {
    if (item.find('=') != std::string::npos) {
      out.push_back(item);
    } else if (const char* value = secure_getenv(item.c_str()); value && item != "MAIL_CONFIG") {
      out.push_back(item + "=" + value);
    }
  }
  for (const char* name : {"UMAYA_CLOCK_OFFSET", "ASAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* value = secure_getenv(name); value && geteuid() != 0)
      out.push_back(std::string(name) + "=" + value);
  }
  return out;
}

void Master::read_settings(const config::Config& config) {
  auto settings = std::make_unique<Settings>();
  settings->config_directory = config.directory();
  settings->daemon_directory = config.get("daemon_directory");
  settings->throttle_time = config.get_time("service_throttle_time").value_or(60s);
  auto workers = config.get_int("service_worker_processes").value_or(0);
  settings->workers = workers > 0 ? static_cast<size_t>(workers) : std::max(1u, std::thread::hardware_concurrency());
  settings->environment = daemon_environment(config);
  previous_settings_ = std::exchange(settings_, std::move(settings));
}

/// Puts the services of config's master.cf in place of those that run.
Result<void> Master::apply(const config::Config& config, bool first) {
  UMAYA_TRY(config::MasterCf file, config::MasterCf::load(config));
  for (const std::string& warning : file.warnings) log::warning("{}", warning);
  auto disabled = config.get_list("master_service_disable");
  std::map<std::string, config::MasterService*> wanted;
  for (config::MasterService& line : file.services) {
    if (built_in(line) || config::service_disabled(line, disabled)) continue;
    wanted[line.key()] = &line;
  }
  std::map<std::string, std::vector<Fd>> opened;
  for (auto& [key, line] : wanted) {
    if (services_.contains(key)) continue;
    auto sockets = daemon::open_sockets(config, *line);
    if (!sockets && first) return std::unexpected(sockets.error());
    if (!sockets) {
      log::warning("{}, line {}: service {} not opened: {}", file.file, line->line, key, sockets.error().what);
      continue;
    }
    opened[key] = std::move(*sockets);
  }
  read_settings(config);
  for (auto it = services_.begin(); it != services_.end();) {
    auto line = wanted.find(it->first);
    if (line != wanted.end()) {
      it->second->change(std::move(*line->second), *settings_);
      ++it;
      continue;
    }
    it->second->close();
    it->second->signal_children(SIGTERM);
    closing_.push_back(std::move(it->second));
    it = services_.erase(it);
  }
  for (auto& [key, sockets] : opened) {
    services_[key] = std::make_unique<Service>(std::move(*wanted[key]), std::move(sockets), *settings_);
  }
  return {};
}

Result<void> Master::start() {
  return apply(config_, true);
}

void Master::reload() {
  log::reopen();
  auto fresh = config::Config::load(config_.directory(), overrides_);
  if (!fresh) return log::error("{}: the old configuration stays in force", fresh.error().what);
  for (const char* name : {"queue_directory", "inet_interfaces", "inet_protocols"}) {
    if (fresh->get(name) != config_.get(name)) {
      log::warning("the change of {} takes effect after stop and start", name);
    }
  }
  if (auto applied = apply(*fresh, false); !applied) {
    return log::error("{}: the old configuration stays in force", applied.error().what);
  }
  config_ = std::move(*fresh);
  log::info("reload -- version {}, configuration {}", config_.get("mail_version"), config_.directory());
}

size_t Master::children() const {
  size_t count = 0;
  for (auto& [key, service] : services_) count += service->children();
  for (auto& service : closing_) count += service->children();
  return count;
}

void Master::stop() {
  if (stopping_) return;
  stopping_ = true;
  for (auto& [key, service] : services_) {
    service->close();
    service->signal_children(SIGTERM);
  }
  kill_timer_.arm(kKillAfter);
  if (children() == 0) event::Loop::current().stop();
}

void Master::reap_children() {
  int status;
  while (pid_t pid = waitpid(-1, &status, WNOHANG)) {
    if (pid < 0) break;
    bool known = false;
    for (auto& [key, service] : services_) known = known || service->reap(pid, status);
    for (auto& service : closing_) known = known || service->reap(pid, status);
  }
  std::erase_if(closing_, [](auto& service) { return service->children() == 0; });
  if (stopping_ && children() == 0) event::Loop::current().stop();
}

Result<Fd> lock_instance(const config::Config& config) {
  std::string path = config.get("queue_directory") + "/pid/master.pid";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return sys_error("open " + path);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
    char text[32] = {};
    (void)!::pread(fd.get(), text, sizeof text - 1, 0);
    return permanent("the mail system is already running: pid " + std::string(trim(text)));
  }
  return fd;
}

Result<void> write_pid(int fd) {
  std::string text = fmt::format("{:>{}}\n", getpid(), 10);
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return sys_error("write master.pid");
  }
  return {};
}

}  // namespace umaya::master
