// NAME    local_end - the address that something is sent from (transfer-source, notify-source)
#pragma once

#include "libcommon/event/listener.h"
#include "named-lite/config/transfer_conf.h"

namespace umaya::named {

/// For bind(2) before something is sent to an address; size 0: the system chooses. What a server clause says counts
/// more than what a zone says. A port is not taken: several may be on their way at once.
inline event::PeerAddress local_end(const net::IpAddress& to, const SourceAddresses& of_zone,
                                    const SourceAddresses* of_server) {
  auto of_family = [&](const SourceAddresses& source) {
    return to.is_v4() ? source.ipv4.address : source.ipv6.address;
  };
  net::IpAddress from = of_server != nullptr ? of_family(*of_server) : net::IpAddress();
  if (!from) from = of_family(of_zone);
  event::PeerAddress end;
  if (from && !from.is_unspecified()) end.size = net::Endpoint{from, 0}.to_sockaddr(end.storage);
  return end;
}

}  // namespace umaya::named
