// NAME    delivery_client - asks delivery agents, as the queue manager does
//
// SYNOPSIS
//     DeliveryClient agents(queue_directory + "/", 8);
//     auto reply = co_await agents.call(std::move(request), message_fd, 60s);
//
// DESCRIPTION
//     For services that hand mail to local or virtual themselves, or ask about a recipient (kVerifyOnly). A connection
//     that the agent closed while it was idle, or over the request, is replaced once.
//
// OWNERSHIP
//     Outlives its calls. The descriptor of the message is borrowed.
//
// ERRORS
//     Temporary: no agent, no answer within the limit (ETIMEDOUT), a request larger than a packet.
#pragma once

#include <memory>
#include <string>

#include "libcommon/base/strings.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/services/delivery.h"

namespace umaya::services {

class DeliveryClient {
 public:
  static constexpr int kNoMessage = -1;

  /// directory: queue_directory, with a '/'. kept: idle connections to each agent that stay open.
  DeliveryClient(std::string directory, size_t kept) : directory_(std::move(directory)), kept_(kept) {}
  /// co_await: what the agent of request.transport says.
  event::Task<Result<delivery::Reply>> call(delivery::Request request, int message, Duration limit);

 private:
  ipc::ChannelPool& agent(const std::string& transport);

  std::string directory_;
  size_t kept_;
  StringMap<std::unique_ptr<ipc::ChannelPool>> agents_;
};

}  // namespace umaya::services
