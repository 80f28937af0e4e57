// NAME    transaction - one message over one session: MAIL, RCPT, DATA or BDAT, and what the server says to each
//
// SYNOPSIS
//     Transaction transaction(session, job);
//     co_await transaction.run();
//     for (const Outcome& o : transaction.outcomes()) …
//     if (transaction.broken()) …          // the connection is of no more use
//
// DESCRIPTION
//     With PIPELINING a group of commands goes out in one write, DATA at its end; the text and its end mark follow in
//     one write too when they are small. When the server takes BDAT and the text is small, the whole transaction is one
//     write and one round trip (not with LMTP). Replies are taken in order; the first failure of MAIL decides for all
//     recipients. LMTP: one reply for each accepted recipient after the end of the text (RFC 2033 4.2).
//
// OWNERSHIP
//     Borrows session and job, which outlive it.
//
// ERRORS
//     Every recipient has an outcome; those that the server never spoke about stay undecided, and broken() says why.
//
// LIMITS
//     At most 32 KiB of commands wait for their replies (no dead-lock of two full sockets).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcommon/services/delivery.h"
#include "smtp-client/content.h"
#include "smtp-client/session.h"

namespace umaya::smtp_client {

/// What became of one recipient in this transaction.
struct Outcome {
  enum class Kind : uint8_t { undecided, accepted, sent, failed };
  Kind kind = Kind::undecided;
  std::string text{};  ///< sent: the server's reply
  std::string dsn{};   ///< sent
  Failure failure{};   ///< failed
};

/// Time limits of the steps.
struct Timeouts {
  Duration mail{}, rcpt{}, data_init{}, data_xfer{}, data_done{}, rset{}, xforward{};
};

/// What is to be sent.
struct Job {
  Protocol protocol = Protocol::smtp;
  const services::Envelope& envelope;
  std::string sender;                                    ///< external form
  std::vector<const services::Recipient*> recipients{};  ///< to whom
  std::vector<std::string> addresses{};                  ///< of the same, external form
  Content& content;
  uint64_t size = 0;        ///< for SIZE=
  bool eight_bit = false;   ///< the text holds bytes above 127
  size_t line_limit = 998;  ///< smtp_line_length_limit
  bool xforward = false;    ///< tell the server where the message came from
  uint64_t bdat_limit = 0;  ///< texts up to this size go by BDAT where the server has it
  bool dummy_auth = false;  ///< smtp_send_dummy_mail_auth, on a session with a log-in
  bool probe = false;       ///< ask about the recipients only, send no text (sendmail -bv)
  Timeouts timeouts{};
};

class Transaction {
 public:
  Transaction(Session& session, Job& job) : session_(session), job_(job), outcomes_(job.recipients.size()) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  event::Task<void> run();

  const std::vector<Outcome>& outcomes() const { return outcomes_; }
  /// Why the connection broke; nothing when it is still good.
  const std::optional<Failure>& broken() const { return broken_; }
  /// The server has answered at least one command of this transaction.
  bool was_answered() const { return answered_; }
  /// BDAT was refused as a command that the server does not know: use DATA with it from now on.
  bool bdat_refused() const { return bdat_refused_; }

 private:
  enum class Verb : uint8_t { rset, xforward, mail, rcpt, data, bdat };
  struct Command {
    Verb verb;
    size_t recipient;
  };
  bool plan();
  void write_command(const Command& command);
  void write_mail();
  void write_rcpt(size_t index);
  event::Task<bool> run_group(size_t first, size_t last);
  size_t group_end(size_t first) const;
  Duration limit_of(Verb verb) const;
  bool wanted(const Command& command) const;
  void take_reply(const Command& command, const smtp::Reply& reply);
  void take_rcpt_reply(size_t index, const smtp::Reply& reply);
  void take_final_reply(const smtp::Reply& reply, size_t index);
  event::Task<bool> send_text();
  event::Task<void> end_without_text();
  event::Task<void> final_replies();
  event::Task<void> last_words(Loss loss, std::string_view doing);
  bool gather_bdat();
  void close_after(Failure failure);
  void break_off(Loss loss, std::string_view doing);
  void fail_accepted(const Failure& failure);
  size_t accepted() const;

  Session& session_;
  Job& job_;
  std::vector<Outcome> outcomes_;
  std::vector<Command> commands_;
  std::string bdat_text_;  // encoded text of a BDAT transaction
  std::optional<Failure> broken_;
  bool answered_ = false;
  bool mail_failed_ = false;
  bool data_open_ = false;  // the server said 354
  bool bdat_refused_ = false;
};

}  // namespace umaya::smtp_client
