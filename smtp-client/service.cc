#include "smtp-client/service.h"

#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"
#include "libcommon/services/qmgr.h"
#include "smtp-client/delivery.h"

namespace umaya::smtp_client {

using event::Task;
namespace delivery = services::delivery;
namespace qmgr = services::qmgr;

namespace {

constexpr Duration kRetryLate = std::chrono::seconds(2);
constexpr int kLateTries = 150;  // five minutes: a queue manager that is longer away delivers again

/// Hands results to the queue manager that came after the one that asked.
Task<void> send_late(std::string socket, std::string queue_id, delivery::Reply reply) {
  qmgr::LateResults late;
  late.queue_id = std::move(queue_id);
  late.results = std::move(reply.results);
  for (int i = 0; i < kLateTries; ++i) {
    auto channel = ipc::Channel::connect(socket);
    if (channel) {
      Result<qmgr::Done> done = co_await (*channel)->call<qmgr::Done>(late, {}, std::chrono::seconds(10));
      if (done) co_return;
    }
    co_await event::sleep(kRetryLate);
  }
  log::warning("{}: nobody took the results of this delivery; it may be made again", late.queue_id);
}

/// Notes a connection as one without a request while it lives.
class Waiting {
 public:
  Waiting(Client& client, int fd) : client_(client), fd_(fd) { client_.waiting_channels.insert(fd_); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { client_.waiting_channels.erase(fd_); }

 private:
  Client& client_;
  int fd_;
};

Task<Result<delivery::Request>> next_request(Client& client, ipc::Channel& channel, std::vector<Fd>* files) {
  Waiting waiting(client, channel.fd());
  co_return co_await channel.receive<delivery::Request>(event::kForever, files);
}

}  // namespace

Task<void> serve(Client& client, Fd connection, std::string qmgr_socket) {
  ipc::Channel channel(std::move(connection));
  for (;;) {
    std::vector<Fd> files;
    Result<delivery::Request> request = co_await next_request(client, channel, &files);
    if (!request) {
      if (request.error().sys_errno != ECONNRESET) log::warning("request: {}", request.error().what);
      co_return;
    }
    if (files.size() != 1) {
      log::warning("{}: request without the message", request->envelope.queue_id);
      co_return;
    }
    std::string queue_id = request->envelope.queue_id;
    Delivery work(client, std::move(*request), files[0].get());
    delivery::Reply reply = co_await work.run();
    log::flush();  // the status lines stand in the log before the queue manager says "removed"
    Result<void> sent = co_await channel.send(reply);
    if (sent) continue;
    co_await send_late(qmgr_socket, std::move(queue_id), std::move(reply));
    co_return;
  }
}

}  // namespace umaya::smtp_client
