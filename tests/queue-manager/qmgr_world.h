// NAME    qmgr_world - a real qmgr process with an agent and a bounce service that the test plays
#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <deque>
#include <filesystem>
#include <fstream>
#include <set>

#include "libcommon/event/listener.h"
#include "libcommon/fs/file.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/queue/directories.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/services/bounce.h"
#include "libcommon/services/qmgr.h"
#include "tests/support/temp_directory.h"

namespace umaya::test {

namespace agent = services::delivery;
namespace bounce = services::bounce;
using namespace std::chrono_literals;

class QmgrWorld {
 public:
  std::vector<agent::Request> deliveries;
  std::vector<bounce::Append> appends;
  std::vector<bounce::Notify> notices;
  std::vector<bounce::Forget> forgotten;
  bool bounce_works = true;
  bool agent_answers = true;
  int agents_that_leave = 0;  ///< connections that the next agents close without having read the request
  /// What the agent says about one recipient.
  std::function<agent::RecipientResult(const agent::Request&, const agent::Target&)> result;
  std::function<void(const agent::Request&, agent::Reply&)> edit_reply;
  std::function<void(const bounce::Append&)> on_append;
  std::function<void()> on_notify;
  bool marked = true;                                              ///< whether put() says that the message counts
  std::vector<std::pair<std::unique_ptr<ipc::Channel>, Fd>> held;  ///< connections and files of unanswered deliveries

  explicit QmgrWorld(const std::string& main_cf = "") : spool_(root_ / "spool", {}) {
    result = [](const agent::Request&, const agent::Target& target) { return sent(target); };
    std::filesystem::create_directories(root_ / "spool/private");
    std::filesystem::create_directories(root_ / "spool/public");
    REQUIRE(spool_.make_all());
    std::ofstream(root_ / "main.cf") << "queue_directory = " << root_ / "spool"
                                     << "\ndata_directory = " << root_ / "data"
                                     << "\nmail_owner = nobody\nsetgid_group = nogroup\nmydestination =\nmyhostname = "
                                        "host.example\ndefault_transport = smtp\n"
                                     << "maillog_file = " << root_ / "log"
                                     << "\nfast_flush_domains =\nrelayhost =\ninet_interfaces = loopback-only\n"
                                     << main_cf;
    std::ofstream(root_ / "master.cf") << "qmgr unix n - n 300 1 qmgr\nsmtp unix - - n - 20 smtp\n";
    serve("private/smtp");
    for (const char* name : {"private/bounce", "private/defer", "private/trace"}) serve(name);
    give_away();
  }
  ~QmgrWorld() { kill_qmgr(); }

  /// One more delivery agent, which answers as smtp does; before qmgr is started.
  void serve_agent(const std::string& transport) {
    serve("private/" + transport);
    std::ofstream(root_ / "master.cf", std::ios::app) << transport << " unix - - n - 20 smtp\n";
    give_away();
  }

  static agent::RecipientResult sent(const agent::Target& target) {
    agent::RecipientResult r;
    r.id = target.id;
    r.status = agent::Status::sent;
    r.dsn = "2.0.0";
    r.text = "ok";
    return r;
  }
  static agent::RecipientResult failed(const agent::Target& target, agent::Status status) {
    agent::RecipientResult r = sent(target);
    r.status = status;
    r.dsn = status == agent::Status::bounced ? "5.1.1" : "4.4.1";
    r.text = "no";
    return r;
  }

  /// descriptors: that qmgr may have open; 0: as many as we.
  void start_qmgr(rlim_t descriptors = 0) {
    std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../libexec/qmgr";
    pid_ = ::fork();
    if (pid_ == 0) {
      rlimit few{descriptors, descriptors};
      if (descriptors > 0) ::setrlimit(RLIMIT_NOFILE, &few);
      ::execl(program.c_str(), "qmgr", "-c", root_.path().c_str(), "-n", "qmgr", "-t", "unix", nullptr);
      ::_exit(127);
    }
    REQUIRE(until([&] { return ipc::Channel::connect(root_ / "spool/public/qmgr").has_value(); }));
  }
  void kill_qmgr() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
    std::filesystem::remove(root_ / "spool/public/qmgr");
  }

  /// A complete message in a queue; recipients user0@d, user1@d …
  void put(const std::string& id, int recipients, queue::QueueName where = queue::QueueName::incoming,
           const std::string& sender = "from@example.org", int64_t age = 0,
           const std::function<std::string(int)>& address = {}) {
    auto fd = spool_.create(where, id);
    REQUIRE(fd);
    queue::Envelope envelope;
    envelope.sender = sender;
    envelope.arrival_usec = wall_usec() - age * 1'000'000;
    queue::MessageWriter writer(std::move(*fd), envelope);
    for (int i = 0; i < recipients; ++i) {
      std::string to = address ? address(i) : "user" + std::to_string(i) + "@dest.example";
      REQUIRE(writer.add_recipient({to, "", "", 0}));
    }
    REQUIRE(writer.append("Subject: test\r\n\r\nhello\r\n"));
    auto done = writer.finish();
    REQUIRE(done);
    if (marked) REQUIRE(queue::mark_complete(done->get()));
    if (::geteuid() != 0) return;
    std::filesystem::path file = spool_.path(where, id);
    for (const auto& path : {file, file.parent_path()}) (void)!::chown(path.c_str(), owner().first, owner().second);
  }
  /// Tells qmgr as cleanup does.
  void announce(std::vector<std::string> ids) {
    if (!channel_) {
      auto channel = ipc::Channel::connect(root_ / "spool/public/qmgr");
      REQUIRE(channel);
      channel_ = std::move(*channel);
    }
    services::qmgr::NewMessage message;
    message.queue_ids = std::move(ids);
    REQUIRE(channel_->send_now(ipc::encode(message)));
  }
  template <class Request>
  services::qmgr::Done ask(Request request) {
    services::qmgr::Done done;
    bool finished = false;
    scope_.spawn(ask_task(root_ / "spool/public/qmgr", std::move(request), &done, &finished));
    REQUIRE(until([&] { return finished; }));
    return done;
  }

