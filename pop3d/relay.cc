#include "pop3d/relay.h"

namespace umaya::pop3d {

namespace {

/// Until from ends or to cannot be written to.
event::Task<void> pump(event::Stream* from, event::Stream* to) {
  while (true) {
    event::Read block = co_await from->read_some();
    if (!block) co_return;
    auto sent = co_await to->flush(block.data);
    if (!sent) co_return;
  }
}

event::Task<void> pump_and_close(event::Stream* from, event::Stream* to) {
  co_await pump(from, to);
  to->shutdown_write();
}

}  // namespace

event::Task<void> relay(event::Stream* client, event::Stream* session, Duration limit) {
  client->set_timeout(limit);
  session->set_timeout(limit);
  event::TaskScope upward;
  upward.spawn(pump_and_close(client, session));
  co_await pump(session, client);
}

}  // namespace umaya::pop3d
