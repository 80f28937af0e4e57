#include "libcommon/services/delivery_agent.h"

#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <optional>

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
/// How often is looked whether the results were read, when no further request says so.
constexpr Duration kLook = 20ms;

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

}  // namespace

Task<void> Agent::serve(Fd connection, DeliverAll deliver) {
  ipc::Channel channel(std::move(connection));
  Unread unread;
  bool more = true;
  while (more && !closing_) {
    more = co_await serve_one(channel, unread, deliver);
    more = more && !(crowded_ && crowded_());
  }
  // A request that comes all the same is given up with the connection, and made again.
  if (!unread.queue_id.empty()) (void)co_await next_request(channel, unread, nullptr);
}

/// The next request; sees to it that the last results are read, or go to the successor. At the end of a session, with
/// no files wanted, it gives up as soon as they are.
Task<Result<Request>> Agent::next_request(ipc::Channel& channel, Unread& unread, std::vector<Fd>* files) {
  Result<Request> request = temporary("none yet");
  bool is_ending = files == nullptr;
  while (true) {
    // A connection is idle, and may be closed by us, when nothing that we sent waits in it.
    std::optional<Waiting> waiting;
    if (unread.queue_id.empty()) waiting.emplace(idle_, channel.fd());
    Duration limit = unread.queue_id.empty() ? event::kForever : kLook;
    request = co_await channel.receive<Request>(limit, files);
    if (request || request.error().sys_errno != ETIMEDOUT) break;
    // The packets of a peer that has just died count as read; its end is seen by the next receive.
    if (!channel.all_read() || channel.stale()) continue;
    unread = Unread();
    if (!is_ending && !closing_) continue;
    request = sys_error("closed", ECONNRESET);
    break;
  }
  if (!request && channel.cut_off() && !unread.queue_id.empty()) {
    co_await send_late(std::move(unread.queue_id), std::move(unread.reply));
  }
  unread = Unread();
  co_return request;
}

/// False: the conversation is over.
Task<bool> Agent::serve_one(ipc::Channel& channel, Unread& unread, const DeliverAll& deliver) {
  std::vector<Fd> files;
  Result<Request> request = co_await next_request(channel, unread, &files);
  if (!request) {
    if (request.error().sys_errno != ECONNRESET) log::warning("delivery request: {}", request.error().what);
    co_return false;
  }
  const bool asks = (request->flags & kVerifyOnly) != 0;
  if (files.size() > 1 || (files.empty() && !asks)) {
    log::warning("{}: delivery request without its message", request->envelope.queue_id);
    co_return false;
  }
  Job job;
  job.request = std::move(*request);
  if (!files.empty()) job.message = std::move(files[0]);
  Reply reply = co_await deliver(job);
  co_await LogWritten();
  Result<void> sent = co_await channel.send(reply, {}, kQmgrLimit);
  if (!job.message) co_return sent.has_value();  // there is no message that anybody could deliver again
  if (!sent) {
    co_await send_late(job.request.envelope.queue_id, std::move(reply));
    co_return false;
  }
  // What only failed may be tried again; what was sent may not.
  bool any_sent = std::any_of(reply.results.begin(), reply.results.end(),
                              [](const RecipientResult& result) { return result.status == Status::sent; });
  if (any_sent) {
    unread.queue_id = job.request.envelope.queue_id;
    unread.reply = std::move(reply);
    unread.message = std::move(job.message);
  }
  co_return true;
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
