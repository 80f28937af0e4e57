#include "named-lite/server/control.h"

#include <sys/socket.h>

#include <cstring>

namespace umaya::named {

Result<void> send_control(int socket, std::string_view bytes, const std::vector<int>& fds) {
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int) * ipc::kMaxDescriptors)] = {};
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    size_t size = fds.size() * sizeof(int);
    message.msg_control = room;
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(head), fds.data(), size);
  }
  if (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return sys_error("send");
  return {};
}

Result<ipc::Packet> receive_control(int socket) {
  char bytes[1024];
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int) * ipc::kMaxDescriptors)];
  iovec piece{bytes, sizeof bytes};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  ssize_t size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (size < 0) return sys_error("receive");
  ipc::Packet packet;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      packet.fds.emplace_back(fd);
    }
  }
  if (size == 0) return sys_error("receive", ECONNRESET);
  packet.bytes.assign(bytes, static_cast<size_t>(size));
  return packet;
}

}  // namespace umaya::named
