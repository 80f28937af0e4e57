#include "libcommon/event/datagram.h"

namespace umaya::event {

Result<DatagramSocket> DatagramSocket::create(int family, const PeerAddress& bind_to) {
  Fd fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return sys_error("socket");
  if (bind_to.size > 0 && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&bind_to.storage), bind_to.size) != 0) {
    return sys_error("bind");
  }
  return DatagramSocket(std::move(fd));
}

Result<void> DatagramSocket::connect(const PeerAddress& peer) {
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&peer.storage), peer.size) != 0)
    return sys_error("connect");
  return {};
}

Result<void> DatagramSocket::send(std::string_view bytes, const PeerAddress* to) {
  const sockaddr* address = to ? reinterpret_cast<const sockaddr*>(&to->storage) : nullptr;
  ssize_t n = ::sendto(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL, address, to ? to->size : 0);
  if (n < 0) return sys_error("send");
  return {};
}

Task<Result<Datagram>> DatagramSocket::receive(Duration limit, size_t limit_bytes) {
  TimePoint until = limit == kForever ? TimePoint::max() : monotonic_now() + limit;
  std::string room(limit_bytes, '\0');
  while (true) {
    PeerAddress from;
    from.size = sizeof from.storage;
    ssize_t n =
        ::recvfrom(fd_.get(), room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&from.storage), &from.size);
    if (n >= 0) {
      room.resize(static_cast<size_t>(n));
      co_return Datagram{std::move(room), from};
    }
    if (errno != EAGAIN && errno != EINTR) co_return sys_error("receive");
    Duration left = limit == kForever ? kForever : until - monotonic_now();
    bool ready = co_await readable(fd_.get(), left);
    if (!ready) co_return sys_error("receive", ETIMEDOUT);
  }
}

}  // namespace umaya::event
