#include "libcommon/daemon/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "libcommon/base/strings.h"
#include "libcommon/base/users.h"
#include "libcommon/config/master_cf.h"
#include "libcommon/daemon/sockets.h"
#include "libcommon/daemon/status.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"

#ifndef UMAYA_CONFIG_DIRECTORY
#define UMAYA_CONFIG_DIRECTORY "/etc/umaya"
#endif

namespace umaya::daemon {

using namespace std::chrono_literals;

static constexpr Duration kStopLimit = 5s;
/// A worker that serves this many sessions asks master for help (Status.sessions crosses it).
static constexpr size_t kBusySessions = 8;
/// Descriptors of a process without sessions, and what a session adds.
static constexpr size_t kOwnDescriptors = 24;
static constexpr size_t kSessionDescriptors = 3;

namespace {

struct Options {
  std::string config_directory;
  std::string service;
  std::string type = "unix";
  std::vector<std::string> overrides;
  std::vector<std::string> rest;
  size_t session_limit = 0;
  int sockets = 0;
  int verbose = 0;
  bool stand_alone = false;
};

[[noreturn]] void usage(std::string_view program, std::string_view why) {
  log::fatal("{}: {}; usage: {} -n service [-t type] [-c config_directory] [-o name=value] [-v]", program, why,
             program);
}

Options parse_options(int argc, char** argv, std::string_view program) {
  Options options;
  const char* config_option = nullptr;
  int letter;
  optind = 1;
  while ((letter = getopt(argc, argv, "+c:n:t:o:l:s:vSdDui:m:z")) != -1) {
    switch (letter) {
      case 'c':
        config_option = optarg;
        break;
      case 'n':
        options.service = optarg;
        break;
      case 't':
        options.type = optarg;
        break;
      case 'o':
        options.overrides.emplace_back(optarg);
        break;
      case 'l':
        options.session_limit = parse_uint(optarg).value_or(0);
        break;
      case 's':
        options.sockets = static_cast<int>(parse_uint(optarg).value_or(0));
        break;
      case 'v':
        ++options.verbose;
        break;
      case 'S':
        options.stand_alone = true;
        break;
      case '?':
        usage(program, "unknown option");
      default:
        break;  // options of Postfix's daemons that mean nothing here
    }
  }
  options.config_directory = config_directory_of(config_option);
  for (int i = optind; i < argc; ++i) options.rest.emplace_back(argv[i]);
  if (options.service.empty()) options.service = program;
  return options;
}

/// Sockets when nobody handed us any: those of our line in master.cf.
std::vector<Fd> open_own_sockets(const config::Config& config, const Options& options) {
  auto master = config::MasterCf::load(config);
  if (!master) log::fatal("{}", master.error().what);
  auto type = options.type == "inet" ? config::ServiceType::inet : config::ServiceType::unix_stream;
  const config::MasterService* service = master->find(options.service, type);
  if (!service) {
    log::fatal("{}: no service \"{}\" of type {}: name one with -n and -t", master->file, options.service,
               options.type);
  }
  auto sockets = open_sockets(config, *service);
  if (!sockets) log::fatal("{}", sockets.error().what);
  return std::move(*sockets);
}

rlimit& limit_at_start() {
  static rlimit limit{1024, 1024};
  return limit;
}

std::vector<Fd> inherited_sockets(int count) {
  std::vector<Fd> out;
  for (int fd = kListenFd; fd < kListenFd + count; ++fd) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    out.emplace_back(fd);
  }
  return out;
}

/// Files and tables that main.cf names, so that a changed one can be opened again: "hash:/etc/aliases" gives /etc.
std::vector<std::string> configured_paths(const config::Config& config) {
  std::vector<std::string> out;
  for (const auto& setting : config.main_cf().settings) {
    for (const std::string& word : config.get_list(setting.name)) {
      size_t path = word.starts_with('/') ? 0 : word.find(":/");
      if (path == std::string::npos) continue;
      if (path > 0) {
        out.push_back(word.substr(path + 1, word.rfind('/') - path - 1));
      } else {
        out.push_back(word);
      }
    }
  }
  std::erase(out, "");
  return out;
}

}  // namespace

std::string config_directory_of(const char* option) {
  if (option) return option;
  if (const char* environment = secure_getenv("MAIL_CONFIG")) return environment;
  return UMAYA_CONFIG_DIRECTORY;
}

void open_log(const config::Config& config, std::string_view program, int verbose) {
  log::open({.tag = config.get("syslog_name") + "/" + std::string(program),
             .file = config.get("maillog_file"),
             .facility = config.get("syslog_facility"),
             .verbose = verbose});
}

Work::Work(const Process& process) : count_(process.work_) {
  ++count_->alive;
}

Work::~Work() {
  if (--count_->alive == 0 && count_->on_none) count_->on_none();
}

