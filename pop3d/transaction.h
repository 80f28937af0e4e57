// NAME    transaction - a POP3 session with its mailbox (TRANSACTION and UPDATE state)
//
// DESCRIPTION
//     Runs with the rights of the mailbox's owner. What was marked by DELE is removed at QUIT only, and is durably gone
//     before QUIT is answered; a connection that breaks off removes nothing (RFC 1939 section 6).
//
// LIMITS
//     pop3_timeout for a command; pop3_bad_command_limit wrong commands. A message is sent block by block.
#pragma once

#include <string>
#include <vector>

#include "libcommon/event/stream.h"
#include "libcommon/mailbox/pop_box.h"
#include "pop3d/command.h"
#include "pop3d/params.h"

namespace umaya::pop3d {

class Transaction {
 public:
  /// All arguments outlive the session.
  Transaction(event::Stream& client, mailbox::PopBox& box, const Params& params, std::string user)
      : client_(client), box_(box), params_(params), user_(std::move(user)), deleted_(box.count(), false) {}
  /// Answers the log-in and goes on until the client leaves.
  event::Task<void> run();

 private:
  enum class Next : unsigned char { go_on, hang_up };
  event::Task<Next> dispatch(std::string line);
  Next single(const Command& command, const VerbInfo& verb);
  event::Task<Next> send_message(size_t i, uint64_t body_lines);
  Next complain(std::string_view text);
  Next trouble(const Error& error);
  Next stat();
  Next list(const Command& command);
  Next uidl(const Command& command);
  Next dele(const Command& command);
  Next rset();
  Next quit();
  /// Index of the message that argument i names, if it exists and is not deleted; otherwise a complaint was written.
  std::optional<size_t> message(const Command& command);
  /// Sizes of all messages that are not deleted.
  Result<uint64_t> total(size_t& count);
  void log_end(std::string_view how) const;

  event::Stream& client_;
  mailbox::PopBox& box_;
  const Params& params_;
  std::string user_;
  std::vector<bool> deleted_;
  int bad_commands_ = 0;
  size_t tops_ = 0, retrieved_ = 0, removed_ = 0;
  uint64_t top_octets_ = 0, retrieved_octets_ = 0;
};

}  // namespace umaya::pop3d
