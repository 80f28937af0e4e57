#include "libcommon/ipc/channel.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "libcommon/event/listener.h"

namespace umaya::ipc {

static constexpr int kSocketBuffer = 512 * 1024;

Channel::Channel(Fd fd)
    : fd_(std::move(fd)), watch_(fd_.get(), event::Readiness::read_edge, [this] { on_readable(); }) {
  int size = kSocketBuffer;
  setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

Result<std::unique_ptr<Channel>> Channel::connect(const std::string& path) {
  UMAYA_TRY(Fd fd, event::connect_unix(path, SOCK_SEQPACKET));
  return std::make_unique<Channel>(std::move(fd));
}

/// One recvmsg; false when nothing is there.
bool Channel::try_receive(Result<Packet>& into) {
  if (!readable_) return false;
  static thread_local std::string room(kMaxMessage + 1, '\0');
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
  iovec piece{room.data(), room.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  do {
    n = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) {
    readable_ = false;
    return false;
  }
  if (n < 0) {
    cut_off_ = errno == ECONNRESET;  // an orderly end is an empty read
    into = sys_error("receive");
    return true;
  }
  Packet packet;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      packet.fds.emplace_back(fd);
    }
  }
  if (n == 0) {
    into = sys_error("receive", ECONNRESET);
  } else if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    into = sys_error("receive", EMSGSIZE);
  } else {
    packet.bytes.assign(room.data(), static_cast<size_t>(n));
    into = std::move(packet);
  }
  return true;
}

void Channel::on_readable() {
  readable_ = true;
  if (!reader_ || !try_receive(*target_)) return;
  if (timer_) timer_->cancel();
  std::exchange(reader_, {}).resume();
}

void Channel::Receiver::await_suspend(std::coroutine_handle<> reader) {
  Channel& c = channel_;
  waiting_ = true;
  c.reader_ = reader;
  c.target_ = &result_;
  if (limit_ == event::kForever) return;
  if (!c.timer_) {
    c.timer_ = std::make_unique<event::Timer>([&c] {
      if (!c.reader_) return;
      *c.target_ = sys_error("receive", ETIMEDOUT);
      std::exchange(c.reader_, {}).resume();
    });
  }
  c.timer_->arm(limit_);
}

Result<Packet> Channel::Receiver::await_resume() {
  waiting_ = false;
  return std::move(result_);
}

Channel::Receiver::~Receiver() {
  if (!waiting_) return;
  channel_.reader_ = {};
  if (channel_.timer_) channel_.timer_->cancel();
}

Result<void> Channel::send_now(std::string_view bytes, std::span<const int> fds) {
  if (bytes.size() > kMaxMessage || fds.size() > kMaxDescriptors) return sys_error("send", EMSGSIZE);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)] = {};
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
  }
  ssize_t n;
  do {
    n = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return sys_error("send");
  return {};
}

Task<Result<void>> Channel::send_packet(std::string bytes, std::vector<int> fds, Duration limit) {
  while (true) {
    Result<void> sent = send_now(bytes, fds);
    if (sent || sent.error().sys_errno != EAGAIN) co_return sent;
    bool ready = co_await event::writable_edge(fd_.get(), limit);
    if (!ready) co_return sys_error("send", ETIMEDOUT);
  }
}

bool Channel::all_read() const {
  int waiting = 0;
  return ::ioctl(fd_.get(), SIOCOUTQ, &waiting) != 0 || waiting == 0;
}

bool Channel::stale() const {
  pollfd p{fd_.get(), POLLIN | POLLRDHUP, 0};
  return ::poll(&p, 1, 0) != 0;
}

Result<ChannelPool::Lease> ChannelPool::lease() {
  while (!idle_.empty()) {
    std::unique_ptr<Channel> channel = std::move(idle_.back());
    idle_.pop_back();
    if (!channel->stale()) return Lease(*this, std::move(channel));
  }
  UMAYA_TRY(auto channel, Channel::connect(path_));
  return Lease(*this, std::move(channel));
}

ChannelPool::Lease::~Lease() {
  if (channel_ && pool_->idle_.size() < pool_->keep_) pool_->idle_.push_back(std::move(channel_));
}

}  // namespace umaya::ipc
