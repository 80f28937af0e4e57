// NAME    agent_fixture - an instance with become and a delivery agent, and requests to it as the queue manager makes
// them
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/fd.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/services/delivery.h"
#include "tests/support/temp_directory.h"

namespace umaya::local_delivery::fixture {

namespace delivery = services::delivery;

/// A file with content as the queue holds it (CRLF).
class MessageFile {
 public:
  explicit MessageFile(std::string_view content) : size_(content.size()) {
    char name[] = "/tmp/umaya-message-XXXXXX";
    fd_.reset(::mkostemp(name, O_CLOEXEC));
    ::unlink(name);
    if (::write(fd_.get(), content.data(), content.size()) < 0) std::abort();
  }
  int fd() const { return fd_.get(); }
  size_t size() const { return size_; }

 private:
  Fd fd_;
  size_t size_;
};

/// A connection to an agent, blocking.
class AgentConnection {
 public:
  explicit AgentConnection(const std::string& path) {
    for (int tries = 0; tries < 6000 && !fd_; ++tries) {
      Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      path.copy(address.sun_path, sizeof address.sun_path - 1);
      if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
        fd_ = std::move(fd);
      } else {
        ::usleep(10'000);
      }
    }
  }
  void send(const delivery::Request& request, int message) {
    std::string bytes = ipc::encode(request);
    iovec piece{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr head{};
    head.msg_iov = &piece;
    head.msg_iovlen = 1;
    head.msg_control = control;
    head.msg_controllen = sizeof control;
    cmsghdr* c = CMSG_FIRSTHDR(&head);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &message, sizeof message);
    if (::sendmsg(fd_.get(), &head, MSG_NOSIGNAL) < 0) std::perror("sendmsg");
  }
  delivery::Reply receive() {
    std::string room(ipc::kMaxMessage, '\0');
    ssize_t n = ::recv(fd_.get(), room.data(), room.size(), 0);
    if (n <= 0) return {};
    auto reply = ipc::decode<delivery::Reply>(std::string_view(room).substr(0, static_cast<size_t>(n)));
    return reply ? *reply : delivery::Reply{};
  }
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Names of the files in a directory; empty when it is not there.
inline std::vector<std::string> list(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto& entry : std::filesystem::directory_iterator(directory, error)) names.push_back(entry.path().filename());
  return names;
}

class Instance {
 public:
  /// Users get homes in the instance and, when root runs the test, uids from 20001 on.
  explicit Instance(const std::vector<std::string>& users, const std::string& main_cf = "") {
    ::chmod(directory_.path().c_str(), 0755);
    for (const char* name : {"spool", "spool/private", "spool/public", "home", "mail"}) {
      std::filesystem::create_directory(path(name));
    }
    bool root = ::getuid() == 0;
    if (root && ::chown(path("spool/private").c_str(), 8, 8) != 0) std::abort();
    if (root && ::chown(path("spool/public").c_str(), 8, 8) != 0) std::abort();
    std::string passwd;
    uint32_t uid = root ? 20000 : ::getuid();
    uint32_t gid = root ? 20000 : ::getgid();
    for (const std::string& user : users) {
      if (root) gid = ++uid;
      add_home(user, uid, gid);
      passwd +=
          user + ":x:" + std::to_string(uid) + ":" + std::to_string(gid) + "::" + path("home/" + user) + ":/bin/sh\n";
    }
    write("passwd", passwd);
    write("aliases", "");
    write("main.cf", "compatibility_level = 3.7\nqueue_directory = " + path("spool") +
                         "\nmaillog_file = " + path("mail.log") + "\npasswd_file = " + path("passwd") +
                         "\nmyhostname = host.example.com\nmyorigin = example.com\nmydestination = example.com\n" +
                         "mail_owner = mail\nsetgid_group = mail\nnet_user = nobody\n" +
                         "alias_maps = texthash:" + path("aliases") + "\nhome_mailbox = Maildir/\n" + main_cf);
    write("master.cf", "local unix - n n - - local\nvirtual unix - n n - - virtual\nbecome unix - n n - 0 become\n");
  }
  ~Instance() {
    for (pid_t pid : children_) {
      ::kill(pid, SIGTERM);
      ::waitpid(pid, nullptr, 0);
    }
  }
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
  /// A file that belongs to the owner of the user's home.
  void write_home(const std::string& user, const std::string& name, const std::string& text) const {
    write("home/" + user + "/" + name, text);
    struct stat home {};
    ::stat(path("home/" + user).c_str(), &home);
    std::string file = path("home/" + user + "/" + name);
    ::chmod(file.c_str(), 0644);
    if (::chown(file.c_str(), home.st_uid, home.st_gid) != 0) std::abort();
  }
  /// before_exec runs in the child: it may take rights away.
  void start(const std::string& program, const std::vector<std::string>& more = {}, const std::string& service = "",
             void (*before_exec)() = nullptr) {
    std::string self = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
    std::string binary = self + "/libexec/" + program;
    std::string name = service.empty() ? program : service;
    pid_t pid = ::fork();
    if (pid == 0) {
      if (before_exec) before_exec();
      std::vector<std::string> arguments{program, "-c", directory_.path(), "-n", name, "-t", "unix"};
      arguments.insert(arguments.end(), more.begin(), more.end());
      std::vector<char*> argv;
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      ::execv(binary.c_str(), argv.data());
      ::_exit(127);
    }
    children_.push_back(pid);
    AgentConnection(path("spool/private/" + name));  // it listens
  }
  AgentConnection connect(const std::string& service) const {
    return AgentConnection(path("spool/private/" + service));
  }
  std::string log() const { return read_file(path("mail.log")); }
  /// Waits for the text to appear: lines are written a moment after the reply.
  bool log_has(const std::string& text) const {
    for (int tries = 0; tries < 500; ++tries) {
      if (log().find(text) != std::string::npos) return true;
      ::usleep(10'000);
    }
    return false;
  }

  /// One message to one recipient through an agent.
  delivery::RecipientResult deliver(const std::string& service, const std::string& recipient,
                                    std::string_view content = "Subject: hi\r\n\r\ntext\r\n",
                                    const std::string& sender = "sender@example.org") const {
    AgentConnection agent = connect(service);
    MessageFile message(content);
    agent.send(request(service, {recipient}, message.size(), sender), message.fd());
    delivery::Reply reply = agent.receive();
    return reply.results.empty() ? delivery::RecipientResult{} : reply.results[0];
  }

  static delivery::Request request(const std::string& service, const std::vector<std::string>& recipients, size_t size,
                                   const std::string& sender = "sender@example.org") {
    delivery::Request request;
    request.queue_name = "active";
    request.transport = service;
    request.nexthop = "example.com";
    request.envelope.queue_id = "12345ABCDEF";
    request.envelope.sender = sender;
    request.envelope.arrival_usec = request.active_usec = request.handed_usec = wall_usec();
    request.content_size = size;
    for (const std::string& recipient : recipients) {
      request.targets.push_back({static_cast<uint32_t>(request.targets.size()), {recipient, "", "", 0}});
    }
    return request;
  }

 private:
  void add_home(const std::string& user, uint32_t uid, uint32_t gid) const {
    std::string home = path("home/" + user);
    std::filesystem::create_directory(home);
    if (::chmod(home.c_str(), 0700) != 0 || ::chown(home.c_str(), uid, gid) != 0) std::abort();
  }
  test::TempDirectory directory_;
  std::vector<pid_t> children_;
};

}  // namespace umaya::local_delivery::fixture
