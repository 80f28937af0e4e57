#include "smtp-client/transaction.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/services/xforward.h"
#include "libcommon/smtp/dot.h"
#include "libcommon/smtp/dsn.h"

namespace umaya::smtp_client {

using event::Task;
using services::BodyType;
using services::Return;

namespace {

constexpr size_t kGroupOctets = 32 * 1024;
constexpr size_t kCommandOctets = 600;  // about what the longest usual RCPT takes
constexpr size_t kFlushAt = 64 * 1024;

struct VerbText {
  std::string_view in_reply_to;
  std::string_view doing;
};

// By Transaction::Verb.
constexpr VerbText kVerbTexts[] = {
    {"RSET command", "sending RSET probe"},     {"XFORWARD command", "sending XFORWARD name/address"},
    {"MAIL FROM command", "sending MAIL FROM"}, {"RCPT TO command", "sending RCPT TO"},
    {"DATA command", "sending DATA command"},   {"end of DATA command", "sending message body"},
};

template <class Verb>
const VerbText& text_of(Verb verb) {
  return kVerbTexts[static_cast<size_t>(verb)];
}

constexpr std::string_view kInReplyToEnd = "end of DATA command";
constexpr std::string_view kSendingBody = "sending message body";
constexpr std::string_view kEndOfData = "sending end of data -- message may be sent more than once";

// ORCPT=rfc822;xtext from "rfc822;address" with the xtext undone.
std::string orcpt_parameter(const std::string& original) {
  size_t semicolon = original.find(';');
  if (semicolon == std::string::npos) return {};
  std::string_view all(original);
  return " ORCPT=" + smtp::format_orcpt(all.substr(0, semicolon), all.substr(semicolon + 1));
}

}  // namespace

/// Lists the commands; false when there is nothing to send.
bool Transaction::plan() {
  if (job_.recipients.empty()) return false;
  commands_.reserve(job_.recipients.size() + 4);
  if (session_.needs_reset) commands_.push_back({Verb::rset, 0});
  if (job_.xforward && session_.can().has(kXforward)) commands_.push_back({Verb::xforward, 0});
  commands_.push_back({Verb::mail, 0});
  for (size_t i = 0; i < job_.recipients.size(); ++i) commands_.push_back({Verb::rcpt, i});
  if (job_.probe) return true;
  const bool small = job_.size <= job_.bdat_limit && job_.recipients.size() <= 50 && job_.protocol == Protocol::smtp;
  const bool bdat = small && session_.can().has(kChunking) && session_.can().has(kPipelining) && gather_bdat();
  commands_.push_back({bdat ? Verb::bdat : Verb::data, 0});
  return true;
}

/// Encodes the text for BDAT; false when it cannot be read or has grown beyond the limit.
bool Transaction::gather_bdat() {
  smtp::DotEncoder encoder({.line_limit = job_.line_limit, .dots = smtp::DotEncoder::Dots::plain});
  auto sink = [this](std::string_view piece) { bdat_text_.append(piece); };
  for (;;) {
    Result<bool> more = job_.content.pump([&](std::string_view piece) { encoder.feed(piece, sink); });
    if (!more || bdat_text_.size() > 2 * job_.bdat_limit) {
      bdat_text_.clear();
      job_.content.rewind();
      return false;
    }
    if (!*more) break;
  }
  encoder.finish(sink);
  return true;
}

void Transaction::write_mail() {
  const Capabilities& can = session_.can();
  std::string line = "MAIL FROM:<" + job_.sender + '>';
  if (can.has(kSize)) line += " SIZE=" + std::to_string(job_.size);
  if (can.has(kEightBitMime)) {
    if (job_.eight_bit || job_.envelope.body == BodyType::eight_bit) {
      line += " BODY=8BITMIME";
    } else if (job_.envelope.body == BodyType::seven_bit) {
      line += " BODY=7BIT";
    }
  }
  if (job_.dummy_auth) line += " AUTH=<>";  // RFC 4954 5
  if (job_.envelope.smtputf8 && can.has(kSmtpUtf8)) line += " SMTPUTF8";
  if (can.has(kDsn)) {
    if (!job_.envelope.envid.empty()) line += " ENVID=" + smtp::xtext_encode(job_.envelope.envid);
    if (job_.envelope.ret == Return::full) line += " RET=FULL";
    if (job_.envelope.ret == Return::headers) line += " RET=HDRS";
  }
  session_.stream.write(line + "\r\n");
}

void Transaction::write_rcpt(size_t index) {
  const services::Recipient& rcpt = *job_.recipients[index];
  std::string line = "RCPT TO:<" + job_.addresses[index] + '>';
  if (session_.can().has(kDsn)) {
    if (rcpt.notify != 0) line += " NOTIFY=" + smtp::format_notify(rcpt.notify);
    if (!rcpt.dsn_original.empty()) line += orcpt_parameter(rcpt.dsn_original);
  }
  session_.stream.write(line + "\r\n");
}

void Transaction::write_command(const Command& command) {
  switch (command.verb) {
    case Verb::rset:
      return session_.stream.write("RSET\r\n");
    case Verb::xforward:
      return session_.stream.write(xforward_command(job_.envelope, session_.can().xforward));
    case Verb::mail:
      return write_mail();
    case Verb::rcpt:
      return write_rcpt(command.recipient);
    case Verb::data:
      return session_.stream.write("DATA\r\n");
    case Verb::bdat:
      session_.stream.write("BDAT " + std::to_string(bdat_text_.size()) + " LAST\r\n");
      session_.stream.write(bdat_text_);
  }
}

/// The end of the group of commands that is sent in one write, without PIPELINING one command.
size_t Transaction::group_end(size_t first) const {
  if (!session_.can().has(kPipelining)) return first + 1;
  return std::min(commands_.size(), first + std::max<size_t>(1, kGroupOctets / kCommandOctets));
}

Duration Transaction::limit_of(Verb verb) const {
  switch (verb) {
    case Verb::rset:
      return job_.timeouts.rset;
    case Verb::xforward:
      return job_.timeouts.xforward;
    case Verb::mail:
      return job_.timeouts.mail;
    case Verb::rcpt:
      return job_.timeouts.rcpt;
    case Verb::data:
      return job_.timeouts.data_init;
    case Verb::bdat:
      break;
  }
  return job_.timeouts.data_done;
}

/// Whether it still makes sense to send a command, after what the server has said so far.
bool Transaction::wanted(const Command& command) const {
  if (command.verb == Verb::rcpt) return !mail_failed_;
  if (command.verb == Verb::data || command.verb == Verb::bdat) return accepted() > 0;
  return true;
}

size_t Transaction::accepted() const {
  return static_cast<size_t>(std::ranges::count(outcomes_, Outcome::Kind::accepted, &Outcome::kind));
}

Task<void> Transaction::run() {
  if (!session_.stream.buffered().empty()) {
    co_return break_off(Loss::garbage, "sending MAIL FROM");  // an answer before the question: out of step
  }
  if (!plan()) co_return;
  session_.needs_reset = true;
  size_t first = 0;
  while (first < commands_.size()) {
    const size_t last = group_end(first);
    bool alive = co_await run_group(first, last);
    if (!alive) co_return;
    first = last;
  }
  if (!data_open_) co_return;
  if (accepted() == 0) {
    co_await end_without_text();
    co_return;
  }
  bool sent = co_await send_text();
  if (sent) co_await final_replies();
}

/// Sends the commands [first, last) and takes their replies; false when the connection broke.
Task<bool> Transaction::run_group(size_t first, size_t last) {
  if (last - first == 1 && !wanted(commands_[first])) co_return true;
  if (first > 0 && mail_failed_) co_return true;
  for (size_t i = first; i < last; ++i) write_command(commands_[i]);
  auto loss = co_await session_.send(limit_of(commands_[first].verb));
  if (loss) {
    co_await last_words(*loss, text_of(commands_[first].verb).doing);
    co_return false;
  }
  for (size_t i = first; i < last; ++i) {
    const Command& command = commands_[i];
    ReplyOrLoss reply = co_await session_.reply(limit_of(command.verb));
    if (!reply) {
      break_off(reply.error(), command.verb == Verb::bdat ? kEndOfData : text_of(command.verb).doing);
      co_return false;
    }
    answered_ = true;
    take_reply(command, *reply);
    if (reply->code == 421) close_after(said(session_.peer(), *reply, text_of(command.verb).in_reply_to));
    if (broken_) co_return false;
  }
  co_return true;
}

void Transaction::take_reply(const Command& command, const smtp::Reply& reply) {
  const std::string_view in_reply_to = text_of(command.verb).in_reply_to;
  switch (command.verb) {
    case Verb::rset:
    case Verb::xforward:
      return;
    case Verb::mail:
      if (reply.severity() == 2) return;
      mail_failed_ = true;
      for (Outcome& o : outcomes_) {
        o.kind = Outcome::Kind::failed;
        o.failure = said(session_.peer(), reply, in_reply_to);
      }
      return;
    case Verb::rcpt:
      return take_rcpt_reply(command.recipient, reply);
    case Verb::data:
      data_open_ = reply.severity() == 3;
      if (!data_open_) fail_accepted(said(session_.peer(), reply, in_reply_to));
      return;
    case Verb::bdat:
      session_.needs_reset = reply.severity() != 2;
      if (reply.code == 500 || reply.code == 502 || reply.code == 504) {
        // The text was taken for commands: the conversation is out of step, nothing it says about the mail counts.
        bdat_refused_ = true;
        Failure failure = said(session_.peer(), reply, "BDAT command");
        failure.soften();
        fail_accepted(failure);
        return close_after(std::move(failure));
      }
      take_final_reply(reply, outcomes_.size());
  }
}

void Transaction::take_rcpt_reply(size_t index, const smtp::Reply& reply) {
  if (mail_failed_) return;
  Outcome& outcome = outcomes_[index];
  if (reply.severity() == 2) {
    outcome.kind = job_.probe ? Outcome::Kind::sent : Outcome::Kind::accepted;
    if (job_.probe) outcome.text = reply_text(reply);
    if (job_.probe) outcome.dsn = dsn_of(reply);
    return;
  }
  outcome.kind = Outcome::Kind::failed;
  outcome.failure = said(session_.peer(), reply, text_of(Verb::rcpt).in_reply_to);
  if (reply.code == 552) outcome.failure.soften();  // RFC 5321 4.5.3.1.10: "too many recipients" of old servers
}

/// The verdict on the text: for one recipient (LMTP), or for all that were accepted when index is beyond the last.
void Transaction::take_final_reply(const smtp::Reply& reply, size_t index) {
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    Outcome& outcome = outcomes_[i];
    if (outcome.kind != Outcome::Kind::accepted || (index < outcomes_.size() && i != index)) continue;
    if (reply.severity() == 2) {
      outcome.kind = Outcome::Kind::sent;
      outcome.text = reply_text(reply);
      outcome.dsn = dsn_of(reply);
    } else {
      outcome.kind = Outcome::Kind::failed;
      outcome.failure = said(session_.peer(), reply, kInReplyToEnd);
    }
  }
}

