#include "local-delivery/become/worker.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "libcommon/ipc/channel.h"
#include "libcommon/ipc/codec.h"
#include "local-delivery/become/command_runner.h"
#include "local-delivery/become/mailbox_server.h"
#include "local-delivery/become/privileges.h"

namespace umaya::local_delivery {

using namespace services::become;

namespace {

struct Received {
  std::string bytes;
  Fd message;
};

enum class Waiting : unsigned char { block, now };

// The next packet with its descriptor; nothing when there is none or the connection is closed.
std::optional<Received> receive(int connection, char* buffer, Waiting waiting) {
  iovec piece{buffer, ipc::kMaxMessage};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * ipc::kMaxDescriptors)];
  msghdr head{};
  head.msg_iov = &piece;
  head.msg_iovlen = 1;
  head.msg_control = control;
  head.msg_controllen = sizeof control;
  int flags = MSG_CMSG_CLOEXEC | (waiting == Waiting::now ? MSG_DONTWAIT : 0);
  ssize_t n;
  while ((n = ::recvmsg(connection, &head, flags)) < 0 && errno == EINTR) {
  }
  if (n <= 0) return std::nullopt;
  Received received{std::string(buffer, static_cast<size_t>(n)), {}};
  for (cmsghdr* c = CMSG_FIRSTHDR(&head); c; c = CMSG_NXTHDR(&head, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    for (size_t at = 0; at + CMSG_LEN(sizeof(int)) <= c->cmsg_len; at += sizeof(int)) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
      received.message.reset(fd);
    }
  }
  if (head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return std::nullopt;
  return received;
}

bool answer(int connection, const std::string& bytes) {
  ssize_t n;
  while ((n = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL)) < 0 && errno == EINTR) {
  }
  return n == static_cast<ssize_t>(bytes.size());
}

class JobLoop {
 public:
  JobLoop(int connection, Role role) : connection_(connection), role_(role) {}
  void run();

 private:
  bool take(Received received);
  bool deliver(Received first);
  bool answer_all(std::vector<DeliverJob>& jobs);
  bool run_program(const Received& received);
  bool read_file(const Received& received);

  int connection_;
  Role role_;
  // Not filled with zeros: most workers serve one user once, and touch one page of it.
  std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(ipc::kMaxMessage);
  MailboxServer mailboxes_;
};

bool JobLoop::answer_all(std::vector<DeliverJob>& jobs) {
  for (const Delivered& delivered : mailboxes_.deliver(jobs)) {
    if (!answer(connection_, ipc::encode(delivered))) return false;
  }
  return true;
}

// Takes what waits already, so that it shares flushes with the first job.
bool JobLoop::deliver(Received first) {
  std::vector<DeliverJob> jobs;
  std::optional<Received> next = std::move(first);
  while (next && ipc::mark_in(next->bytes) == ipc::mark_of<Deliver>()) {
    auto request = ipc::decode<Deliver>(next->bytes);
    if (!request || (!next->message && request->purpose == Purpose::deliver)) return false;
    jobs.push_back({std::move(*request), std::move(next->message)});
    if (jobs.size() >= kBatch) return answer_all(jobs);
    next = receive(connection_, buffer_.get(), Waiting::now);
  }
  return answer_all(jobs) && (!next || take(std::move(*next)));
}

bool JobLoop::run_program(const Received& received) {
  auto request = ipc::decode<Run>(received.bytes);
  if (!request || !received.message) return false;
  return answer(connection_, ipc::encode(run_command(*request, received.message.get())));
}

bool JobLoop::read_file(const Received& received) {
  auto request = ipc::decode<ReadFile>(received.bytes);
  return request && answer(connection_, ipc::encode(mailboxes_.read_file(*request)));
}

bool JobLoop::take(Received received) {
  uint32_t mark = ipc::mark_in(received.bytes);
  if (role_ == Role::command) return mark == ipc::mark_of<Run>() && run_program(received);
  if (mark == ipc::mark_of<Deliver>()) return deliver(std::move(received));
  return mark == ipc::mark_of<ReadFile>() && read_file(received);
}

void JobLoop::run() {
  while (auto received = receive(connection_, buffer_.get(), Waiting::block)) {
    if (!take(std::move(*received))) return;
  }
}

}  // namespace

void serve_jobs(int connection, Role role) {
  JobLoop(connection, role).run();
}

void run_worker(Fd connection, const Start& start) {
  constexpr int kConnection = 3;
  auto ready = isolate(connection.get());
  if (ready) ready = drop_privileges(start);
  if (!ready) {
    answer(kConnection, ipc::encode(Refused{ready.error().what}));
    ::_exit(1);
  }
  int flags = ::fcntl(kConnection, F_GETFL);
  ::fcntl(kConnection, F_SETFL, flags & ~O_NONBLOCK);
  serve_jobs(kConnection, start.role);
  ::_exit(0);
}

}  // namespace umaya::local_delivery
