// NAME    handover - one message on its way to cleanup
//
// SYNOPSIS
//     Handover message(pool, std::move(submission));
//     message.content().append(piece);
//     if (message.full()) co_await message.push();
//     cleanup::Outcome outcome = co_await message.finish();
//
// DESCRIPTION
//     Gathers content in one block; a message that fits into it goes over in a single packet, a larger one block by
//     block. A connection from the pool is taken with the first packet and goes back after the outcome. Destroying the
//     object before that closes the connection, and cleanup drops the message.
//
// ERRORS
//     A cleanup service that is not there, goes away or takes longer than an hour gives a deferred outcome, 451 4.3.0.
//
// LIMITS
//     At most kContentBlock and one network block are held.
#pragma once

#include <optional>
#include <string>

#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/services/cleanup.h"
#include "smtpd/receiver.h"

namespace umaya::smtpd {

class Handover : public Receiver {
 public:
  Handover(ipc::ChannelPool& pool, services::cleanup::Submission submission)
      : pool_(pool), submission_(std::move(submission)) {}
  /// A message that is given up half way takes its connection with it.
  ~Handover() override {
    if (channel_) channel_->drop();
  }

  event::Task<void> push() override;
  /// Sends the rest and waits for the outcome.
  event::Task<services::cleanup::Outcome> finish();
  services::cleanup::Submission& submission() { return submission_; }
  /// The service has said no while the message still arrived, or went away: nothing more is sent.
  bool settled() const override { return early_.has_value(); }

 private:
  event::Task<Result<void>> start(bool last_content);
  event::Task<Result<void>> send_recipients(std::vector<services::Recipient> recipients);
  event::Task<Result<void>> send_content(bool last);
  void settle(const Error& error);

  ipc::ChannelPool& pool_;
  services::cleanup::Submission submission_;
  std::optional<ipc::ChannelPool::Lease> channel_;
  std::optional<services::cleanup::Outcome> early_;
};

}  // namespace umaya::smtpd
