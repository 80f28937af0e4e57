// NAME    queue_envelope - the envelope as services pass it on, and as the queue file keeps it
//
// SYNOPSIS
//     queue::MessageWriter writer(std::move(fd), services::to_file(submission.envelope));
//     request.envelope = services::from_file(queue_id, reader.envelope());
//
// DESCRIPTION
//     Attributes with a field of their own in the queue file go there (client_name, helo_name …), others are kept by
//     name. Nothing is lost on the way there and back but attributes without a value.
#pragma once

#include <string>

#include "libcommon/queue/envelope.h"
#include "libcommon/services/envelope.h"

namespace umaya::services {

queue::Envelope to_file(const Envelope& envelope);
Envelope from_file(std::string queue_id, const queue::Envelope& stored);

}  // namespace umaya::services
