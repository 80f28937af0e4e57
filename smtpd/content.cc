// NAME    content - DATA and BDAT: taking the message and handing it to cleanup
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/received.h"
#include "libcommon/smtp/reply.h"
#include "smtpd/session.h"

namespace umaya::smtpd {

using event::Read;
using event::ReadStatus;
using event::Task;
namespace cleanup = services::cleanup;

/// Octets beyond the size limit that are read and dropped before the client is sent away.
static constexpr uint64_t kDrainLimit = 16 * 1024 * 1024;

std::string Session::trace_headers() const {
  const Transaction& t = *transaction_;
  std::string out;
  for (const std::string& header : t.actions.prepend) out.append(header).append("\r\n");
  message::ReceivedFrom received;
  received.helo = helo_;
  received.client_name = client_.name;
  received.client_address = client_.rfc_address;
  if (login_ && shared_.logins && shared_.logins->settings().show_in_header) received.auth_user = login_->user;
  received.myhostname = params_.myhostname;
  received.mail_name = params_.mail_name;
  std::string with = protocol();
  received.protocol = with;
  std::string clauses = tls_clauses();
  received.tls = clauses;
  received.queue_id = t.queue_id;
  // Not with LMTP: a message that comes again for some of its recipients shall be the same (lmtp/trace.h).
  if (t.recipients.size() == 1 && !lmtp()) received.recipient = t.recipients[0].address;
  received.seconds = t.arrival_usec / 1'000'000;
  received.hide_client = params_.hide_client_session;
  out.append(message::received_from(received));
  return out;
}

services::Envelope Session::make_envelope() const {
  const Transaction& t = *transaction_;
  services::Envelope envelope;
  envelope.queue_id = t.queue_id;
  envelope.sender = t.sender;
  envelope.envid = t.envid;
  envelope.ret = t.ret == smtp::Ret::full      ? services::Return::full
                 : t.ret == smtp::Ret::headers ? services::Return::headers
                                               : services::Return::not_given;
  envelope.body = t.body == smtp::BodyType::eight_bit_mime ? services::BodyType::eight_bit
                  : t.body == smtp::BodyType::seven_bit    ? services::BodyType::seven_bit
                                                           : services::BodyType::not_given;
  envelope.smtputf8 = t.smtputf8;
  envelope.arrival_usec = t.arrival_usec;
  return envelope;
}

cleanup::Submission Session::make_submission() const {
  const Transaction& t = *transaction_;
  cleanup::Submission s;
  s.envelope = make_envelope();
  bool rewrite = mode_ == Mode::stand_alone || (client_.trusted && shared_.rewrite_for_trusted) ||
                 (client_.own_interface && shared_.rewrite_for_interfaces) || (login_ && shared_.rewrite_for_logins);
  if (!rewrite && shared_.rewrite_clients) {
    rewrite = table::find_client_access(*shared_.rewrite_clients, client_.name, client_.address_text,
                                        table::ParentStyle::bare)
                  .lookup.found();
  }
  if (forwarded_) rewrite = forwarded_->local;
  s.envelope.attributes.push_back({"rewrite_context", rewrite ? "local" : "remote"});
  if (mode_ == Mode::network) add_client_attributes(s.envelope);
  if (!t.verp_delimiters.empty()) s.envelope.attributes.push_back({"verp_delimiters", t.verp_delimiters});
  s.options = shared_.submission_options | (rewrite ? uint32_t{cleanup::kRewriteLocally} : 0) |
              (t.actions.hold ? uint32_t{cleanup::kHold} : 0);
  s.size_hint = t.declared_size;
  s.content_filter = t.actions.filter.empty() ? params_.content_filter : t.actions.filter;
  s.redirect = t.actions.redirect;
  s.bcc = t.actions.bcc;
  s.recipients = t.recipients;
  return s;
}

std::optional<smtp::Refusal> Session::order_refusal(bool bdat) const {
  if (!transaction_ || (transaction_->recipients.empty() && transaction_->refused == 0)) {
    return smtp::Refusal{503, "5.5.1", transaction_ ? "Error: need RCPT command" : "Error: need MAIL command"};
  }
  // RFC 2033 4.2: with LMTP 503.
  if (transaction_->recipients.empty()) return smtp::Refusal{lmtp() ? 503 : 554, "5.5.1", "Error: no valid recipients"};
  if (!bdat && transaction_->bdat) return smtp::Refusal{503, "5.5.1", "Error: DATA after BDAT"};
  return {};
}

/// Makes the place for the content; the refusal is that of a before-queue filter.
Task<Refusal> Session::begin_content() {
  Transaction& t = *transaction_;
  if (t.filter) {
    Refusal refusal = co_await t.filter->begin_text();
    if (refusal) co_return refusal;
    t.receiver = t.filter.get();
  } else if (lmtp()) {
    t.file = std::make_unique<MessageFile>(shared_.mailboxes->memory());
    t.receiver = t.file.get();
  } else {
    t.handover = std::make_unique<Handover>(shared_.cleanup, make_submission());
    t.receiver = t.handover.get();
  }
  t.receiver->content() = trace_headers();
  t.head_size = t.receiver->content().size();
  co_return std::nullopt;
}

/// Passes on what was gathered. The time that takes is not the client's.
Task<void> Session::push() {
  TimePoint before = monotonic_now();
  co_await transaction_->receiver->push();
  data_start_ += monotonic_now() - before;
}

void Session::set_data_deadline(uint64_t octets) {
  // The whole transfer must be faster than smtpd_min_data_rate, after a first grace of smtpd_timeout.
  if (octets == 0) data_start_ = monotonic_now();
  auto earned = std::chrono::seconds(octets / std::max<uint64_t>(params_.min_data_rate, 1));
  stream_.set_deadline(data_start_ + shared_.patience().timeout + earned);
}

/// A first line "From …" of an mbox is renamed, and a first line that begins with a blank is no continuation of ours.
void Session::settle_first_line(bool all_there) {
  Transaction& t = *transaction_;
  if (t.first_line_known) return;
  std::string& content = t.receiver->content();
  std::string_view start = std::string_view(content).substr(t.head_size);
  constexpr size_t kEnough = 64;
  if (!all_there && start.size() < kEnough && start.find('\n') == std::string_view::npos) return;
  t.first_line_known = true;
  if (start.empty()) return;
  size_t marks = start.find_first_not_of('>');
  if (marks != std::string_view::npos && start.substr(marks).starts_with("From ")) {
    content.insert(t.head_size, "X-Mailbox-Line: ");
  } else if (start[0] == ' ' || start[0] == '\t') {
    content.insert(t.head_size, "\r\n");
  }
}

/// Takes decoded content: counts, and keeps it as long as it is within the limit.
void Session::add_content(std::string_view piece) {
  Transaction& t = *transaction_;
  t.size += piece.size();
  if (params_.message_size_limit > 0 && t.size > params_.message_size_limit) t.too_big = true;
  if (t.too_big || t.receiver->settled()) return;
  t.receiver->content().append(piece);
}

Task<bool> Session::do_data(std::string_view arguments) {
  if (!arguments.empty()) co_return fail(501, "5.5.4", "Syntax: DATA");
  if (auto refused = order_refusal(false)) co_return fail(*refused);
  if (restricted()) {
    Question q = question("DATA");
    if (transaction_->recipients.size() == 1) q.recipient = transaction_->recipients[0].address;
    Refusal refusal = co_await shared_.policy.check_data(q, transaction_->actions);
    if (refusal) {
      // RFC 5321 3.3: a refused DATA leaves the transaction; the client may only RSET or QUIT it.
      co_return fail(*refusal);
    }
  }
  Refusal refused = co_await begin_content();
  if (refused) co_return fail(*refused);
  reply_line("354 End data with <CR><LF>.<CR><LF>\r\n");
  Result<void> sent = co_await stream_.flush();
  bool received = false;
  if (sent) received = co_await receive_dotted();
  stream_.set_deadline(TimePoint::max());
  if (!received) {
    hang_up();
    co_return false;
  }
  co_return co_await finish_message("");
}

Task<bool> Session::receive_dotted() {
  Transaction& t = *transaction_;
  // Nobody speaks LMTP with lines of his own.
  bool lenient =
      !lmtp() && (params_.bare_newline == BareNewline::no ||
                  shared_.bare_newline_exempt.matches_client(client_.name, client_.address_text) == table::Match::yes);
  smtp::DotDecoder::Options options;
  options.lf_ends_text = lenient && !crlf_seen_ && bare_lf_seen_;
  smtp::DotDecoder decoder(options);
  auto take = [this](std::string_view piece) { add_content(piece); };
  data_octets_ = 0;
  while (!decoder.done()) {
    set_data_deadline(data_octets_);
    Read block = co_await stream_.read_some();
    if (!block) {
      end_reason_ = block.status == ReadStatus::timed_out ? "timeout" : "lost connection";
      if (block.status == ReadStatus::timed_out) {
        reply(421, "4.4.2", params_.myhostname + " Error: timeout exceeded");
      }
      co_return false;
    }
    size_t used = decoder.feed(block.data, take);
    stream_.unread(block.data.size() - used);
    data_octets_ += used;
    settle_first_line(decoder.done());
    if (t.too_big) {
      if (t.size > params_.message_size_limit + kDrainLimit) {
        reply(421, "4.3.4", params_.myhostname + " Error: message too big");
        co_return false;
      }
    } else if (t.receiver->full()) {
      co_await push();
    }
  }
  data_octets_ = 0;
  t.nul = decoder.findings().nul;
  if (decoder.findings().bare_lf > 0) {
    bare_lf_seen_ = true;
    if (!lenient && params_.bare_newline == BareNewline::note) {
      log::info("{}: bare <LF> after DATA from {}", t.queue_id, client_.label);
    }
    if (!lenient && params_.bare_newline == BareNewline::reject) {
      log::info("{}: bare <LF> after DATA from {}", t.queue_id, client_.label);
      std::string text = params_.myhostname + " Error: bare <LF> received";
      co_return fail_each({static_cast<int>(params_.bare_newline_code), "5.5.2", std::move(text)});
    }
  }
  co_return true;
}

std::optional<smtp::Refusal> Session::content_refusal() const {
  if (transaction_->too_big) return smtp::Refusal{552, "5.3.4", "Error: message file too big"};
  if (transaction_->nul) return smtp::Refusal{550, "5.6.0", "Error: NUL octet in message content"};
  return {};
}

/// The text is complete: last checks, cleanup's answer, and the reply on which the client relies.
Task<bool> Session::finish_message(std::string_view ok_text) {
  Transaction& t = *transaction_;
  if (auto refused = content_refusal()) {
    fail_each(*refused);
    reset_transaction();
    co_return false;
  }
  if (lmtp()) co_return co_await finish_deliveries();
  if (restricted()) {
    Question q = question("END-OF-MESSAGE");
    if (t.recipients.size() == 1) q.recipient = t.recipients[0].address;
    Refusal refusal = co_await shared_.policy.check_end_of_data(q, t.actions);
    if (refusal) {
      reply(*refusal);
      reset_transaction();
      co_return false;
    }
  }
  if (t.filter) co_return co_await finish_filtered();
  cleanup::Outcome outcome{cleanup::Verdict::accepted, 250, "2.0.0", {}};
  if (!t.actions.discard) outcome = co_await t.handover->finish();
  bool accepted = outcome.verdict == cleanup::Verdict::accepted;
  if (accepted) {
    reply(250, "2.0.0", fmt::format("Ok: {}queued as {}", ok_text, t.queue_id));
  } else {
    reply(smtp::Refusal{outcome.smtp_code, outcome.dsn, outcome.text});
  }
  reset_transaction();
  where_ = "END-OF-MESSAGE";
  co_return accepted;
}

/// The end of a message that a before-queue filter has taken or refused: the filter's reply is ours.
Task<bool> Session::finish_filtered() {
  Transaction& t = *transaction_;
  smtp::Refusal answer = co_await t.filter->finish();
  bool accepted = answer.code / 100 == 2;
  Question q = question("END-OF-MESSAGE");
  q.recipient = t.recipients[0].address;
  std::string text = smtp::format_reply(answer.code, answer.dsn, answer.text);
  log::info("proxy-{}: {}: {};{}", accepted ? "accept" : "reject", q.where,
            printable(text.substr(0, text.find("\r\n")), true), describe_parties(q));
  reply(answer);
  reset_transaction();
  where_ = "END-OF-MESSAGE";
  co_return accepted;
}

Task<bool> Session::do_bdat(std::string_view arguments) {
  auto command = smtp::parse_bdat(arguments);
  if (!command) {
    // Nobody knows how much binary data follows: there is no way to go on.
    reset_transaction();
    co_return fail(521, "5.5.4", "Syntax: BDAT count [LAST]");
  }
  std::optional<smtp::Refusal> refused = order_refusal(true);
  if (!refused && restricted() && !transaction_->bdat) {
    Question q = question("BDAT");
    if (transaction_->recipients.size() == 1) q.recipient = transaction_->recipients[0].address;
    refused = co_await shared_.policy.check_data(q, transaction_->actions);
  }
  if (!refused && params_.message_size_limit > 0 && transaction_->size + command->size > params_.message_size_limit) {
    refused = smtp::Refusal{552, "5.3.4", "Chunk exceeds message size limit"};
  }
  if (!refused && !transaction_->bdat) refused = co_await begin_content();
  if (refused) {
    bool skipped = co_await skip_chunk(command->size);
    // RFC 2033 4.3: the last chunk has a reply for each recipient.
    if (skipped && lmtp() && command->last && transaction_) {
      fail_each(*refused);
    } else if (skipped) {
      reply(*refused);
    }
    reset_transaction();
    co_return false;
  }
  transaction_->bdat = true;
  bool received = co_await receive_chunk(command->size);
  stream_.set_deadline(TimePoint::max());
  if (!received) {
    hang_up();
    co_return false;
  }
  std::string text = fmt::format("{} bytes ", command->size);
  if (!command->last) {
    reply(250, "2.0.0", fmt::format("Ok: {} bytes", command->size));
    co_return true;
  }
  auto take = [this](std::string_view piece) { add_content(piece); };
  transaction_->normalizer.finish(take);
  settle_first_line(true);
  co_return co_await finish_message(text);
}

Task<bool> Session::receive_chunk(uint64_t size) {
  Transaction& t = *transaction_;
  auto take = [this](std::string_view piece) { add_content(piece); };
  uint64_t left = size;
  data_octets_ = 0;
  while (left > 0) {
    set_data_deadline(data_octets_);
    Read block = co_await stream_.read_some();
    if (!block) {
      end_reason_ = block.status == ReadStatus::timed_out ? "timeout" : "lost connection";
      co_return false;
    }
    size_t used = static_cast<size_t>(std::min<uint64_t>(left, block.data.size()));
    std::string_view bytes = block.data.substr(0, used);
    if (std::memchr(bytes.data(), 0, bytes.size())) t.nul = true;
    t.normalizer.feed(bytes, take);
    stream_.unread(block.data.size() - used);
    left -= used;
    data_octets_ += used;
    settle_first_line(false);
    if (t.receiver->full()) co_await push();
  }
  data_octets_ = 0;
  co_return true;
}

/// Drops a chunk that came at the wrong time; false when it is too large to be worth the wait.
Task<bool> Session::skip_chunk(uint64_t size) {
  if (size > kDrainLimit) {
    reply(421, "4.3.4", params_.myhostname + " Error: chunk too big");
    hang_up();
    co_return false;
  }
  while (size > 0) {
    Read block = co_await stream_.read_some();
    if (!block) {
      end_reason_ = block.status == ReadStatus::timed_out ? "timeout" : "lost connection";
      hang_up();
      co_return false;
    }
    size_t used = static_cast<size_t>(std::min<uint64_t>(size, block.data.size()));
    stream_.unread(block.data.size() - used);
    size -= used;
  }
  co_return true;
}

}  // namespace umaya::smtpd