size_t raise_file_limit() {
  rlimit limit = {1024, 1024};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return limit.rlim_cur;
  limit_at_start() = limit;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : limit_at_start().rlim_cur;
}

void restore_file_limit() {
  (void)::setrlimit(RLIMIT_NOFILE, &limit_at_start());
}

void Process::stop() {
  if (on_stop_) on_stop_();
}

void Process::retire() {
  if (on_retire_) on_retire_();
}

/// Runs one process from its listeners to its end.
class Runner {
 public:
  Runner(Process& process, Hooks& hooks) : process_(process), hooks_(hooks) {}
  void configure(Options options, config::Config config);
  void drop_privileges();
  void open_listeners(std::vector<Fd> sockets, bool has_master);
  int run();
  int run_stand_alone();

 private:
  enum class End : unsigned char { now, when_done };
  void on_connection(Fd fd, const event::PeerAddress& peer);
  static event::Task<void> serve(Runner* runner, Fd fd, event::PeerAddress peer);
  static event::Task<void> watch_master(Runner* runner);
  void session_ended();
  void begin_stop(End end);
  void end_when_idle();
  void report();
  void arm_idle();

  Process& process_;
  Hooks& hooks_;
  std::vector<std::unique_ptr<event::Listener>> listeners_;
  std::unique_ptr<ipc::Channel> master_;
  event::TaskScope sessions_;
  std::optional<event::Timer> idle_, stop_limit_;
  std::vector<std::unique_ptr<event::SignalWatch>> signals_;
  Status reported_;
  Duration max_idle_{};
};

void Runner::configure(Options options, config::Config config) {
  process_.config_ = std::move(config);
  process_.program_ = hooks_.name;
  process_.service_ = std::move(options.service);
  process_.type_ = std::move(options.type);
  process_.queue_directory_ = process_.config_.get("queue_directory");
  process_.arguments_ = std::move(options.rest);
  process_.session_limit_ = options.session_limit;
  process_.file_limit_ = raise_file_limit();
  size_t for_sessions = process_.file_limit_ - std::min(process_.file_limit_, kOwnDescriptors);
  process_.room_ = std::max<size_t>(1, for_sessions / kSessionDescriptors);
  process_.privileged_ = geteuid() == 0;
  process_.on_stop_ = [this] { begin_stop(End::now); };
  process_.on_retire_ = [this] { begin_stop(End::when_done); };
  process_.work_->on_none = [this] { end_when_idle(); };
  process_.config_.name_process(hooks_.name, process_.service_);
  open_log(process_.config_, hooks_.name, options.verbose);
  use_passwd_file(process_.config_.get("passwd_file"));
  auto idle = process_.config_.get_time("max_idle");
  if (!idle) log::fatal("{}", idle.error().what);
  max_idle_ = *idle;
}

void Runner::drop_privileges() {
  process_.account_ = {geteuid(), getegid()};
  if (hooks_.prepare) {
    if (auto done = hooks_.prepare(process_); !done) log::fatal("{}", done.error().what);
  }
  if (hooks_.run_as == RunAs::root) return;
  if (process_.privileged_) {
    std::string_view parameter = hooks_.run_as == RunAs::net_user ? "net_user" : "mail_owner";
    if (!hooks_.user_parameter.empty()) parameter = hooks_.user_parameter;
    auto account = find_user(process_.config_.get(parameter));
    if (!account) log::fatal("{}", account.error().what);
    if (auto dropped = give_up_root(*account); !dropped) log::fatal("{}", dropped.error().what);
    process_.account_ = *account;
  }
  SandboxPolicy policy = hooks_.sandbox ? hooks_.sandbox(process_) : SandboxPolicy{};
  policy.read.push_back(process_.config_.directory());
  for (std::string& path : configured_paths(process_.config_)) policy.read.push_back(std::move(path));
  auto entered = enter_sandbox(policy);
  if (!entered) log::fatal("{}", entered.error().what);
  log::debug("in force: {}", *entered);
}

void Runner::open_listeners(std::vector<Fd> sockets, bool has_master) {
  for (Fd& socket : sockets) {
    listeners_.push_back(std::make_unique<event::Listener>(
        std::move(socket), [this](Fd fd, const event::PeerAddress& peer) { on_connection(std::move(fd), peer); }));
    // The socket is master's and may have served with other settings before.
    if (process_.type_ == "inet") listeners_.back()->set_client_speaks_first(process_.client_speaks_first_);
  }
  if (has_master) {
    fcntl(kStatusFd, F_SETFD, FD_CLOEXEC);
    master_ = std::make_unique<ipc::Channel>(Fd(kStatusFd));
    process_.scope_.spawn(watch_master(this));
  }
}

