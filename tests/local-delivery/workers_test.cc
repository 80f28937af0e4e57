#include "local-delivery/workers.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <vector>

#include "libcommon/event/listener.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using namespace umaya::local_delivery;
using namespace umaya::services::become;

namespace {

/// private/become whose workers answer when they are told to.
class FakeBecome {
 public:
  explicit FakeBecome(const std::string& path) {
    auto fd = event::listen_unix(path, SOCK_SEQPACKET, 0600);
    listener_ = std::make_unique<event::Listener>(
        std::move(*fd), [this](Fd peer, const event::PeerAddress&) { scope_.spawn(serve(this, std::move(peer))); });
  }
  size_t workers = 0;
  bool held = true;

 private:
  static event::Task<void> serve(FakeBecome* self, Fd fd) {
    ipc::Channel channel(std::move(fd));
    Result<Start> start = co_await channel.receive<Start>();
    if (!start) co_return;
    ++self->workers;
    while (true) {
      Result<Deliver> job = co_await channel.receive<Deliver>();
      if (!job) co_return;
      while (self->held) co_await event::sleep(std::chrono::milliseconds(1));
      Delivered done;
      done.id = job->id;
      done.outcome = Outcome::delivered;
      Result<void> sent = co_await channel.send(std::move(done));
      if (!sent) co_return;
    }
  }
  std::unique_ptr<event::Listener> listener_;
  event::TaskScope scope_;
};

event::Task<void> deliver(Workers* workers, std::string path, size_t* delivered) {
  Deliver job;
  job.mailbox.kind = MailboxKind::maildir;
  job.mailbox.base = "/mail";
  job.mailbox.path = std::move(path);
  Delivered done = co_await workers->deliver({1000, 1000}, std::move(job), STDIN_FILENO);
  if (done.outcome == Outcome::delivered) ++*delivered;
}

void run_until(const std::function<bool()>& condition) {
  for (int rounds = 0; rounds < 10'000 && !condition(); ++rounds) {
    event::Loop::current().run_once();
    usleep(100);
  }
}

}  // namespace

TEST_CASE("workers: a mailbox has one worker, many mailboxes of one user have several", "[local][workers]") {
  test::TempDirectory directory;
  std::string path = directory / "become";
  FakeBecome become(path);
  Workers workers(path);
  event::TaskScope scope;
  size_t delivered = 0;
  for (int i = 0; i < 20; ++i) scope.spawn(deliver(&workers, "one/", &delivered));
  run_until([&] { return become.workers > 0; });
  for (int i = 0; i < 50; ++i) event::Loop::current().run_once();
  CHECK(become.workers == 1);
  for (int i = 0; i < 200; ++i) scope.spawn(deliver(&workers, "u" + std::to_string(i) + "/", &delivered));
  run_until([&] { return become.workers == Workers::kLanes; });
  CHECK(become.workers == Workers::kLanes);
  CHECK(workers.size() == Workers::kLanes);
  CHECK(delivered == 0);
  become.held = false;
  run_until([&] { return delivered == 220; });
  CHECK(delivered == 220);
}
