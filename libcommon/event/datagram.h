// NAME    datagram - UDP sockets for coroutines
//
// SYNOPSIS
//     DatagramSocket socket(std::move(fd));
//     auto packet = co_await socket.receive(5s);      // nothing: the time is over
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libcommon/event/listener.h"

namespace umaya::event {

struct Datagram {
  std::string bytes;
  PeerAddress from;
};

class DatagramSocket {
 public:
  explicit DatagramSocket(Fd fd) : fd_(std::move(fd)) {}
  /// A new socket of the family, bound to the address when its size is not 0.
  static Result<DatagramSocket> create(int family, const PeerAddress& bind_to = {});
  /// Fixes the peer: only its packets are received, ICMP errors are reported.
  Result<void> connect(const PeerAddress& peer);
  /// To the connected peer, or to the one named. Does not wait: a full socket is an error, as a lost packet would be.
  Result<void> send(std::string_view bytes, const PeerAddress* to = nullptr);
  /// The next datagram, cut at limit_bytes; an error (ECONNREFUSED …) or ETIMEDOUT otherwise.
  Task<Result<Datagram>> receive(Duration limit, size_t limit_bytes = 65535);
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

}  // namespace umaya::event
