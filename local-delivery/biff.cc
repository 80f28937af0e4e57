#include "local-delivery/biff.h"

#include <fmt/format.h>
#include <netdb.h>

#include "libcommon/log/log.h"
#include "libcommon/net/address.h"

namespace umaya::local_delivery {

static constexpr uint16_t kBiffPort = 512;

Biff Biff::open(std::optional<uint16_t> port) {
  Biff biff;
  if (!port) {
    const servent* entry = getservbyname("biff", "udp");
    port = entry ? ntohs(static_cast<uint16_t>(entry->s_port)) : kBiffPort;
  }
  net::Endpoint comsat{*net::IpAddress::parse("127.0.0.1"), *port};
  biff.comsat_.size = comsat.to_sockaddr(biff.comsat_.storage);
  auto socket = event::DatagramSocket::create(AF_INET);
  if (socket) biff.socket_.emplace(std::move(*socket));
  if (!socket) log::warning("biff: {}", socket.error().what);
  return biff;
}

void Biff::notify(std::string_view user, uint64_t offset) {
  if (!socket_) return;
  auto sent = socket_->send(fmt::format("{}@{}", user, offset), &comsat_);
  if (!sent) log::warning("biff: {}", sent.error().what);
}

}  // namespace umaya::local_delivery
