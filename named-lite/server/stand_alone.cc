#include "named-lite/server/stand_alone.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>

#include "libcommon/base/strings.h"
#include "libcommon/daemon/privilege.h"
#include "libcommon/fs/file.h"
#include "named-lite/server/single.h"
#include "named-lite/tools/flags.h"
#include "named-lite/tools/show.h"

namespace umaya::named {

namespace {

struct Options {
  ParentOptions server;
  bool foreground = false;
  bool single = false;
  int debug = 0;
  std::string log_file;
  std::string root;
  std::string user;
};

constexpr std::string_view kUsage =
    "named-lite [-4 | -6] [-f | -g] [-X] [-c file] [-d level] [-L file] [-n processes] [-p port]\n"
    "                  [-t directory] [-u user] [-v | -V]\n"
    "       named-lite checkconf | checkzone | compilezone | ndc … (each with -h)";
/// Flags of BIND's named that mean something else there than can be had here.
constexpr std::string_view kOfBind = "EMSTUmsx";

bool set_port(std::string_view value, Options& options) {
  if (value.starts_with("dns=")) value.remove_prefix(4);
  auto number = parse_uint(value);
  if (!number || *number == 0 || *number > 65535) return false;
  options.server.port = static_cast<uint16_t>(*number);
  return true;
}

/// False when the value is none for this flag.
bool set_value(char letter, std::string_view value, Options& options) {
  if (letter == 'c') options.server.config_file = value;
  if (letter == 'L') options.log_file = value;
  if (letter == 't') options.root = value;
  if (letter == 'u') options.user = value;
  if (letter == 'p') return set_port(value, options);
  if (letter != 'n' && letter != 'd') return !value.empty();  // -D names the process for ps(1) alone
  auto number = parse_uint(value);
  if (!number || *number > 65535 || (letter == 'n' && *number == 0)) return false;
  if (letter == 'n') options.server.queries = static_cast<unsigned>(*number);
  if (letter == 'd') options.debug = static_cast<int>(*number);
  return true;
}

/// What is wrong; empty when nothing is.
std::string set_family(net::Family family, Options& options) {
  net::Family& only = options.server.only_family;
  if (only != net::Family::none && only != family) return "-4 and -6 exclude each other";
  only = family;
  return {};
}

/// The exit code when there is nothing to be started.
std::optional<int> read_options(std::span<char* const> arguments, Options& options) {
  Flags flags(arguments, "46fgXvVhc:d:D:L:n:p:t:u:E:M:S:T:U:m:sx:");
  std::string wrong;
  while (auto flag = flags.next()) {
    char letter = flag->letter;
    if (letter == 'v') return show_version();
    if (letter == 'V') return show_build();
    if (letter == 'h') return show_usage("", kUsage);
    if (letter == 'f') options.foreground = true;
    if (letter == 'g') options.foreground = options.server.log_to_stderr = true;
    if (letter == 'X') options.single = true;
    if (letter == '4' || letter == '6')
      wrong = set_family(letter == '4' ? net::Family::ipv4 : net::Family::ipv6, options);
    if (kOfBind.find(letter) != kOfBind.npos)
      wrong = std::string("-") + letter + " is a flag of BIND that named-lite does not have";
    bool has_value = std::string_view("cdDLnptu").find(letter) != std::string_view::npos;
    if (has_value && !set_value(letter, flag->value, options)) {
      wrong = std::string("-") + letter + " " + std::string(flag->value) + ": no such value";
    }
    if (!wrong.empty()) break;
  }
  if (wrong.empty()) wrong = flags.wrong();
  if (wrong.empty() && !flags.words().empty()) wrong = flags.words()[0] + " is too much";
  if (wrong.empty()) return std::nullopt;
  return show_usage("named-lite: " + wrong, kUsage);
}

/// What is needed from outside of the directory of -t.
struct Outside {
  std::optional<daemon::Account> account;
  Fd null;
};

Outside look_outside(const Options& options) {
  Outside found;
  if (!options.user.empty() && geteuid() == 0) {
    auto account = daemon::find_user(options.user);
    if (!account) log::fatal("-u {}: {}", options.user, account.error().what);
    found.account = *account;
  }
  found.null.reset(open("/dev/null", O_RDWR | O_CLOEXEC));
  ::tzset();
  return found;
}

/// From here on all names of files are meant beneath the directory, that of the configuration, too.
void enter_root(const std::string& directory) {
  if (::chroot(directory.c_str()) != 0 || ::chdir("/") != 0) log::fatal("-t {}: {}", directory, strerror(errno));
}

/// Parent: ends with 0. Child: goes on without a terminal.
void go_to_background(const Fd& null) {
  log::flush();
  pid_t pid = fork();
  if (pid < 0) log::fatal("fork: {}", strerror(errno));
  if (pid > 0) _exit(0);
  setsid();
  for (int fd = 0; fd < 3 && null; ++fd) dup2(null.get(), fd);
}

void write_pid_file(const std::string& path) {
  if (path.empty()) return;
  auto written = fs::replace_file(path, std::to_string(getpid()) + "\n", 0644);
  if (!written) log::warning("pid-file: {}", written.error().what);
}

/// What comes between opening the sockets and serving: background, pid file, user, sandbox.
void settle(const Options& options, const Outside& outside, const ConfigReport& config) {
  if (!options.foreground) go_to_background(outside.null);
  write_pid_file(config.pid_file);
  if (outside.account) {
    auto dropped = daemon::give_up_root(*outside.account, daemon::Keep::low_ports);
    if (!dropped) log::fatal("{}", dropped.error().what);
  }
  auto in_force = daemon::enter_sandbox(parent_sandbox(config, options.server.config_file));
  if (!in_force) log::fatal("{}", in_force.error().what);
  log::debug("in force: {}", *in_force);
}

int run_processes(const Options& options, const Outside& outside) {
  auto parent = Parent::open(options.server);
  if (!parent) log::fatal("{}", parent.error().what);
  std::string pid_file = (*parent)->config().pid_file;
  settle(options, outside, (*parent)->config());
  int code = (*parent)->run();
  if (!pid_file.empty()) unlink(pid_file.c_str());
  return code;
}

int run_single(const Options& options, const Outside& outside) {
  auto single = Single::open(options.server);
  if (!single) log::fatal("{}", single.error().what);
  std::string pid_file = (*single)->config().pid_file;
  settle(options, outside, (*single)->config());
  auto& loop = event::Loop::current();
  loop.at_round_end([] { log::flush(); });
  event::SignalWatch reload(SIGHUP, [&] { (*single)->reload(ZonesRead::all); });
  auto end = [&] { (*single)->end([&] { loop.stop(); }); };
  event::SignalWatch terminate(SIGTERM, end);
  event::SignalWatch interrupt(SIGINT, end);
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
  if (auto code = read_options(arguments, options)) return *code;
  log::open({.tag = "named-lite",
             .file = options.server.log_to_stderr ? "-" : options.log_file,
             .facility = "daemon",
             .also_stderr = !options.foreground,
             .verbose = options.debug});
  Outside outside = look_outside(options);
  if (!options.root.empty()) enter_root(options.root);
  return options.single ? run_single(options, outside) : run_processes(options, outside);
}

}  // namespace umaya::named
