#include "libcommon/services/delivery_client.h"

#include <vector>

namespace umaya::services {

using delivery::Reply;
using event::Task;

namespace {

/// A connection on which a reply is still to come serves nobody else, also when the caller is cancelled meanwhile.
struct Conversation {
  ipc::ChannelPool::Lease& lease;
  bool complete = false;
  ~Conversation() {
    if (!complete) lease.drop();
  }
};

}  // namespace

ipc::ChannelPool& DeliveryClient::agent(const std::string& transport) {
  auto& pool = agents_[transport];
  if (!pool) pool = std::make_unique<ipc::ChannelPool>(directory_ + delivery::socket_of(transport), kept_);
  return *pool;
}

Task<Result<Reply>> DeliveryClient::call(delivery::Request request, int message, Duration limit) {
  std::string packet = ipc::encode(request);
  if (packet.size() > ipc::kMaxMessage) co_return temporary("the request is too large for one packet");
  Result<Reply> reply = temporary("no answer");
  for (int attempt = 0; attempt < 2 && !reply; ++attempt) {
    auto lease = agent(request.transport).lease();
    if (!lease) co_return std::unexpected(lease.error());
    Conversation conversation{*lease};
    std::vector<int> fds;
    if (message != kNoMessage) fds.push_back(message);
    Result<void> sent = co_await (*lease)->send_packet(packet, std::move(fds), limit);
    if (sent) {
      reply = co_await (*lease)->receive<Reply>(limit);
    } else {
      reply = std::unexpected(sent.error());
    }
    conversation.complete = reply.has_value();
    if (!reply && reply.error().sys_errno == ETIMEDOUT) break;
  }
  co_return reply;
}

}  // namespace umaya::services
