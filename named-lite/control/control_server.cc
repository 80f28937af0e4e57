#include "named-lite/control/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/strings.h"
#include "libcommon/event/stream.h"
#include "libcommon/log/log.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr Duration kCommandTime = 10s;
constexpr Duration kReplyTime = 30s;
constexpr size_t kMostClients = 16;

/// "uid 0, process 4711".
std::string client_of(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "unknown";
  return fmt::format("uid {}, process {}", peer.uid, peer.pid);
}

Result<Fd> open_channel(const ControlChannel& channel) {
  // Nobody may connect before the owner is right.
  UMAYA_TRY(Fd fd, event::listen_unix(channel.path, SOCK_STREAM, channel.owner || channel.group ? 0 : channel.mode));
  if (!channel.owner && !channel.group) return fd;
  auto owner = channel.owner ? static_cast<uid_t>(*channel.owner) : static_cast<uid_t>(-1);
  auto group = channel.group ? static_cast<gid_t>(*channel.group) : static_cast<gid_t>(-1);
  if (::lchown(channel.path.c_str(), owner, group) != 0) return sys_error("chown " + channel.path);
  if (::chmod(channel.path.c_str(), channel.mode) != 0) return sys_error("chmod " + channel.path);
  return fd;
}

}  // namespace

std::vector<ControlChannel> control_channels(const ControlConf& conf, const std::string& pid_file) {
  if (conf.said || pid_file.empty()) return conf.channels;
  ControlChannel beside;
  beside.path = pid_file.ends_with(".pid") ? pid_file.substr(0, pid_file.size() - 4) : pid_file;
  beside.path += ".ndc";
  return {beside};
}

std::vector<ControlSocket> open_control_sockets(const std::vector<ControlChannel>& channels) {
  std::vector<ControlSocket> sockets;
  for (const ControlChannel& channel : channels) {
    auto fd = open_channel(channel);
    if (!fd) {
      log::error("not controlled over {}: {}", channel.path, fd.error().what);
      continue;
    }
    log::info("controlled over {}", channel.path);
    sockets.push_back({std::move(*fd), channel});
  }
  return sockets;
}

ControlServer::ControlServer(std::vector<ControlSocket> sockets, ControlTarget& target) : target_(target) {
  for (ControlSocket& socket : sockets) open(std::move(socket));
}

void ControlServer::open(ControlSocket socket) {
  bool read_only = socket.channel.read_only;
  auto accepted = [this, read_only](Fd client, const event::PeerAddress&) {
    sessions_.spawn(session(std::move(client), read_only));
    if (sessions_.size() < kMostClients) return;
    for (Place& each : places_) each.listener->pause();
  };
  places_.push_back({socket.channel.path, std::make_unique<event::Listener>(std::move(socket.fd), accepted)});
}

void ControlServer::close(const std::string& path) {
  std::erase_if(places_, [&](const Place& each) { return each.path == path; });
}

event::Task<ControlReply> ControlServer::answer(std::string line, std::string client, bool read_only) {
  auto command = parse_command(line);
  if (!command) co_return control_error(command.error().what);
  const VerbInfo& info = verb_info(command->verb);
  if (read_only && !info.only_reads) {
    co_return control_error(std::string(info.word) + " is not for this socket: it is read-only");
  }
  log::info("received control channel command '{}' ({})", trim(line), client);
  Command parsed = std::move(*command);
  ControlReply reply = co_await run_command(target_, std::move(parsed));
  if (!reply.good) log::warning("control channel command '{}': {}", trim(line), reply.text);
  co_return std::move(reply);
}

event::Task<void> ControlServer::session(Fd fd, bool read_only) {
  std::string client = client_of(fd.get());
  event::Stream stream(std::move(fd));
  stream.set_timeout(kCommandTime);
  event::Read line = co_await stream.read_line(Command::kMostLine);
  if (line.status == event::ReadStatus::ok || line.status == event::ReadStatus::too_long) {
    ControlReply reply;
    if (line.status == event::ReadStatus::too_long) {
      reply = control_error("the command is longer than 4096 octets");
    } else {
      reply = co_await answer(std::string(line.data), client, read_only);
    }
    if (reply.text.size() > kMostControlReply) reply.text.resize(kMostControlReply);
    if (!reply.text.empty() && !reply.text.ends_with('\n')) reply.text += '\n';
    stream.set_timeout(kReplyTime);
    stream.write(reply.good ? kControlOk : kControlFailed);
    stream.write(reply.text);
    auto sent = co_await stream.flush();
    if (!sent) log::debug("control: the client went away");
  }
  for (Place& each : places_) each.listener->resume();
}

}  // namespace umaya::named
