#include "pop3d/sessions/registry.h"

#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/base/strings.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"

namespace umaya::pop3d {

using namespace std::chrono_literals;
using services::sessions::Kick;
using services::sessions::KickReply;
using services::sessions::Who;
using services::sessions::WhoReply;

namespace {

constexpr size_t kRowsInReply = 200;  // with the longest names well below ipc::kMaxMessage
constexpr Duration kCallerLimit = 10s;

bool may_ask(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

}  // namespace

Registry::~Registry() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> Registry::listen(const std::string& path) {
  UMAYA_TRY(Fd fd, event::listen_unix(path, SOCK_SEQPACKET, 0600));
  path_ = path;
  listener_ = std::make_unique<event::Listener>(std::move(fd), [this](Fd caller, const event::PeerAddress&) {
    if (may_ask(caller.get()) && callers_.size() < kMostCallers) callers_.spawn(answer(this, std::move(caller)));
  });
  return {};
}

uint64_t Registry::add(Session session) {
  uint64_t id = next_++;
  sessions_.emplace(id, std::move(session));
  return id;
}

std::optional<Registry::Session> Registry::remove(uint64_t id) {
  auto at = sessions_.find(id);
  if (at == sessions_.end()) return std::nullopt;
  Session session = std::move(at->second);
  sessions_.erase(at);
  return session;
}

void Registry::set_process(uint64_t id, uint32_t process) {
  if (auto at = sessions_.find(id); at != sessions_.end()) at->second.process = process;
}

uint32_t Registry::kick(std::string_view who) {
  std::vector<uint64_t> found;
  for (const auto& [id, session] : sessions_) {
    if (iequals(session.user, who) || session.address == who) found.push_back(id);
  }
  for (uint64_t id : found) end_(id);
  return static_cast<uint32_t>(found.size());
}

std::vector<WhoReply> Registry::list() const {
  std::vector<WhoReply> out(1);
  for (const auto& [id, session] : sessions_) {
    if (out.back().sessions.size() == kRowsInReply) {
      out.back().last = false;
      out.emplace_back();
    }
    out.back().sessions.push_back(session);
    Session& row = out.back().sessions.back();
    row.user = row.user.substr(0, 300);
  }
  return out;
}

event::Task<void> Registry::answer(Registry* registry, Fd fd) {
  ipc::Channel caller(std::move(fd));
  Result<ipc::Packet> packet = co_await caller.receive_packet(kCallerLimit);
  if (!packet) co_return;
  if (packet->is<Who>()) {
    std::vector<WhoReply> replies = registry->list();
    for (WhoReply& reply : replies) {
      auto sent = co_await caller.send(std::move(reply), {}, kCallerLimit);
      if (!sent) co_return;
    }
  } else if (auto kick = ipc::decode<Kick>(packet->bytes)) {
    KickReply reply{registry->kick(kick->who)};
    log::info("kick {}: {} sessions", printable(kick->who.substr(0, 200)), reply.ended);
    auto sent = co_await caller.send(std::move(reply), {}, kCallerLimit);
    (void)sent;
  }
}

}  // namespace umaya::pop3d
