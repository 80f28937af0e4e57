// NAME    requests - what query processes hand on to the zone process
//
// DESCRIPTION
//     A packet over UDP goes whole and its answer comes back; a connection goes with its descriptor and stays.
//
// LIMITS
//     What arrived on a connection so far must fit a message of ipc (128 KiB): a question and what was read behind it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/event/listener.h"
#include "libcommon/net/address.h"

namespace umaya::named {

struct PacketRequest {
  uint32_t ticket = 0;
  std::string client;  ///< a sockaddr
  std::string local;   ///< the address that was asked: 4 or 16 octets
  std::string packet;
  static constexpr std::string_view kName = "named.packet";
  static void visit(auto& self, auto&& v) {
    v("ticket", self.ticket);
    v("client", self.client);
    v("local", self.local);
    v("packet", self.packet);
  }
};

struct PacketAnswer {
  uint32_t ticket = 0;
  std::string packet;  ///< empty: no answer may be given
  static constexpr std::string_view kName = "named.packet.answer";
  static void visit(auto& self, auto&& v) {
    v("ticket", self.ticket);
    v("packet", self.packet);
  }
};

/// With one descriptor.
struct ConnectionRequest {
  std::string client;   ///< a sockaddr
  std::string arrived;  ///< what was read and is not answered, from the length of a question on
  static constexpr std::string_view kName = "named.connection";
  static void visit(auto& self, auto&& v) {
    v("client", self.client);
    v("arrived", self.arrived);
  }
};

inline std::string pack_address(const event::PeerAddress& address) {
  return {reinterpret_cast<const char*>(&address.storage), address.size};
}

/// None when these are not 4 or 16 octets.
inline net::IpAddress address_of(std::string_view octets) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(octets.data());
  if (octets.size() == 4) return net::IpAddress::v4(bytes);
  return octets.size() == 16 ? net::IpAddress::v6(bytes) : net::IpAddress();
}

/// Nothing when it is no address of IPv4 or IPv6.
inline std::optional<event::PeerAddress> unpack_address(std::string_view bytes) {
  event::PeerAddress address;
  if (bytes.size() > sizeof address.storage) return std::nullopt;
  std::memcpy(&address.storage, bytes.data(), bytes.size());
  address.size = static_cast<socklen_t>(bytes.size());
  bool v4 = address.storage.ss_family == AF_INET && bytes.size() == 16;
  bool v6 = address.storage.ss_family == AF_INET6 && bytes.size() == 28;
  if (!v4 && !v6) return std::nullopt;
  return address;
}

}  // namespace umaya::named
