// NAME    reply_reader - takes one reply of a server off a stream (client side)
//
// SYNOPSIS
//     auto reply = co_await smtp::read_reply(stream, 300s);
//     if (!reply) … reply.error(): closed, timed_out, garbage
//
// DESCRIPTION
//     A server is not trusted: a reply is bounded in lines, bytes and time as a whole, not per line. mend, when given,
//     sees each line (without its end) and gives what is to be read in its place.
//
// OWNERSHIP
//     Stream and mend outlive the task.
//
// ERRORS
//     After any Loss the connection is of no more use.
//
// LIMITS
//     1000 lines, 64 KiB a reply; what a line has beyond 2 KiB is dropped.
#pragma once

#include <expected>
#include <functional>

#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"
#include "libcommon/smtp/reply.h"

namespace umaya::smtp {

/// How a conversation ended before its time.
enum class Loss : uint8_t { closed, timed_out, garbage };

using ReplyOrLoss = std::expected<Reply, Loss>;
using LineMender = std::function<std::string(std::string_view line)>;

/// co_await: the server's next reply, all of it within the limit (RFC 5321 4.2).
event::Task<ReplyOrLoss> read_reply(event::Stream& stream, Duration limit, const LineMender* mend = nullptr);

}  // namespace umaya::smtp
