#include "libcommon/services/delivery_agent.h"

#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "libcommon/event/loop.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"
#include "libcommon/services/qmgr.h"

namespace umaya::services::delivery {

using event::Task;
using namespace std::chrono_literals;

namespace {

constexpr Duration kQmgrLimit = 60s;
constexpr Duration kLongestRetry = 10s;

/// co_await: goes on when everything else that is ready in this round has run, with the log written.
class LogWritten {
 public:
  LogWritten() = default;
  LogWritten(const LogWritten&) = delete;
  LogWritten& operator=(const LogWritten&) = delete;
  ~LogWritten() {
    if (waiter_) *waiter_ = nullptr;
  }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    // shared_ptr: the deferred call may come after a cancelled task, and must see that there is nobody to wake.
    waiter_ = std::make_shared<std::coroutine_handle<>>(waiter);
    event::Loop::current().defer([waiter = waiter_] {
      if (*waiter) waiter->resume();
    });
  }
  void await_resume() const { log::flush(); }

 private:
  std::shared_ptr<std::coroutine_handle<>> waiter_;
};

/// Notes a connection as one without a request while it lives.
class Waiting {
 public:
  Waiting(std::set<int>& all, int fd) : all_(all), fd_(fd) { all_.insert(fd_); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { all_.erase(fd_); }

 private:
  std::set<int>& all_;
  int fd_;
};

Task<Result<Request>> next_request(std::set<int>* idle, ipc::Channel* channel, std::vector<Fd>* files) {
  Waiting waiting(*idle, channel->fd());
  co_return co_await channel->receive<Request>(event::kForever, files);
}

}  // namespace

Task<void> Agent::serve(Fd connection, DeliverAll deliver) {
  ipc::Channel channel(std::move(connection));
  bool more = true;
  while (more && !closing_) more = co_await serve_one(channel, deliver);
}

/// False: the conversation is over.
Task<bool> Agent::serve_one(ipc::Channel& channel, const DeliverAll& deliver) {
  std::vector<Fd> files;
  Result<Request> request = co_await next_request(&idle_, &channel, &files);
  if (!request) {
    if (request.error().sys_errno != ECONNRESET) log::warning("delivery request: {}", request.error().what);
    co_return false;
  }
  if (files.size() != 1) {
    log::warning("{}: delivery request without its message", request->envelope.queue_id);
    co_return false;
  }
  Job job;
  job.request = std::move(*request);
  job.message = std::move(files[0]);
  Reply reply = co_await deliver(job);
  co_await LogWritten();
  Result<void> sent = co_await channel.send(reply, {}, kQmgrLimit);
  if (!sent) co_await send_late(job.request.envelope.queue_id, std::move(reply));
  co_return sent.has_value();
}

/// The queue manager that asked is gone: its successor takes the results, or says why not.
Task<void> Agent::send_late(std::string queue_id, Reply reply) {
  qmgr::LateResults late;
  late.queue_id = std::move(queue_id);
  late.results = std::move(reply.results);
  Duration pause = retry_;
  for (int refusals = 0; refusals < kRefusals;) {
    auto channel = ipc::Channel::connect(qmgr_socket_);
    if (channel) {
      Result<qmgr::Done> done = co_await (*channel)->call<qmgr::Done>(late, {}, kQmgrLimit);
      if (done && done->ok) co_return;
      if (done && refusals++ == 0) log::warning("{}: late results were refused: {}", late.queue_id, done->text);
    }
    co_await event::sleep(pause);
    pause = std::min(pause + retry_ / 4, kLongestRetry);
  }
  log::warning("{}: nobody took the results of this delivery; it may be made again", late.queue_id);
}

void Agent::close_idle() {
  closing_ = true;
  for (int fd : idle_) ::shutdown(fd, SHUT_RDWR);
}

}  // namespace umaya::services::delivery