void Transaction::fail_accepted(const Failure& failure) {
  for (Outcome& o : outcomes_) {
    if (o.kind != Outcome::Kind::accepted) continue;
    o.kind = Outcome::Kind::failed;
    o.failure = failure;
  }
}

/// The server opened DATA although it took no recipient: end the text at once (RFC 2920 3.1).
Task<void> Transaction::end_without_text() {
  session_.stream.write(".\r\n");
  auto loss = co_await session_.send(job_.timeouts.data_xfer);
  if (loss) co_return break_off(*loss, kEndOfData);
  ReplyOrLoss reply = co_await session_.reply(job_.timeouts.data_done);
  if (!reply) break_off(reply.error(), kEndOfData);
}

/// Sends the text and its end mark; small ones in one write.
Task<bool> Transaction::send_text() {
  smtp::DotEncoder encoder({.line_limit = job_.line_limit});
  auto out = [this](std::string_view piece) { session_.stream.write(piece); };
  auto encode = [&encoder, &out](std::string_view piece) { encoder.feed(piece, out); };
  for (bool more = true; more;) {
    Result<bool> pumped = job_.content.pump(encode);
    if (!pumped) {
      Failure failure;
      failure.dsn = "4.3.0";
      failure.text = "local data error while talking to " + session_.peer().name_and_address();
      session_.dead = true;  // no end mark may follow: half a message must not be taken for a whole one
      broken_ = std::move(failure);
      co_return false;
    }
    more = *pumped;
    if (!more) encoder.finish(out);
    if (more && session_.stream.unsent() < kFlushAt) continue;
    auto loss = co_await session_.send(job_.timeouts.data_xfer);
    if (loss) {
      co_await last_words(*loss, kSendingBody);
      co_return false;
    }
  }
  co_return true;
}

