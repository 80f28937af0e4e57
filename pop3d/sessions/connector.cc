#include "pop3d/sessions/connector.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "libcommon/event/listener.h"
#include "libcommon/ipc/codec.h"
#include "libcommon/log/divert.h"
#include "pop3d/sessions/messages.h"

namespace umaya::pop3d {

namespace {

using namespace std::chrono_literals;

constexpr int kLimitMilliseconds = 5000;

struct Connect {
  std::string path;
  int32_t type = 0;
  static constexpr std::string_view kName = "pop3.connect";
  static void visit(auto& self, auto&& v) {
    v("path", self.path);
    v("type", self.type);
  }
};

/// Goes with the descriptor when error is 0.
struct Connected {
  int32_t error = 0;
  static constexpr std::string_view kName = "pop3.connected";
  static void visit(auto& self, auto&& v) { v("error", self.error); }
};

/// The log-in process's end. Asks and waits: connections are few, and the parent does little else.
class Asker {
 public:
  explicit Asker(Fd channel) : channel_(std::move(channel)) {}
  Result<Fd> connect(const std::string& path, int type) {
    const std::string question = ipc::encode(Connect{path, type});
    if (send(channel_.get(), question.data(), question.size(), MSG_NOSIGNAL) < 0) return sys_error("connect " + path);
    pollfd wait{channel_.get(), POLLIN, 0};
    if (poll(&wait, 1, kLimitMilliseconds) <= 0) return sys_error("connect " + path, ETIMEDOUT);
    char room[256];
    iovec piece{room, sizeof room};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n = recvmsg(channel_.get(), &message, MSG_CMSG_CLOEXEC);
    if (n <= 0) return sys_error("connect " + path, n < 0 ? errno : ECONNRESET);
    Fd fd;
    const cmsghdr* head = CMSG_FIRSTHDR(&message);
    if (head != nullptr && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
      int number;
      memcpy(&number, CMSG_DATA(head), sizeof number);
      fd.reset(number);
    }
    auto answer = ipc::decode<Connected>({room, static_cast<size_t>(n)});
    if (!answer) return std::unexpected(answer.error());
    if (answer->error != 0 || !fd) return sys_error("connect " + path, answer->error != 0 ? answer->error : EPROTO);
    return fd;
  }
  bool log(log::Level level, std::string_view text) {
    const std::string line = ipc::encode(LogLine{level, std::string(text)});
    return send(channel_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
  }

 private:
  Fd channel_;
};

/// Is the account for as long as it lives. The process has no other thread that would notice.
class AsAccount {
 public:
  explicit AsAccount(const daemon::Account& account) {
    became_ = setegid(account.gid) == 0 && seteuid(account.uid) == 0;
  }
  AsAccount(const AsAccount&) = delete;
  AsAccount& operator=(const AsAccount&) = delete;
  ~AsAccount() {
    if (seteuid(0) != 0 || setegid(0) != 0) log::panic("root is not to be had back");
  }
  bool became() const { return became_; }

 private:
  bool became_ = false;
};

Result<Fd> connect_as(const daemon::Account& account, const Connect& wanted, const std::vector<std::string>& sockets) {
  if (std::find(sockets.begin(), sockets.end(), wanted.path) == sockets.end()) return sys_error(wanted.path, EACCES);
  if (wanted.type != SOCK_STREAM && wanted.type != SOCK_SEQPACKET) return sys_error(wanted.path, EINVAL);
  AsAccount as(account);
  if (!as.became()) return sys_error("become the log-in process's user");
  return event::connect_unix(wanted.path, wanted.type);
}

}  // namespace

void use_connector(Fd channel, bool log_too) {
  // Shared by the two functions that the process keeps.
  auto asker = std::make_shared<Asker>(std::move(channel));
  event::set_unix_connector([asker](const std::string& path, int type) { return asker->connect(path, type); });
  if (log_too) log::divert([asker](log::Level level, std::string_view text) { return asker->log(level, text); });
}

event::Task<void> serve_connector(ipc::Channel* channel, const std::vector<std::string>* sockets,
                                  const daemon::Account* account) {
  while (true) {
    Result<ipc::Packet> packet = co_await channel->receive_packet();
    if (!packet) co_return;
    if (auto line = ipc::decode<LogLine>(packet->bytes)) {
      log::write(std::min(line->level, log::Level::error), line->text);
      continue;
    }
    auto wanted = ipc::decode<Connect>(packet->bytes);
    if (!wanted) co_return;
    Result<Fd> fd = connect_as(*account, *wanted, *sockets);
    Connected answer{fd ? 0 : (fd.error().sys_errno != 0 ? fd.error().sys_errno : EIO)};
    std::vector<int> fds;
    if (fd) fds.push_back(fd->get());
    Result<void> sent = co_await channel->send(std::move(answer), std::move(fds), 5s);
    if (!sent) co_return;
  }
}

}  // namespace umaya::pop3d
