// NAME    local_address - our end of a connection
#pragma once

#include <sys/socket.h>

#include "libcommon/net/address.h"

namespace umaya::named {

/// None when it cannot be told.
inline net::IpAddress local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (getsockname(fd, address, &size) != 0) return {};
  auto local = net::IpAddress::from_sockaddr(address);
  return local ? local->unmapped() : net::IpAddress();
}

}  // namespace umaya::named
