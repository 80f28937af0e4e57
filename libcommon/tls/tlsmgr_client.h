// NAME    tlsmgr_client - asks tlsmgr(8), who has the private keys
//
// SYNOPSIS
//     TlsmgrClient tlsmgr(queue_directory + "/private/tlsmgr");
//     Result<IdentityAnswer> answer = co_await tlsmgr.identity(query);
//
// DESCRIPTION
//     Connections are kept between questions. When tlsmgr has ended in between, a question is asked once more.
//
// OWNERSHIP
//     Outlives the tasks that wait for its answers.
//
// ERRORS
//     Temporary; where the service is missing, with the line that master.cf needs.
#pragma once

#include <string>

#include "libcommon/base/result.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/tls/tlsmgr_protocol.h"

namespace umaya::tls {

class TlsmgrClient {
 public:
  explicit TlsmgrClient(std::string socket);
  event::Task<Result<IdentityAnswer>> identity(IdentityQuery query);
  event::Task<Result<SignAnswer>> sign(SignQuery query);
  event::Task<Result<TicketAnswer>> tickets(TicketQuery query);

 private:
  template <class Answer, class Query>
  event::Task<Result<Answer>> ask(Query query);
  std::string socket_;
  ipc::ChannelPool pool_;
};

}  // namespace umaya::tls
