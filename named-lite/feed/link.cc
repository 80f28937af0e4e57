#include "named-lite/feed/link.h"

#include <sys/socket.h>

namespace umaya::named {

Link::Link(Fd fd, Received received, Ended ended)
    : channel_(std::move(fd)), received_(std::move(received)), ended_(std::move(ended)) {
  // Not at once: what has come in already is for an owner that has this object in its place.
  event::Loop::current().defer([this, alive = alive_] {
    if (*alive) tasks_.spawn(read());
  });
}

Link::~Link() {
  *alive_ = false;
}

event::Task<void> Link::read() {
  while (open_) {
    auto packet = co_await channel_.receive_packet();
    if (!packet) break;
    if (open_) received_(std::move(*packet));
  }
  close();
}

void Link::close() {
  if (!open_) return;
  open_ = false;
  event::Loop::current().defer([this, alive = alive_] {
    if (!*alive) return;
    Ended ended = std::move(ended_);  // may destroy this object
    ended();
  });
}

event::Task<bool> Link::send(std::string bytes, std::vector<int> fds) {
  bool place = co_await turn_.acquire();
  (void)place;
  auto sent = co_await channel_.send_packet(std::move(bytes), std::move(fds));
  turn_.release();
  if (!sent) close();
  co_return sent.has_value();
}

event::Task<void> Link::send_owned(std::string bytes, std::vector<Fd> owned) {
  std::vector<int> fds;
  for (const Fd& fd : owned) fds.push_back(fd.get());
  co_await send(std::move(bytes), std::move(fds));
}

bool Link::post(std::string bytes, Fd fd) {
  std::vector<Fd> fds;
  if (fd) fds.push_back(std::move(fd));
  return post(std::move(bytes), std::move(fds));
}

bool Link::post(std::string bytes, std::vector<Fd> fds) {
  if (!open_ || tasks_.size() > kMostWaiting) return false;
  tasks_.spawn(send_owned(std::move(bytes), std::move(fds)));
  return true;
}

Result<std::pair<Fd, Fd>> socket_pair() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) return sys_error("socketpair");
  return std::pair(Fd(pair[0]), Fd(pair[1]));
}

}  // namespace umaya::named
