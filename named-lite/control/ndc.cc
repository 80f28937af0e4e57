#include "named-lite/control/ndc.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <chrono>
#include <vector>

#include "libcommon/event/stream.h"
#include "libcommon/fs/file.h"
#include "named-lite/control/control_server.h"
#include "named-lite/server/snapshot.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kDefaultConf = "/etc/umaya/named.conf";
constexpr size_t kMostConfigText = size_t{16} << 20;
constexpr Duration kAnswerTime = 10min;  // a reload of many zones, a sync of a large one

struct Options {
  std::string config{kDefaultConf};
  std::string socket;
  bool quiet = false;
  std::vector<std::string_view> words;
};

int usage() {
  fmt::print(stderr, "usage: ndc [-c named.conf] [-s socket] [-q] command …\n\n{}", command_help());
  return 2;
}

bool is_socket(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

/// False when the arguments are not understood.
bool read_options(std::span<char* const> arguments, Options& options) {
  size_t i = 0;
  for (; i < arguments.size() && arguments[i][0] == '-'; ++i) {
    std::string_view argument = arguments[i];
    if (argument == "-q") {
      options.quiet = true;
      continue;
    }
    if (argument.size() < 2 || (argument[1] != 'c' && argument[1] != 's')) return false;
    std::string_view value = argument.substr(2);
    if (value.empty() && ++i >= arguments.size()) return false;
    if (value.empty()) value = arguments[i];
    (argument[1] == 'c' ? options.config : options.socket) = value;
  }
  for (; i < arguments.size(); ++i) options.words.emplace_back(arguments[i]);
  return !options.words.empty();
}

/// The socket that the configuration names.
Result<std::string> socket_of(const std::string& config) {
  if (is_socket(config)) return config;  // as the old ndc: -c names the channel
  UMAYA_TRY(std::string text, fs::read_file(config, kMostConfigText));
  Problems problems;
  NamedConf conf = parse_named_conf(text, config, open_beside(config), problems);
  auto channels = control_channels(conf.control, conf.pid_file);
  for (const ControlChannel& channel : channels) {
    if (!channel.read_only) return channel.path;
  }
  if (!channels.empty()) return channels[0].path;
  return permanent(config + " has no control socket: controls { unix \"/run/named/ndc\" perm 0600; };");
}

event::Task<Result<ControlReply>> exchange(std::string socket, std::string line) {
  auto fd = event::connect_unix(socket, SOCK_STREAM);
  if (!fd) co_return std::unexpected(fd.error());
  event::Stream stream(std::move(*fd));
  stream.set_timeout(kAnswerTime);
  stream.write(line);
  stream.write("\n");
  auto sent = co_await stream.flush();
  if (!sent) co_return std::unexpected(sent.error());
  std::string text;
  while (text.size() <= kMostControlReply + kControlFailed.size()) {
    event::Read more = co_await stream.read_some();
    if (more.status == event::ReadStatus::eof) break;
    if (!more) co_return temporary("the server does not answer");
    text += more.data;
  }
  ControlReply reply;
  reply.good = text.starts_with(kControlOk);
  if (!reply.good && !text.starts_with(kControlFailed)) co_return temporary("the server went away without an answer");
  reply.text = text.substr(text.find('\n') + 1);
  co_return std::move(reply);
}

}  // namespace

Result<ControlReply> send_command(const std::string& socket, std::string_view line) {
  return event::run_until_done(exchange(socket, std::string(line)));
}

int run_ndc(std::span<char* const> arguments) {
  Options options;
  if (!read_options(arguments, options) || options.words[0] == "help") return usage();
  std::string line = command_line(options.words);
  if (auto command = parse_command(line); !command) {
    fmt::print(stderr, "ndc: {}\n", command.error().what);
    return 2;
  }
  auto socket = options.socket.empty() ? socket_of(options.config) : Result<std::string>(options.socket);
  if (!socket) {
    fmt::print(stderr, "ndc: {}\n", socket.error().what);
    return 1;
  }
  auto reply = send_command(*socket, line);
  if (!reply) {
    fmt::print(stderr, "ndc: {}\n", reply.error().what);
    return 1;
  }
  if (!reply->good) {
    fmt::print(stderr, "ndc: '{}' failed: {}", options.words[0], reply->text.empty() ? "\n" : reply->text);
  } else if (!options.quiet) {
    fmt::print("{}", reply->text);
  }
  return reply->good ? 0 : 1;
}

}  // namespace umaya::named
