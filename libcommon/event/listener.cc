#include "libcommon/event/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "libcommon/log/log.h"

namespace umaya::event {

static constexpr int kAcceptsPerRound = 32;

Listener::Listener(Fd fd, Accepted accepted)
    : fd_(std::move(fd)),
      accepted_(std::move(accepted)),
      watch_(fd_.get(), Readiness::read, [this] { on_ready(); }),
      rest_([this] { resume(); }) {
  fcntl(fd_.get(), F_SETFL, fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
  // Replies are complete when they are flushed: the kernel shall not hold them back for more. Accepted
  // sockets inherit it; a Unix socket knows no such option.
  int on = 1;
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void Listener::set_client_speaks_first(bool first) {
  int seconds = first ? 1 : 0;
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

void Listener::pause() {
  paused_ = true;
  watch_.disable();
}

void Listener::resume() {
  if (!paused_) return;
  paused_ = false;
  watch_.enable();
}

void Listener::on_ready() {
  for (int i = 0; i < kAcceptsPerRound && !paused_; ++i) {
    PeerAddress peer;
    peer.size = sizeof peer.storage;
    Fd client(
        ::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) {
      accepted_(std::move(client), peer);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      log::warning("accept: {}: resting for a second", strerror(errno));
      pause();
      rest_.arm(1s);
    }
    if (errno != EINTR && errno != ECONNABORTED) return;
  }
}

Result<Fd> listen_on(const sockaddr* address, socklen_t size) {
  Fd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return sys_error("socket");
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->sa_family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd.get(), address, size) != 0) return sys_error("bind");
  if (::listen(fd.get(), SOMAXCONN) != 0) return sys_error("listen");
  return fd;
}

static Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return sys_error(path, ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  return address;
}

Result<Fd> listen_unix(const std::string& path, int type, unsigned mode) {
  UMAYA_TRY(sockaddr_un address, unix_address(path));
  Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return sys_error("socket");
  struct stat existing;
  if (lstat(path.c_str(), &existing) == 0 && S_ISSOCK(existing.st_mode)) ::unlink(path.c_str());
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return sys_error("bind " + path);
  if (::chmod(path.c_str(), mode) != 0) return sys_error("chmod " + path);
  if (::listen(fd.get(), SOMAXCONN) != 0) return sys_error("listen " + path);
  return fd;
}

static std::function<Result<Fd>(const std::string&, int)>& unix_connector() {
  static std::function<Result<Fd>(const std::string&, int)> connector;
  return connector;
}

void set_unix_connector(std::function<Result<Fd>(const std::string& path, int type)> connector) {
  unix_connector() = std::move(connector);
}

Result<Fd> connect_unix(const std::string& path, int type) {
  if (unix_connector()) return unix_connector()(path, type);
  UMAYA_TRY(sockaddr_un address, unix_address(path));
  Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return sys_error("socket");
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return sys_error("connect " + path);
  return fd;
}

Task<Result<Fd>> connect_to(PeerAddress to, Duration limit, PeerAddress bind_to) {
  Fd fd(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) co_return sys_error("socket");
  int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (bind_to.size > 0 && ::bind(fd.get(), reinterpret_cast<sockaddr*>(&bind_to.storage), bind_to.size) != 0) {
    co_return sys_error("bind");
  }
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to.storage), to.size) != 0) {
    if (errno != EINPROGRESS) co_return sys_error("connect");
    bool ready = co_await writable(fd.get(), limit);
    if (!ready) co_return sys_error("connect", ETIMEDOUT);
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) co_return sys_error("connect", error);
  }
  co_return std::move(fd);
}

}  // namespace umaya::event
