// NAME    message_sender - one message on its way to the client (RETR, TOP)
//
// SYNOPSIS
//     MessageSender sender(client, offload, std::move(body), utf8);
//     auto octets = co_await sender.send_whole(size);       // or send_top(lines)
//
// DESCRIPTION
//     Reads block by block, encodes, sends; a small message is only gathered, so that answers to commands that came
//     together leave together. Reading never waits for the disk on the loop where others share the process: what is
//     not in memory is read on another thread.
//
// OWNERSHIP
//     client and offload outlive it.
//
// ERRORS
//     Before begun() nothing was written to the client, and the error can be answered. After that the connection has to
//     be closed.
#pragma once

#include <memory>
#include <string>

#include "libcommon/event/stream.h"
#include "libcommon/mailbox/pop_box.h"
#include "pop3d/message_encoder.h"
#include "pop3d/sessions/offload.h"
#include "pop3d/top_filter.h"

namespace umaya::pop3d {

class MessageSender {
 public:
  MessageSender(event::Stream& client, Offload& offload, mailbox::PopBox::Body body, bool utf8);
  /// The whole message; size as it is stored, on the wire. Gives the octets sent.
  event::Task<Result<uint64_t>> send_whole(uint64_t size);
  /// Header and first lines of the body.
  event::Task<Result<uint64_t>> send_top(uint64_t body_lines);
  bool begun() const { return begun_; }
  bool client_gone() const { return client_gone_; }

 private:
  static constexpr size_t kBlock = 64 * 1024;
  static constexpr size_t kSmall = 16 * 1024;

  event::Task<Result<uint64_t>> send(std::string head, std::string_view first, TopFilter filter);
  event::Task<Result<std::string_view>> read_block();
  std::string_view replace_header(std::string_view block, uint64_t* size);
  event::Task<Result<void>> give(std::string_view text);
  Result<size_t> read_now(size_t want);

  event::Stream& client_;
  Offload& offload_;
  // Shared with a thread that reads, which may outlive a session that is cut short.
  std::shared_ptr<mailbox::PopBox::Body> body_;
  std::shared_ptr<char[]> block_;
  size_t block_size_;
  std::unique_ptr<char[]> out_;
  uint64_t offset_ = 0;
  bool utf8_;
  bool begun_ = false, client_gone_ = false;
  std::string first_;  // what is sent instead of the first block
  MessageEncoder encoder_;
  uint64_t sent_ = 0;
};

}  // namespace umaya::pop3d
