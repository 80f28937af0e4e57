// NAME    cleanup_client - posts one message through cleanup
//
// SYNOPSIS
//     UMAYA_CO_TRY(auto lease, pool.lease());
//     auto outcome = co_await cleanup::post(*lease, std::move(submission), source, 1h);
//
// DESCRIPTION
//     Sends a Submission with all of its recipients, as many packets as it takes, then the content from a source, and
//     waits for the Outcome. A message of up to 64 KiB goes over in one packet.
//
// OWNERSHIP
//     Channel and source outlive the task.
//
// ERRORS
//     An error means that nothing is known about the message: post it again. Drop the channel then.
#pragma once

#include <span>
#include <string_view>

#include "libcommon/ipc/channel.h"
#include "libcommon/services/cleanup.h"

namespace umaya::services::cleanup {

/// Where content comes from.
class ContentSource {
 public:
  virtual ~ContentSource() = default;
  /// Fills the buffer as far as it can; 0 at the end.
  virtual Result<size_t> read(std::span<char> buffer) = 0;
};

/// Posts a message; content and the last_ marks of the submission are set here. limit is for each step.
event::Task<Result<Outcome>> post(ipc::Channel& channel, Submission submission, ContentSource& source, Duration limit);

}  // namespace umaya::services::cleanup
