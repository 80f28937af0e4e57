#include "libcommon/services/delivery_agent.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "libcommon/event/listener.h"
#include "libcommon/event/sync.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"
#include "libcommon/services/qmgr.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::services::delivery;
using namespace std::chrono_literals;
using event::Task;

namespace {

struct Pair {
  Fd agent_side;
  std::unique_ptr<ipc::Channel> queue_manager;
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    agent_side.reset(fds[0]);
    queue_manager = std::make_unique<ipc::Channel>(Fd(fds[1]));
  }
};

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

Fd message_file(const std::string& path) {
  std::ofstream(path) << "text";
  return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

Request request_named(std::string id) {
  Request request;
  request.envelope.queue_id = std::move(id);
  Target target;
  target.id = 7;
  target.recipient.address = "kim@example.com";
  request.targets.push_back(std::move(target));
  return request;
}

Reply deliver_now(const Job& job) {
  Reply reply;
  for (const Target& target : job.request.targets) {
    RecipientResult result;
    result.id = target.id;
    result.status = Status::sent;
    result.dsn = "2.0.0";
    log::info("{}: to=<{}>, status=sent", job.request.envelope.queue_id, target.recipient.address);
    reply.results.push_back(std::move(result));
  }
  return reply;
}

/// Deliveries wait for this, so that several end in the same round of the loop.
struct Gate {
  event::Event open;
  size_t inside = 0;
};

Task<Reply> deliver_at(Gate* gate, const Job* job) {
  ++gate->inside;
  co_await gate->open.wait();
  co_return deliver_now(*job);
}

struct Log {
  test::TempDirectory directory;
  std::string path = directory / "log";
  Log() { log::open({.tag = "agent", .file = path}); }
  ~Log() { log::open({.tag = "test", .file = "-"}); }
};

/// Asks, and gives what stood in the log when the reply came.
Task<std::string> ask(ipc::Channel* channel, std::string id, int message, std::string log_path) {
  Request request = request_named(std::move(id));
  std::vector<int> fds{message};
  Result<Reply> reply = co_await channel->call<Reply>(std::move(request), std::move(fds), 5s);
  co_return reply ? read_file(log_path) : "no reply";
}

Task<void> ask_and_count(ipc::Channel* channel, int n, int message, std::string log_path, size_t* in_order,
                         size_t* done) {
  std::string id = "MESSAGE" + std::to_string(n);
  std::string seen = co_await ask(channel, id, message, std::move(log_path));
  if (seen.find(id + ": to=<kim@example.com>, status=sent") != std::string::npos) ++*in_order;
  ++*done;
}

size_t write_calls() {
  std::ifstream in("/proc/self/io");
  std::string name;
  size_t value = 0;
  while (in >> name >> value) {
    if (name == "syscw:") return value;
  }
  return 0;
}

/// Waits behind the delivery at the same gate, so that it comes between the result and the reply.
Task<void> cancel_after(Gate* gate, std::unique_ptr<event::TaskScope>* scope) {
  co_await gate->open.wait();
  scope->reset();
}

Task<void> pass(Duration time) {
  co_await event::sleep(time);
}

}  // namespace

TEST_CASE("delivery agent: the status line is in the log before the queue manager has the result", "[services]") {
  Log log;
  Pair pair;
  Fd message = message_file(log.directory / "message");
  Agent agent(log.directory / "qmgr");
  Gate gate;
  gate.open.set();
  event::TaskScope scope;
  scope.spawn(agent.serve(std::move(pair.agent_side), [&gate](const Job& job) { return deliver_at(&gate, &job); }));
  std::string seen = event::run_until_done(ask(pair.queue_manager.get(), "ABC", message.get(), log.path));
  CHECK(seen.find("ABC: to=<kim@example.com>, status=sent") != std::string::npos);
}

TEST_CASE("delivery agent: results of one round share one write to the log", "[services]") {
  constexpr size_t kRequests = 40;
  Log log;
  Fd message = message_file(log.directory / "message");
  Agent agent(log.directory / "qmgr");
  Gate gate;
  std::vector<std::unique_ptr<Pair>> pairs;
  event::TaskScope scope;
  size_t in_order = 0, done = 0;
  for (size_t i = 0; i < kRequests; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    scope.spawn(
        agent.serve(std::move(pairs.back()->agent_side), [&gate](const Job& job) { return deliver_at(&gate, &job); }));
    scope.spawn(ask_and_count(pairs.back()->queue_manager.get(), static_cast<int>(i), message.get(), log.path,
                              &in_order, &done));
  }
  for (int i = 0; i < 500 && gate.inside < kRequests; ++i) event::run_until_done(pass(10ms));
  REQUIRE(gate.inside == kRequests);
  size_t before = write_calls();
  gate.open.set();
  for (int i = 0; i < 500 && done < kRequests; ++i) event::run_until_done(pass(10ms));
  CHECK(in_order == kRequests);
  CHECK(write_calls() - before <= 3);
}

