// NAME    listener - accepts connections on a socket that listens already
//
// DESCRIPTION
//     Calls back with each accepted descriptor (non-blocking, close-on-exec) and the peer's address. When the process
//     has no descriptor left it rests for a second instead of spinning. pause() stops accepting, the queue of the
//     kernel holds the clients meanwhile.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <string>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/event/loop.h"

namespace umaya::event {

struct PeerAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

class Listener {
 public:
  using Accepted = std::function<void(Fd, const PeerAddress&)>;
  Listener(Fd fd, Accepted accepted);
  void pause();
  void resume();
  /// Who connects speaks first (TLS at once): the kernel keeps a TCP connection to itself until it has bytes, a second
  /// at most (TCP_DEFER_ACCEPT). Holds for all who listen on this socket.
  void set_client_speaks_first(bool first);
  int fd() const { return fd_.get(); }

 private:
  void on_ready();
  Fd fd_;
  Accepted accepted_;
  bool paused_ = false;
  IoWatch watch_;
  Timer rest_;
};

/// A listening TCP socket, for programs that no master started. address as for bind(2); backlog SOMAXCONN.
Result<Fd> listen_on(const sockaddr* address, socklen_t size);
/// A listening Unix socket; a stale socket file of the same name is replaced. type: SOCK_STREAM or SOCK_SEQPACKET.
Result<Fd> listen_unix(const std::string& path, int type, unsigned mode);
/// co_await: a connected socket, or why not. Gives up after limit with ETIMEDOUT. bind_to: local address, none when its
/// size is 0.
Task<Result<Fd>> connect_to(PeerAddress to, Duration limit, PeerAddress bind_to = {});
/// A connected Unix socket; does not wait.
Result<Fd> connect_unix(const std::string& path, int type);
/// For a process that may make no connections itself: connect_unix() asks this from now on.
void set_unix_connector(std::function<Result<Fd>(const std::string& path, int type)> connector);

}  // namespace umaya::event
