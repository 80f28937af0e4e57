#include "pop3d/relay.h"

#include <sys/socket.h>

namespace umaya::pop3d {

namespace {

/// The sender has ended behind what was read of it.
bool ends_here(const event::Stream& from) {
  char byte;
  return ::recv(from.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

event::Task<void> pump_upward(event::Stream* client, event::Stream* session) {
  while (true) {
    event::Read block = co_await client->read_some();
    if (!block) break;
    auto sent = co_await session->flush(block.data);
    if (!sent) break;
  }
  session->shutdown_write();
}

event::Task<void> pump_downward(event::Stream* session, event::Stream* client) {
  while (true) {
    event::Read block = co_await session->read_some();
    if (!block) co_return;
    if (ends_here(*session)) client->hold_for_end();
    auto sent = co_await client->flush(block.data);
    if (!sent) co_return;
  }
}

}  // namespace

event::Task<void> relay(event::Stream* client, event::Stream* session, Duration limit) {
  client->set_timeout(limit);
  session->set_timeout(limit);
  event::TaskScope upward;
  upward.spawn(pump_upward(client, session));
  co_await pump_downward(session, client);
}

}  // namespace umaya::pop3d
