#include "pop3d/mailbox_session.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "libcommon/daemon/privilege.h"
#include "libcommon/daemon/sandbox.h"
#include "libcommon/ipc/codec.h"
#include "libcommon/log/log.h"
#include "pop3d/transaction.h"

namespace umaya::pop3d {

namespace {

using namespace std::chrono_literals;

constexpr Duration kFetchLimit = 10s;
constexpr size_t kMostPacket = 64 * 1024;
constexpr int kParentFd = 3;

std::string auth_socket(const Params& params) {
  return params.auth_socket.starts_with('/') ? params.auth_socket : params.queue_directory + "/" + params.auth_socket;
}

auth::LoginTicket ticket_of(const Handover& handover) {
  return {handover.client_pid, handover.request, handover.cookie};
}

/// Opens the mailbox and runs the session in it.
event::Task<void> serve_mailbox(event::Stream* client, std::string path, std::string user, const Params* params) {
  mailbox::PopBox::Options options;
  options.lock = params->lock_mailbox;
  auto box = mailbox::PopBox::open("maildir:" + path, options);
  if (!box && box.error().sys_errno == EBUSY) {
    log::info("user=<{}>: refused: another POP3 session has the mailbox", user);
    client->write("-ERR [IN-USE] Another session has this mailbox open.\r\n");
    client->flush_now();
    co_return;
  }
  if (!box) {
    log::warning("user=<{}>: {}", user, box.error().what);
    client->write("-ERR [SYS/TEMP] The mailbox cannot be opened; try again later.\r\n");
    client->flush_now();
    co_return;
  }
  Transaction transaction(*client, **box, *params, user);
  co_await transaction.run();
}

void refuse(event::Stream& client, const std::string& user, const Error& error) {
  log::error("user=<{}>: {}", user, error.what);
  client.write("-ERR [SYS/TEMP] The session cannot be started; try again later.\r\n");
  client.flush_now();
}

}  // namespace

Result<std::string> maildir_of(const auth::LoginData& data, const std::string& home_mailbox) {
  std::string path = data.mail;
  if (path.starts_with("maildir:")) path.erase(0, 8);
  path = path.substr(0, path.find(':'));  // Dovecot's options behind the path
  if (!data.mail.empty() && path.empty()) return temporary("userdb_mail \"" + data.mail + "\": write maildir:PATH");
  if (data.mail.starts_with("mbox:")) return temporary("userdb_mail: mailboxes of type mbox are not served by POP3");
  if (path.empty()) path = home_mailbox.ends_with('/') ? home_mailbox : "Maildir/";
  if (path.starts_with("~/")) path.erase(0, 2);
  if (!path.starts_with('/') && data.home.empty()) return temporary("user " + data.user + " has no home directory");
  if (!path.starts_with('/')) path = data.home + "/" + path;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

event::Task<void> serve_here(event::Stream* client, Handover handover, const Params* params) {
  auto data = auth::fetch_login(auth_socket(*params), ticket_of(handover), kFetchLimit);
  auto path = data ? maildir_of(*data, params->home_mailbox) : Result<std::string>(std::unexpected(data.error()));
  if (!path) {
    refuse(*client, handover.user, path.error());
    co_return;
  }
  co_await serve_mailbox(client, std::move(*path), data->user, params);
}

namespace {

/// Everything below runs in the process that stays root, or in its children.
class Parent {
 public:
  Parent(int channel, const Params& params) : channel_(channel), params_(params) {}
  [[noreturn]] void run();

 private:
  void reap();
  void start_session(std::string packet, Fd client);
  [[noreturn]] void session(const std::string& packet, Fd client);
  Result<std::string> become_owner(const auth::LoginData& data) const;

  int channel_;
  const Params& params_;
  std::vector<pid_t> children_;
};

void Parent::reap() {
  while (true) {
    pid_t pid = waitpid(-1, nullptr, WNOHANG);
    if (pid <= 0) return;
    std::erase(children_, pid);
  }
}

/// One packet with one descriptor; an empty packet means "stop".
bool receive(int channel, std::string& packet, Fd& client) {
  packet.resize(kMostPacket);
  iovec piece{packet.data(), packet.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size;
  do {
    size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return false;
  packet.resize(static_cast<size_t>(size));
  const cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (head != nullptr && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
    int fd;
    memcpy(&fd, CMSG_DATA(head), sizeof fd);
    client.reset(fd);
  }
  return true;
}

void Parent::run() {
  while (true) {
    std::string packet;
    Fd client;
    bool received = receive(channel_, packet, client);
    reap();
    if (!received) _exit(0);
    if (packet == "stop") {
      for (pid_t pid : children_) kill(pid, SIGTERM);
    } else if (client) {
      start_session(std::move(packet), std::move(client));
    }
  }
}

void Parent::start_session(std::string packet, Fd client) {
  constexpr std::string_view kBusy = "-ERR [SYS/TEMP] Too many sessions; try again later.\r\n";
  if (children_.size() >= static_cast<size_t>(params_.session_limit)) {
    (void)!write(client.get(), kBusy.data(), kBusy.size());
    return;
  }
  pid_t pid = fork();
  if (pid == 0) session(packet, std::move(client));
  if (pid > 0) children_.push_back(pid);
  if (pid < 0) (void)!write(client.get(), kBusy.data(), kBusy.size());
}

/// Gives up root for the owner of the mailbox; gives the mailbox's directory.
Result<std::string> Parent::become_owner(const auth::LoginData& data) const {
  if (data.uid == 0) return permanent("user " + data.user + ": the superuser's mailbox is not served");
  UMAYA_TRY(std::string path, maildir_of(data, params_.home_mailbox));
  UMAYA_CHECK(daemon::give_up_root({data.uid, data.gid}));
  UMAYA_TRY(std::string in_force, daemon::enter_sandbox({.read = {}, .write = {path}}));
  log::debug("in force: {}", in_force);
  return path;
}

void Parent::session(const std::string& packet, Fd client) {
  close(channel_);
  signal(SIGTERM, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  event::Loop loop;
  auto handover = ipc::decode<Handover>(packet);
  if (!handover) _exit(1);
  event::Stream stream(std::move(client));
  stream.preload(handover->pipelined);
  auto data = auth::fetch_login(auth_socket(params_), ticket_of(*handover), kFetchLimit);
  auto path = data ? become_owner(*data) : Result<std::string>(std::unexpected(data.error()));
  if (path) {
    event::run_until_done(serve_mailbox(&stream, *path, data->user, &params_));
  } else {
    refuse(stream, handover->user, path.error());
  }
  log::flush();
  _exit(0);
}

}  // namespace

Result<SessionParent> SessionParent::start(const Params& params, std::function<void()> open_log) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return sys_error("socketpair");
  Fd ours(ends[0]), theirs(ends[1]);
  pid_t pid = fork();
  if (pid < 0) return sys_error("fork");
  if (pid > 0) return SessionParent(std::move(ours));
  // What master gave the daemon (listening sockets, its status socket) is not for this process.
  if (dup2(theirs.get(), kParentFd) != kParentFd || close_range(kParentFd + 1, ~0u, 0) != 0) _exit(1);
  (void)theirs.release();
  (void)ours.release();
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);  // the daemon tells us when to stop
  open_log();
  Parent(kParentFd, params).run();
}

Result<void> SessionParent::hand_over(const Handover& handover, int client_fd) {
  std::string packet = ipc::encode(handover);
  iovec piece{packet.data(), packet.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(head), &client_fd, sizeof client_fd);
  if (sendmsg(channel_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return sys_error("hand the session over");
  return {};
}

void SessionParent::stop() {
  (void)!send(channel_.get(), "stop", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace umaya::pop3d
