// NAME    trace - what the head of a message tells of its way: hops, and which message of which queue it is
//
// DESCRIPTION
//     A client that gets no reply sends the message again. For the mailboxes that is a new message, unless it can be
//     seen to be the same. A message that has waited in a queue has a Received field of that queue on top, with an id
//     and a time; when it comes again it is the same to the last octet. So a message with such a field gets an origin
//     (libcommon/services/delivery_key.h) made of the time in that field and a digest of sender, size and the first
//     kTraceOctets of text, and the deliveries of each try have the same keys. A message without such a field, or with
//     a time that is far from now, has none: two equal messages of a program that speaks LMTP are two messages.
//
// LIMITS
//     The first kTraceOctets of the text are looked at, for hops, too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace umaya::smtpd {

inline constexpr size_t kTraceOctets = 64 * 1024;

struct Trace {
  int64_t hops = 0;                 ///< Received fields
  std::string message_id;           ///< printable; empty: none
  std::optional<int64_t> received;  ///< seconds since 1970 in the topmost Received field
};
/// Reads the header of a text that begins with the client's own first line.
Trace read_trace(std::string_view text);

/// The time of a Received field, behind its last ';' (RFC 5322 3.3). Nothing when there is none, or no zone.
std::optional<int64_t> received_time(std::string_view field);

/// "1795321083.L<32 hexadecimal digits>"; empty for a message that has no origin. now: seconds since 1970.
std::string origin_from(const Trace& trace, std::string_view sender, std::string_view text, uint64_t size, int64_t now);

}  // namespace umaya::smtpd
