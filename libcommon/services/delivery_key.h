// NAME    delivery_key - names a delivery so that a second try of it is known as one
//
// SYNOPSIS
//     job.key = delivery_key(envelope, recipient);                        // of a file in a Maildir
//     set_origin(new_message, origin_of(envelope, {recipient, parts…}));  // of a message made from another one
//
// DESCRIPTION
//     When a process is killed after it has delivered and before the queue knows, the delivery is made again. The key
//     is the same for each try to bring this message to this recipient, and for nothing else. A message that is made
//     from another one (mail that an alias or a .forward file sends on, a notice of a failure) gets a queue id of its
//     own with each try. Its attribute kOriginAttribute says what it was made from, and its keys come from there: so
//     the second one brings no second copy to a Maildir either.
//
// LIMITS
//     A key is a safe part of a file name of at most 128 characters; an origin that is none is passed over.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "libcommon/services/envelope.h"

namespace umaya::services {

inline constexpr std::string_view kOriginAttribute = "delivery_origin";

/// "1795321083.M083120Q4F0A1BC23DEK<16 digits>", or the origin of the message with the last part.
std::string delivery_key(const Envelope& envelope, const Recipient& to);
/// Of a message made from this one; the parts tell several such messages apart.
std::string origin_of(const Envelope& envelope, std::initializer_list<std::string_view> parts);
/// Replaces the origin that was copied from the old message's envelope.
void set_origin(Envelope& envelope, std::string origin);

}  // namespace umaya::services
