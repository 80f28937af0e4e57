#include "libcommon/tls/tlsmgr_client.h"

#include <chrono>

namespace umaya::tls {

using event::Task;

static constexpr auto kAnswerLimit = std::chrono::seconds(10);
static constexpr size_t kKeptConnections = 32;

TlsmgrClient::TlsmgrClient(std::string socket) : socket_(std::move(socket)), pool_(socket_, kKeptConnections) {}

template <class Answer, class Query>
Task<Result<Answer>> TlsmgrClient::ask(Query query) {
  Result<Answer> answer = temporary("not asked");
  for (int round = 0; round < 2; ++round) {
    auto lease = pool_.lease();
    if (!lease) {
      std::string cure;
      if (lease.error().sys_errno == ENOENT) {
        cure = ": add the line \"tlsmgr unix - - n 1000? 1 tlsmgr\" to master.cf";
      }
      co_return temporary("tlsmgr: " + lease.error().what + cure);
    }
    answer = co_await (*lease)->template call<Answer>(query, {}, kAnswerLimit);
    if (answer) co_return answer;
    lease->drop();
    bool ended = answer.error().sys_errno == ECONNRESET || answer.error().sys_errno == EPIPE;
    if (!ended) break;
  }
  co_return temporary("tlsmgr: " + answer.error().what);
}

Task<Result<IdentityAnswer>> TlsmgrClient::identity(IdentityQuery query) {
  return ask<IdentityAnswer>(std::move(query));
}

Task<Result<SignAnswer>> TlsmgrClient::sign(SignQuery query) {
  return ask<SignAnswer>(std::move(query));
}

Task<Result<TicketAnswer>> TlsmgrClient::tickets(TicketQuery query) {
  return ask<TicketAnswer>(std::move(query));
}

}  // namespace umaya::tls
