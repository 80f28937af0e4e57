#include "tlsmgr/session.h"

#include <sys/socket.h>

#include "libcommon/log/log.h"
#include "tlsmgr/signing.h"

namespace umaya::tlsmgr {

using event::Task;

tls::SignAnswer Service::sign_for(const tls::SignQuery& query) {
  tls::SignAnswer out;
  evp_pkey_st* key = store_.key(query.key);
  if (!key) {
    out.trouble = "the key is not known any more";
    return out;
  }
  auto signature = sign(key, query.form, query.input);
  if (signature) out.signature = std::move(*signature);
  if (!signature) out.trouble = signature.error().what;
  return out;
}

/// Empty when the packet is no question.
Task<std::string> Service::answer(ipc::Packet packet) {
  if (packet.is<tls::SignQuery>()) {
    auto query = ipc::decode<tls::SignQuery>(packet.bytes);
    co_return query ? ipc::encode(sign_for(*query)) : std::string();
  }
  if (packet.is<tls::IdentityQuery>()) {
    auto query = ipc::decode<tls::IdentityQuery>(packet.bytes);
    if (!query) co_return std::string();
    tls::IdentityAnswer found = co_await store_.identity(std::move(*query));
    co_return ipc::encode(found);
  }
  auto query = ipc::decode<tls::TicketQuery>(packet.bytes);
  co_return query ? ipc::encode(tickets_.keys_for(*query, monotonic_now())) : std::string();
}

Task<void> Service::serve(Fd fd) {
  ipc::Channel channel(std::move(fd));
  while (!closing_) {
    waiting_.insert(&channel);
    Result<ipc::Packet> packet = co_await channel.receive_packet();
    waiting_.erase(&channel);
    if (!packet) co_return;
    std::string bytes = co_await answer(std::move(*packet));
    if (bytes.empty()) co_return;
    Result<void> sent = co_await channel.send_packet(std::move(bytes));
    if (!sent) co_return;
  }
}

void Service::close_idle() {
  closing_ = true;
  for (ipc::Channel* channel : waiting_) ::shutdown(channel->fd(), SHUT_RDWR);
}

}  // namespace umaya::tlsmgr
