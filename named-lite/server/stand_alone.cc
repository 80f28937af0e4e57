#include "named-lite/server/stand_alone.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "libcommon/base/strings.h"
#include "libcommon/daemon/privilege.h"
#include "libcommon/fs/file.h"
#include "named-lite/server/server.h"

namespace umaya::named {

namespace {

struct Options {
  ServerOptions server;
  bool foreground = false;
  bool log_to_stderr = false;
  std::string user;
};

constexpr std::string_view kUsage =
    "usage: named-lite [-f | -g] [-c file] [-p port] [-u user]\n"
    "       named-lite checkconf [-z] [file]\n"
    "       named-lite checkzone [-q] zone file\n";

/// False when the arguments are not understood.
bool read_options(std::span<char* const> arguments, Options& options) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "-f") {
      options.foreground = true;
    } else if (argument == "-g") {
      options.foreground = options.log_to_stderr = true;
    } else if (argument.size() >= 2 && argument[0] == '-' &&
               std::string_view("cpu").find(argument[1]) != argument.npos) {
      std::string_view value = argument.substr(2);
      if (value.empty() && ++i >= arguments.size()) return false;
      if (value.empty()) value = arguments[i];
      if (argument[1] == 'c') options.server.config_file = value;
      if (argument[1] == 'u') options.user = value;
      if (argument[1] != 'p') continue;
      auto port = parse_uint(value);
      if (!port || *port == 0 || *port > 65535) return false;
      options.server.port = static_cast<uint16_t>(*port);
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
  event::Loop::current().after_fork();
}

void write_pid_file(const std::string& path) {
  if (path.empty()) return;
  auto written = fs::replace_file(path, std::to_string(getpid()) + "\n", 0644);
  if (!written) log::warning("pid-file: {}", written.error().what);
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
  auto& loop = event::Loop::current();
  loop.at_round_end([] { log::flush(); });
  auto server = Server::start(options.server);
  if (!server) log::fatal("{}", server.error().what);
  if (!options.foreground) go_to_background();
  write_pid_file((*server)->conf().pid_file);
  if (!options.user.empty() && geteuid() == 0) {
    auto account = daemon::find_user(options.user);
    if (!account) log::fatal("-u {}: {}", options.user, account.error().what);
    if (auto dropped = daemon::give_up_root(*account); !dropped) log::fatal("{}", dropped.error().what);
  }
  auto in_force = daemon::enter_sandbox(sandbox_policy((*server)->conf(), options.server.config_file));
  if (!in_force) log::fatal("{}", in_force.error().what);
  log::debug("in force: {}", *in_force);
  event::SignalWatch reload(SIGHUP, [&] { (*server)->reload(); });
  event::SignalWatch terminate(SIGTERM, [&] { loop.stop(); });
  event::SignalWatch interrupt(SIGINT, [&] { loop.stop(); });
  signal(SIGPIPE, SIG_IGN);
  (*server)->run();
  log::info("running");
  log::flush();
  loop.run();
  const Counters& counters = (*server)->responder().counters();
  log::info("exiting; questions: {} over UDP, {} over TCP", counters.udp, counters.tcp);
  log::flush();
  if (!(*server)->conf().pid_file.empty()) unlink((*server)->conf().pid_file.c_str());
  return 0;
}

}  // namespace umaya::named
