// NAME    packet_info - which address a datagram was sent to, and from which one its answer goes
//
// DESCRIPTION
//     A socket that is bound to all addresses of the host learns with each datagram which of them was asked
//     (IP_PKTINFO, RFC 3542 6.2), and must say of each answer that it comes from there.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "libcommon/net/address.h"

namespace umaya::named {

/// An address of this host, and the interface that a packet came in by.
struct LocalEnd {
  net::IpAddress address;
  unsigned interface = 0;
};

/// Room for what the kernel says of a datagram, or is told.
struct PacketInfo {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> octets{};

  /// Before a datagram is received with this header.
  void prepare(msghdr& head) {
    head.msg_control = octets.data();
    head.msg_controllen = octets.size();
  }
  /// Before an answer is sent with this header.
  void set(msghdr& head, const LocalEnd& from);
};

/// Has the kernel tell it for a socket of this family.
void ask_for_packet_info(int fd, int family);
/// What it told of a datagram; none when it did not.
LocalEnd local_end_of(const msghdr& head);

}  // namespace umaya::named