TEST_CASE("delivery agent: only a question may come without a message", "[services]") {
  Log log;
  Agent agent(log.directory / "qmgr");
  Gate gate;
  gate.open.set();
  event::TaskScope scope;
  for (uint32_t flags : {uint32_t{kVerifyOnly}, uint32_t{0}}) {
    CAPTURE(flags);
    Pair pair;
    scope.spawn(agent.serve(std::move(pair.agent_side), [&gate](const Job& job) { return deliver_at(&gate, &job); }));
    for (int i = 0; i < 2; ++i) {
      Request request = request_named("");
      request.flags = flags;
      Result<Reply> reply = event::run_until_done(pair.queue_manager->call<Reply>(request, {}, 2s));
      CHECK(reply.has_value() == (flags != 0));
    }
  }
  CHECK(gate.inside == 2);
}

TEST_CASE("delivery agent: a task that is cancelled before its reply is never woken", "[services]") {
  Log log;
  Pair pair;
  Fd message = message_file(log.directory / "message");
  Agent agent(log.directory / "qmgr");
  Gate gate;
  auto scope = std::make_unique<event::TaskScope>();
  scope->spawn(agent.serve(std::move(pair.agent_side), [&gate](const Job& job) { return deliver_at(&gate, &job); }));
  Request request = request_named("ABC");
  REQUIRE(pair.queue_manager->send_now(ipc::encode(request), std::vector<int>{message.get()}));
  for (int i = 0; i < 500 && gate.inside == 0; ++i) event::run_until_done(pass(10ms));
  event::TaskScope after;
  after.spawn(cancel_after(&gate, &scope));
  gate.open.set();
  event::run_until_done(pass(20ms));
  CHECK_FALSE(scope);
}

namespace {

/// A queue manager that comes up late: refuses twice, then takes what is brought.
struct Successor {
  explicit Successor(std::string socket) : path(std::move(socket)) {}
  std::string path;
  size_t refusals = 2;
  std::vector<services::qmgr::LateResults> taken;
  std::unique_ptr<event::Listener> listener;
  event::TaskScope sessions;

  void listen() {
    Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd.get(), 5) == 0);
    listener = std::make_unique<event::Listener>(
        std::move(fd), [this](Fd peer, const event::PeerAddress&) { sessions.spawn(serve(this, std::move(peer))); });
  }

  static Task<void> serve(Successor* self, Fd fd) {
    ipc::Channel channel(std::move(fd));
    auto late = co_await channel.receive<services::qmgr::LateResults>(5s);
    if (!late) co_return;
    services::qmgr::Done done;
    done.ok = self->refusals == 0;
    done.text = "not yet";
    if (done.ok) {
      self->taken.push_back(std::move(*late));
    } else {
      --self->refusals;
    }
    auto sent = co_await channel.send(std::move(done));
    (void)sent;
  }
};

}  // namespace

TEST_CASE("delivery agent: results wait for the next queue manager however long it takes, and the message stays locked",
          "[services]") {
  Log log;
  Pair pair;
  std::string path = log.directory / "message";
  Fd message = message_file(path);
  REQUIRE(::flock(message.get(), LOCK_EX | LOCK_NB) == 0);
  Fd other(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  Agent agent(log.directory / "qmgr", 2ms);
  Gate gate;
  event::TaskScope scope;
  scope.spawn(agent.serve(std::move(pair.agent_side), [&gate](const Job& job) { return deliver_at(&gate, &job); }));
  Request request = request_named("ABC");
  REQUIRE(pair.queue_manager->send_now(ipc::encode(request), std::vector<int>{message.get()}));
  message.reset();
  for (int i = 0; i < 500 && gate.inside == 0; ++i) event::run_until_done(pass(10ms));
  pair.queue_manager.reset();  // the queue manager dies in the middle of the delivery
  gate.open.set();
  event::run_until_done(pass(400ms));  // far more attempts than an agent with a limit on them would make
  CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) < 0);
  Successor successor(log.directory / "qmgr");
  successor.listen();
  for (int i = 0; i < 500 && ::flock(other.get(), LOCK_EX | LOCK_NB) < 0; ++i) event::run_until_done(pass(10ms));
  REQUIRE(successor.taken.size() == 1);
  CHECK(successor.taken[0].queue_id == "ABC");
  REQUIRE(successor.taken[0].results.size() == 1);
  CHECK(successor.taken[0].results[0].id == 7);
  CHECK(successor.taken[0].results[0].status == Status::sent);
  CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
}