/// The replies after the end of the text.
Task<void> Transaction::final_replies() {
  const bool each = job_.protocol == Protocol::lmtp;
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    if (outcomes_[i].kind != Outcome::Kind::accepted) continue;
    ReplyOrLoss reply = co_await session_.reply(job_.timeouts.data_done);
    if (!reply) {
      break_off(reply.error(), kEndOfData);
      co_return;
    }
    take_final_reply(*reply, each ? i : outcomes_.size());
    if (reply->code == 421) session_.throttled = true;
    if (!each) break;
  }
  session_.needs_reset = false;
}

/// The server closed while we were sending: it may have said why.
Task<void> Transaction::last_words(Loss loss, std::string_view doing) {
  constexpr Duration kPatience = std::chrono::seconds(1);
  if (loss == Loss::closed) {
    ReplyOrLoss reply = co_await session_.reply(kPatience);
    if (reply && reply->severity() >= 4) {
      session_.dead = true;
      answered_ = true;
      close_after(said(session_.peer(), *reply, kInReplyToEnd));
      fail_accepted(*broken_);
      co_return;
    }
  }
  break_off(loss, doing);
}

/// The server has said that it closes, or is out of step: what it did not speak about waits for another connection.
void Transaction::close_after(Failure failure) {
  session_.dead = session_.throttled = true;
  failure.is_site = true;
  broken_ = std::move(failure);
}

void Transaction::break_off(Loss loss, std::string_view doing) {
  session_.dead = true;
  if (!broken_) broken_ = lost(session_.peer(), loss, doing);
}

}  // namespace umaya::smtp_client