  bool until(const std::function<bool()>& condition, Duration limit = 10s) {
    TimePoint end = monotonic_now() + limit;
    while (!condition()) {
      if (monotonic_now() > end) return false;
      loop_.run_once();
      ::usleep(300);
    }
    return true;
  }
  bool in(queue::QueueName queue, const std::string& id) const {
    return std::filesystem::exists(spool_.path(queue, id));
  }
  bool nowhere(const std::string& id) const { return !spool_.find(id); }
  std::string path(queue::QueueName queue, const std::string& id) const { return spool_.path(queue, id); }
  std::string states(const std::string& path) const {
    auto fd = fs::open_safe(path);
    if (!fd) return "missing";
    auto reader = queue::MessageReader::open(fd->get());
    if (!reader) return "damaged";
    std::string all;
    queue::RecipientCursor cursor;
    for (auto some = reader->read_recipients(cursor, 100); some && !some->empty();
         some = reader->read_recipients(cursor, 100)) {
      for (const auto& recipient : *some) all += static_cast<char>(recipient.state);
    }
    return all;
  }
  std::string log() const { return fs::read_file(root_ / "log", 1 << 26).value_or(""); }
  const std::string& root() const { return root_.path(); }
  queue::QueueDirectories& spool() { return spool_; }
  pid_t pid() const { return pid_; }
  /// Everything belongs to the user that qmgr runs as.
  void give_away() {
    if (::geteuid() != 0) return;
    (void)!::chown(root_.path().c_str(), owner().first, owner().second);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) {
      (void)!::chown(entry.path().c_str(), owner().first, owner().second);
    }
  }

 private:
  static std::pair<uid_t, gid_t> owner() {
    const passwd* entry = ::getpwnam("nobody");
    return {entry->pw_uid, entry->pw_gid};
  }
  void serve(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string path = root_ / ("spool/" + name);
    REQUIRE(path.size() < sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd.get(), 1000) == 0);
    bool is_agent = name != "private/bounce" && name != "private/defer" && name != "private/trace";
    listeners_.push_back(
        std::make_unique<event::Listener>(std::move(fd), [this, is_agent](Fd peer, const event::PeerAddress&) {
          scope_.spawn(is_agent ? play_agent(std::move(peer)) : play_bounce(std::move(peer)));
        }));
  }
  event::Task<void> play_agent(Fd fd) {
    auto channel = std::make_unique<ipc::Channel>(std::move(fd));
    if (agents_that_leave > 0) {
      --agents_that_leave;
      co_await event::sleep(10ms);
      co_return;
    }
    for (;;) {
      std::vector<Fd> fds;
      auto request = co_await channel->receive<agent::Request>(event::kForever, &fds);
      if (!request) co_return;
      deliveries.push_back(*request);
      if (!agent_answers) {
        held.emplace_back(std::move(channel), std::move(fds.at(0)));
        co_return;
      }
      agent::Reply reply;
      for (const auto& target : request->targets) reply.results.push_back(result(*request, target));
      if (edit_reply) edit_reply(*request, reply);
      auto done = co_await channel->send(std::move(reply));
      if (!done) co_return;
    }
  }
  event::Task<void> play_bounce(Fd fd) {
    ipc::Channel channel(std::move(fd));
    for (;;) {
      auto packet = co_await channel.receive_packet();
      if (!packet) co_return;
      if (packet->is<bounce::Append>()) {
        appends.push_back(*ipc::decode<bounce::Append>(packet->bytes));
        if (on_append) on_append(appends.back());
      }
      if (packet->is<bounce::Notify>()) {
        notices.push_back(*ipc::decode<bounce::Notify>(packet->bytes));
        if (on_notify) on_notify();
      }
      if (packet->is<bounce::Forget>()) forgotten.push_back(*ipc::decode<bounce::Forget>(packet->bytes));
      bounce::Done done;
      done.ok = bounce_works;
      done.text = bounce_works ? "" : "No space left on device";
      auto answered = co_await channel.send(std::move(done));
      if (!answered) co_return;
    }
  }
  template <class Request>
  static event::Task<void> ask_task(std::string path, Request request, services::qmgr::Done* done, bool* finished) {
    auto channel = ipc::Channel::connect(path);
    if (channel) {
      auto answer = co_await (*channel)->template call<services::qmgr::Done>(std::move(request));
      if (answer) *done = *answer;
    }
    *finished = true;
  }

  TempDirectory root_;
  event::Loop loop_;
  queue::QueueDirectories spool_;
  std::unique_ptr<ipc::Channel> channel_;
  std::vector<std::unique_ptr<event::Listener>> listeners_;
  event::TaskScope scope_;
  pid_t pid_ = 0;
};

}  // namespace umaya::test