namespace {

Task<Reply> deliver_sent(const Job& job) {
  co_return deliver_now(job);
}

Task<Reply> deliver_deferred(const Job& job) {
  Reply reply = deliver_now(job);
  reply.results[0].status = Status::deferred;
  co_return reply;
}

/// A queue manager that asks for one delivery and does not read the answer at once; a successor that takes late
/// results.
class SlowReader {
 public:
  explicit SlowReader(DeliverAll deliver) : agent_(directory_ / "qmgr", 20ms) {
    ::signal(SIGPIPE, SIG_IGN);
    auto socket = event::listen_unix(directory_ / "qmgr", SOCK_SEQPACKET, 0600);
    REQUIRE(socket);
    successor_ = std::make_unique<event::Listener>(
        std::move(*socket), [this](Fd fd, const event::PeerAddress&) { scope_.spawn(take_late(std::move(fd))); });
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    Fd reader(ends[0]);
    message_.reset(ends[1]);
    int handed[] = {reader.get()};
    REQUIRE(pair_.queue_manager->send_now(ipc::encode(request_named("AAAAA1")), handed));
    scope_.spawn(serve(std::move(deliver)));
  }
  /// Whether somebody still holds the message.
  bool message_is_open() { return ::write(message_.get(), "x", 1) == 1; }
  bool until(const std::function<bool()>& condition, Duration limit = 5s) {
    TimePoint end = monotonic_now() + limit;
    while (!condition()) {
      if (monotonic_now() > end) return false;
      loop_.run_once();
      ::usleep(300);
    }
    return true;
  }
  void pass(Duration time) {
    (void)until([] { return false; }, time);
  }
  bool read_reply() {
    bool got = false;
    scope_.spawn(read_one(&got));
    return until([&] { return got; });
  }
  void die() { pair_.queue_manager.reset(); }
  Agent& agent() { return agent_; }

  std::vector<umaya::services::qmgr::LateResults> late;
  bool successor_is_well = true;
  bool ended = false;

 private:
  Task<void> serve(DeliverAll deliver) {
    co_await agent_.serve(std::move(pair_.agent_side), std::move(deliver));
    ended = true;
  }
  Task<void> read_one(bool* got) {
    auto reply = co_await pair_.queue_manager->receive<Reply>(1s);
    *got = reply.has_value();
  }
  Task<void> take_late(Fd fd) {
    ipc::Channel channel(std::move(fd));
    auto results = co_await channel.receive<umaya::services::qmgr::LateResults>(1s);
    if (!results) co_return;
    late.push_back(*results);
    umaya::services::qmgr::Done done{successor_is_well, {}};
    (void)co_await channel.send(std::move(done));
  }

  event::Loop loop_;
  test::TempDirectory directory_;
  Pair pair_;
  Agent agent_;
  Fd message_;
  std::unique_ptr<event::Listener> successor_;
  event::TaskScope scope_;
};

}  // namespace

TEST_CASE("delivery agent: promise 3 a message stays open until its results are read, and no longer", "[services]") {
  SlowReader world(deliver_sent);
  world.pass(100ms);
  CHECK(world.message_is_open());
  REQUIRE(world.read_reply());
  REQUIRE(world.until([&] { return !world.message_is_open(); }));
  world.die();
  REQUIRE(world.until([&] { return world.ended; }));
  CHECK(world.late.empty());
}

TEST_CASE("delivery agent: promise 3 results that the queue manager died over go to its successor", "[services]") {
  SlowReader world(deliver_sent);
  world.pass(50ms);
  world.successor_is_well = false;
  world.die();
  REQUIRE(world.until([&] { return !world.late.empty(); }));
  CHECK(world.late[0].queue_id == "AAAAA1");
  CHECK(world.late[0].results.size() == 1);
  CHECK_FALSE(world.ended);
  world.successor_is_well = true;
  REQUIRE(world.until([&] { return world.ended; }));
  CHECK(world.late.size() >= 2);
}

TEST_CASE("delivery agent: what only failed is closed at once", "[services]") {
  SlowReader world(deliver_deferred);
  REQUIRE(world.until([&] { return !world.message_is_open(); }));
}

TEST_CASE("delivery agent: closing waits for the results to be read", "[services]") {
  SlowReader world(deliver_sent);
  world.pass(50ms);
  world.agent().close_idle();
  world.pass(50ms);
  CHECK_FALSE(world.ended);
  REQUIRE(world.read_reply());
  REQUIRE(world.until([&] { return world.ended; }));
}
