// NAME    relay - carries bytes between a client's TLS connection and the session process
//
// DESCRIPTION
//     The log-in process keeps the TLS connection, so that its keys never come near a user's process; the session
//     process has one end of a socket pair. What one side sends is passed on before more is read from it, so that a
//     relay holds one block at most in each direction, and none while nothing is under way.
//
//     Ends when the session process closes its end; its last answer and the end of the connection leave together. When
//     the client closes, the session process sees the end of its input first, so that it can put its mailbox in order.
//
// OWNERSHIP
//     Both streams outlive the task.
#pragma once

#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"

namespace umaya::pop3d {

/// limit: longest time in which nothing moves; longer than the session's own.
event::Task<void> relay(event::Stream* client, event::Stream* session, Duration limit);

}  // namespace umaya::pop3d
