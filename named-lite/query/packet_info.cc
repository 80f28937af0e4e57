#include "named-lite/query/packet_info.h"

#include <cstring>

namespace umaya::named {

namespace {

template <class Info>
void put(msghdr& head, char* room, int level, int type, const Info& info) {
  head.msg_control = room;
  head.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* message = CMSG_FIRSTHDR(&head);
  message->cmsg_level = level;
  message->cmsg_type = type;
  message->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(message), &info, sizeof info);
}

}  // namespace

void PacketInfo::set(msghdr& head, const LocalEnd& from) {
  std::string_view address = from.address.bytes();
  if (from.address.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, address.data(), sizeof info.ipi_spec_dst);
    return put(head, octets.data(), IPPROTO_IP, IP_PKTINFO, info);
  }
  if (!from.address.is_v6()) return;
  in6_pktinfo info{};
  std::memcpy(&info.ipi6_addr, address.data(), sizeof info.ipi6_addr);
  info.ipi6_ifindex = from.interface;
  put(head, octets.data(), IPPROTO_IPV6, IPV6_PKTINFO, info);
}

void ask_for_packet_info(int fd, int family) {
  int on = 1;
  if (family == AF_INET) setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
}

LocalEnd local_end_of(const msghdr& head) {
  auto* from = const_cast<msghdr*>(&head);
  for (cmsghdr* each = CMSG_FIRSTHDR(from); each != nullptr; each = CMSG_NXTHDR(from, each)) {
    if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      return {net::IpAddress::v4(reinterpret_cast<const uint8_t*>(&info.ipi_addr)), 0};
    }
    if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      return {net::IpAddress::v6(reinterpret_cast<const uint8_t*>(&info.ipi6_addr)),
              static_cast<unsigned>(info.ipi6_ifindex)};
    }
  }
  return {};
}

}  // namespace umaya::named