int Runner::run() {
  signal(SIGPIPE, SIG_IGN);
  signals_.push_back(std::make_unique<event::SignalWatch>(SIGTERM, [this] { begin_stop(End::now); }));
  signals_.push_back(std::make_unique<event::SignalWatch>(SIGINT, [this] { begin_stop(End::now); }));
  signals_.push_back(std::make_unique<event::SignalWatch>(SIGHUP, [this] {
    if (hooks_.reload && !process_.stopping_) return hooks_.reload(process_);
    begin_stop(End::when_done);
  }));
  idle_.emplace([this] {
    if (sessions_.empty()) begin_stop(End::when_done);
  });
  stop_limit_.emplace([this] {
    log::info("{} sessions cut short by the end of the process", sessions_.size());
    event::Loop::current().stop();
  });
  if (hooks_.start) {
    if (auto started = hooks_.start(process_); !started) log::fatal("{}", started.error().what);
  }
  arm_idle();
  event::Loop& loop = event::Loop::current();
  loop.at_round_end([] { log::flush(); });
  if (!process_.stopping_ || !sessions_.empty()) loop.run();
  process_.work_->on_none = nullptr;
  sessions_.cancel();
  process_.scope_.cancel();
  log::flush();
  return 0;
}

int Runner::run_stand_alone() {
  signal(SIGPIPE, SIG_IGN);
  int code = event::run_until_done(hooks_.stand_alone(process_));
  log::flush();
  return code;
}

void Runner::on_connection(Fd fd, const event::PeerAddress& peer) {
  sessions_.spawn(serve(this, std::move(fd), peer));
}

event::Task<void> Runner::serve(Runner* runner, Fd fd, event::PeerAddress peer) {
  Process& process = runner->process_;
  ++process.sessions_;
  runner->report();
  co_await runner->hooks_.session(process, std::move(fd), peer);
  --process.sessions_;
  ++process.served_;
  event::Loop::current().defer([runner] { runner->session_ended(); });
}

void Runner::session_ended() {
  report();
  end_when_idle();
  arm_idle();
}

void Runner::end_when_idle() {
  if (process_.stopping_ && process_.sessions_ == 0 && process_.work_->alive == 0) event::Loop::current().stop();
}

event::Task<void> Runner::watch_master(Runner* runner) {
  while (true) {
    auto packet = co_await runner->master_->receive_packet();
    if (!packet) break;
  }
  runner->begin_stop(End::now);
}

void Runner::begin_stop(End end) {
  if (end == End::now && !stop_limit_->armed()) {
    if (hooks_.stop) hooks_.stop(process_);
    stop_limit_->arm(kStopLimit);
  }
  if (!process_.stopping_) {
    process_.stopping_ = true;
    for (auto& listener : listeners_) listener->pause();
    event::Loop::current().defer([this] { listeners_.clear(); });  // we may stand inside one of them
    report();
  }
  end_when_idle();
}

/// Tells master only what changes its mind: first use, busy, full, stopping.
void Runner::report() {
  size_t limit = process_.session_limit_;
  Status now{static_cast<uint32_t>(process_.sessions_), static_cast<uint32_t>(process_.served_),
             (limit > 0 && process_.sessions_ >= limit) || process_.crowded(), process_.stopping_};
  if (now.full != reported_.full && !process_.stopping_) {
    for (auto& listener : listeners_) now.full ? listener->pause() : listener->resume();
  }
  bool news = now.full != reported_.full || now.stopping != reported_.stopping ||
              (now.served > 0) != (reported_.served > 0) ||
              (now.sessions >= kBusySessions) != (reported_.sessions >= kBusySessions);
  if (!news) return;
  reported_ = now;
  if (master_) (void)master_->send_now(ipc::encode(now));
}

void Runner::arm_idle() {
  if (hooks_.resident || !master_) return;
  if (process_.sessions_ == 0) {
    idle_->arm(max_idle_);
  } else {
    idle_->cancel();
  }
}

int run(int argc, char** argv, Hooks hooks) {
  log::open({.tag = std::string(hooks.name), .file = "-"});
  umask(077);
  Options options = parse_options(argc, argv, hooks.name);
  auto config = config::Config::load(options.config_directory, options.overrides);
  if (!config) log::fatal("{}", config.error().what);
  Process process;
  Runner runner(process, hooks);
  bool has_master = options.sockets > 0;
  bool stand_alone = options.stand_alone && hooks.stand_alone;
  std::vector<Fd> sockets;
  if (has_master) {
    sockets = inherited_sockets(options.sockets);
  } else if (!stand_alone) {
    sockets = open_own_sockets(*config, options);
  }
  runner.configure(std::move(options), std::move(*config));
  if (stand_alone) {
    // Runs with the rights of the caller, who is no daemon.
    if (hooks.prepare) {
      if (auto done = hooks.prepare(process); !done) log::fatal("{}", done.error().what);
    }
    return runner.run_stand_alone();
  }
  runner.drop_privileges();
  runner.open_listeners(std::move(sockets), has_master);
  return runner.run();
}

}  // namespace umaya::daemon
