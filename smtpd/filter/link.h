// NAME    link - one message on its way through a before-queue filter (smtpd_proxy_filter)
//
// SYNOPSIS
//     FilterLink link(filter, envelope, "MAIL FROM:<a@example.org> SIZE=1000");
//     Refusal refused = co_await link.rcpt("RCPT TO:<b@example.com>");
//     refused = co_await link.begin_text();
//     link.content().append(piece);  if (link.full()) co_await link.push();
//     smtp::Refusal answer = co_await link.finish();        // the filter's reply for the client, be it yes or no
//
// DESCRIPTION
//     The filter is an SMTP server: it takes the message and gives it to another smtpd (or not), and its replies go to
//     the client. Connecting, EHLO, XFORWARD (with what the filter takes of it) and MAIL come with the first recipient.
//     With speed_adjust all of that waits until the message is complete; it is kept in memory until then, as long as
//     the messages that wait in this process are small enough together. Beyond that a message goes through while it
//     arrives, as without speed_adjust.
//
//     What the filter gets is made here: lines end in CRLF, dots are doubled, a bare CR is a blank; so nothing in a
//     message can end it, whatever the filter takes for the end of a line. Commands are those of the client, which hold
//     no control characters. One command at a time, each answered before the next.
//
// OWNERSHIP
//     Filter outlives the link. A link that is destroyed half way closes its connection without an end of text: the
//     filter must drop the message.
//
// ERRORS
//     A filter that cannot be reached, goes away, answers out of step or takes longer than smtpd_proxy_timeout for a
//     step: 451 4.3.0, and the log says why. That holds for the rest of the message.
//
// LIMITS
//     64 MiB of messages wait in a process with speed_adjust. Replies: those of smtp::read_reply().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcommon/event/stream.h"
#include "libcommon/services/envelope.h"
#include "libcommon/smtp/command.h"
#include "libcommon/smtp/dot.h"
#include "libcommon/smtp/reply_reader.h"
#include "smtpd/filter/server.h"
#include "smtpd/receiver.h"

namespace umaya::smtpd {

/// The filter of a service; shared by all sessions of the process.
struct Filter {
  FilterServer server;
  dns::Resolver& resolver;
  std::string ehlo;
  Duration timeout{};
  bool speed_adjust = false;
  bool soft_bounce = false;
  size_t waiting = 0;  ///< octets of messages that wait in memory
};

class FilterLink : public Receiver {
 public:
  /// origin: what XFORWARD says of the client. mail: the client's MAIL command, without line end.
  FilterLink(Filter& filter, services::Envelope origin, std::string mail)
      : filter_(filter), origin_(std::move(origin)), mail_(std::move(mail)) {}
  ~FilterLink() override;

  /// co_await: passes a RCPT command on; gives the refusal for the client, or nothing.
  event::Task<std::optional<smtp::Refusal>> rcpt(std::string command);
  /// co_await: passes DATA on; content may follow when nothing is refused.
  event::Task<std::optional<smtp::Refusal>> begin_text();
  event::Task<void> push() override;
  bool settled() const override { return broken_.has_value(); }
  /// co_await: ends the text; the filter's reply to it.
  event::Task<smtp::Refusal> finish();

 private:
  event::Task<bool> open();
  event::Task<bool> introduce();
  event::Task<bool> replay();
  event::Task<bool> command(std::string line, int wanted);
  event::Task<bool> answer(std::string_view to, int wanted);
  event::Task<bool> send();
  event::Task<bool> send_text();
  smtp::Refusal refusal_of(const smtp::Reply& reply) const;
  bool lose(smtp::Loss loss);
  void forget_waiting();
  void close();

  Filter& filter_;
  services::Envelope origin_;
  std::string mail_;
  std::vector<std::string> later_;  ///< RCPT commands that wait for the end of the message (speed_adjust)
  std::string waiting_;             ///< text that waits
  size_t held_ = 0;                 ///< of filter_.waiting; until all of it is sent
  std::optional<event::Stream> stream_;
  smtp::Reply reply_;  ///< the last one
  smtp::DotEncoder encoder_;
  bool text_open_ = false;               ///< the filter said 354
  std::optional<smtp::Refusal> broken_;  ///< the answer to all that follows
};

}  // namespace umaya::smtpd
