// NAME    transaction - a POP3 session with its mailbox (TRANSACTION and UPDATE state)
//
// DESCRIPTION
//     Runs with the rights of the mailbox's owner. What was marked by DELE is removed at QUIT only, and is durably gone
//     before QUIT is answered; a connection that breaks off removes nothing (RFC 1939 section 6). What was fetched with
//     RETR is marked as read when the session ends, however it ends, unless pop3_no_flag_updates is set.
//
//     A client that has not given UTF8 gets UTF-8 in headers as header_surrogate.h says. Sizes in STAT and LIST are
//     those of the message as it is stored; for such a message they differ from what RETR sends, whose first line has
//     the exact number.
//
// LIMITS
//     pop3_timeout for a command; pop3_bad_command_limit wrong commands. A message is sent block by block, a list in
//     pieces. Headers of more than 64 KiB are sent as they are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/event/stream.h"
#include "libcommon/mailbox/pop_box.h"
#include "pop3d/command.h"
#include "pop3d/params.h"
#include "pop3d/sessions/offload.h"

namespace umaya::pop3d {

class Transaction {
 public:
  struct Owner {
    std::string user;
    std::string session;  ///< the log's name of the session
    bool utf8 = false;
  };
  // Shared with work on another thread, which may outlive a session that is cut short.
  using SharedBox = std::shared_ptr<mailbox::PopBox>;

  /// All references outlive the session.
  Transaction(event::Stream& client, SharedBox box, Offload& offload, const Params& params, Owner owner);
  /// Answers the log-in and goes on until the client leaves.
  event::Task<void> run();
  /// The administrator ends the session; deletes nothing.
  void end();

 private:
  enum class Next : unsigned char { go_on, hang_up };
  enum class Kind : unsigned char { sizes, ids };
  enum Mark : uint8_t { kDeleted = 1, kRead = 2 };

  event::Task<void> converse();
  event::Task<Next> dispatch(std::string line);
  event::Task<Next> top(const Command* command, size_t i);
  event::Task<Next> stat();
  event::Task<Next> list(Kind kind);
  event::Task<Next> quit();
  event::Task<void> mark_seen();
  event::Task<Next> send_message(size_t i, uint64_t body_lines);
  Next simple(Verb verb, const Command& command);
  Next list_one(Kind kind, size_t i);
  Next dele(size_t i);
  Next complain(std::string_view text);
  Next trouble(const Error& error);
  /// Index of the message that argument i names, if it exists and is not deleted; otherwise a complaint was written.
  std::optional<size_t> message(const Command& command);
  /// Octets of what is not deleted.
  event::Task<Result<uint64_t>> total();
  /// Messages that carry exactly this mark.
  std::vector<size_t> marked(uint8_t mark, uint8_t looked_at) const;
  void log_end() const;

  event::Stream& client_;
  SharedBox box_;
  Offload& offload_;
  const Params& params_;
  Owner owner_;
  std::vector<uint8_t> marks_;  // of each message
  std::optional<uint64_t> box_octets_;
  size_t deleted_ = 0;
  uint64_t deleted_octets_ = 0;
  int bad_commands_ = 0;
  bool waiting_ = false;  // for a command
  std::string_view how_ = "Connection closed";
  size_t tops_ = 0, retrieved_ = 0, removed_ = 0;
  uint64_t top_octets_ = 0, retrieved_octets_ = 0;
};

}  // namespace umaya::pop3d
