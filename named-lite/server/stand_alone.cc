#include "named-lite/server/stand_alone.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "libcommon/base/strings.h"
#include "libcommon/daemon/privilege.h"
#include "libcommon/fs/file.h"
#include "named-lite/server/single.h"

namespace umaya::named {

namespace {

struct Options {
  ParentOptions server;
  bool foreground = false;
  bool log_to_stderr = false;
  bool single = false;
  std::string user;
};

constexpr std::string_view kUsage =
    "usage: named-lite [-f | -g] [-X] [-c file] [-n processes] [-p port] [-u user]\n"
    "       named-lite checkconf | checkzone | compilezone | ndc … (each with -h)\n";

bool set_value(char letter, std::string_view value, Options& options) {
  if (letter == 'c') options.server.config_file = value;
  if (letter == 'u') options.user = value;
  if (letter != 'p' && letter != 'n') return true;
  auto number = parse_uint(value);
  if (!number || *number == 0 || *number > 65535) return false;
  if (letter == 'p') options.server.port = static_cast<uint16_t>(*number);
  if (letter == 'n') options.server.queries = static_cast<unsigned>(*number);
  return true;
}

/// False when the arguments are not understood.
bool read_options(std::span<char* const> arguments, Options& options) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "-f") {
      options.foreground = true;
    } else if (argument == "-g") {
      options.foreground = options.log_to_stderr = true;
    } else if (argument == "-X") {
      options.single = true;
    } else if (argument.size() >= 2 && argument[0] == '-' &&
               std::string_view("cnpu").find(argument[1]) != argument.npos) {
      std::string_view value = argument.substr(2);
      if (value.empty() && ++i >= arguments.size()) return false;
      if (value.empty()) value = arguments[i];
      if (!set_value(argument[1], value, options)) return false;
    } else {
      return false;
    }
  }
  return true;
}

/// Parent: ends with 0. Child: goes on without a terminal.
void go_to_background() {
  log::flush();
  pid_t pid = fork();
  if (pid < 0) log::fatal("fork: {}", strerror(errno));
  if (pid > 0) _exit(0);
  setsid();
  Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = 0; fd < 3 && null; ++fd) dup2(null.get(), fd);
}

void write_pid_file(const std::string& path) {
  if (path.empty()) return;
  auto written = fs::replace_file(path, std::to_string(getpid()) + "\n", 0644);
  if (!written) log::warning("pid-file: {}", written.error().what);
}

/// What comes between opening the sockets and serving: background, pid file, user, sandbox.
void settle(const Options& options, const ConfigReport& config) {
  if (!options.foreground) go_to_background();
  write_pid_file(config.pid_file);
  if (!options.user.empty() && geteuid() == 0) {
    auto account = daemon::find_user(options.user);
    if (!account) log::fatal("-u {}: {}", options.user, account.error().what);
    if (auto dropped = daemon::give_up_root(*account); !dropped) log::fatal("{}", dropped.error().what);
  }
  auto in_force = daemon::enter_sandbox(parent_sandbox(config, options.server.config_file));
  if (!in_force) log::fatal("{}", in_force.error().what);
  log::debug("in force: {}", *in_force);
}

int run_processes(const Options& options) {
  auto parent = Parent::open(options.server);
  if (!parent) log::fatal("{}", parent.error().what);
  std::string pid_file = (*parent)->config().pid_file;
  settle(options, (*parent)->config());
  int code = (*parent)->run();
  if (!pid_file.empty()) unlink(pid_file.c_str());
  return code;
}

int run_single(const Options& options) {
  auto single = Single::open(options.server);
  if (!single) log::fatal("{}", single.error().what);
  std::string pid_file = (*single)->config().pid_file;
  settle(options, (*single)->config());
  auto& loop = event::Loop::current();
  loop.at_round_end([] { log::flush(); });
  event::SignalWatch reload(SIGHUP, [&] { (*single)->reload(); });
  event::SignalWatch terminate(SIGTERM, [&] { loop.stop(); });
  event::SignalWatch interrupt(SIGINT, [&] { loop.stop(); });
  signal(SIGPIPE, SIG_IGN);
  if (auto started = (*single)->start(); !started) log::fatal("{}", started.error().what);
  loop.run();
  log::info("exiting; questions: {} over UDP, {} over TCP", (*single)->counters().udp, (*single)->counters().tcp);
  log::flush();
  if (!pid_file.empty()) unlink(pid_file.c_str());
  return 0;
}

}  // namespace

int run_stand_alone(std::span<char* const> arguments) {
  Options options;
  if (!read_options(arguments, options)) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  log::open({.tag = "named-lite",
             .file = options.log_to_stderr ? "-" : "",
             .facility = "daemon",
             .also_stderr = !options.foreground});
  return options.single ? run_single(options) : run_processes(options);
}

}  // namespace umaya::named
