// NAME    message_file - a message in memory, with a descriptor that delivery agents can read
//
// SYNOPSIS
//     MessageFile file(memory);
//     file.content().append(piece);  if (file.full()) co_await file.push();
//     if (auto error = file.close()) …452…
//     hand_over(file.fd(), file.size());
//
// DESCRIPTION
//     A memfd (memfd_create(2)): lmtpd has no directory to write in. It is not flushed to any disk, for the client
//     keeps its copy until it has our replies.
//
// OWNERSHIP
//     Memory outlives the file.
//
// ERRORS
//     When the system or Memory has no more to give, what follows is dropped, and close() says so.
//
// LIMITS
//     Memory::limit octets for all messages of the process together; one message alone may always be there.
#pragma once

#include <cstdint>
#include <optional>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "smtpd/receiver.h"

namespace umaya::smtpd {

/// What the messages of a process hold.
struct Memory {
  uint64_t limit = 0;
  uint64_t held = 0;
  /// Whether a message of this size may begin.
  bool has_room(uint64_t size) const { return held == 0 || held + size <= limit; }
};

class MessageFile : public Receiver {
 public:
  explicit MessageFile(Memory& memory) : memory_(memory) {}
  ~MessageFile() override { memory_.held -= size_; }

  event::Task<void> push() override;
  bool settled() const override { return error_.has_value(); }
  /// The message is complete. Gives what went wrong with it.
  std::optional<Error> close();
  int fd() const { return fd_.get(); }
  uint64_t size() const { return size_; }
  /// Bytes above 127 are in it.
  bool eight_bit() const { return eight_bit_; }
  /// The first octets, of those that were written.
  Result<std::string> read_start(uint64_t offset, size_t octets) const;

 private:
  Result<> append(std::string_view bytes);

  Memory& memory_;
  Fd fd_;
  uint64_t size_ = 0;
  bool eight_bit_ = false;
  std::optional<Error> error_;
};

}  // namespace umaya::smtpd
