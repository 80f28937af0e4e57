// NAME    commands_mail - MAIL and RCPT
#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/message/verp.h"
#include "libcommon/queue/queue_id.h"
#include "smtpd/session.h"

namespace umaya::smtpd {

using event::Task;
using services::anvil::Event;

/// A command that is passed on as it is must be one line for everybody.
static bool has_control(std::string_view line) {
  return std::ranges::any_of(line, [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
}

smtp::Offered Session::offered() const {
  // Without EHLO nothing was offered; parameters are read all the same, as Postfix does.
  return {.size = offers("SIZE"),
          .eight_bit = offers("8BITMIME"),
          .dsn = offers("DSN") && !lmtp(),
          .smtputf8 = params_.smtputf8 && offers("SMTPUTF8"),
          .verp = may_ask_verp() && !lmtp(),
          .auth = true};
}

std::optional<smtp::Refusal> Session::path_refusal(message::PathError error, bool sender) const {
  switch (error) {
    case message::PathError::non_ascii:
      return smtp::Refusal{553, "5.6.7", "Must declare SMTPUTF8 to send unicode address"};
    case message::PathError::too_long:
    case message::PathError::bad_utf8:
    case message::PathError::syntax:
      break;
  }
  if (sender) return smtp::Refusal{501, "5.1.7", "Bad sender address syntax"};
  return smtp::Refusal{501, "5.1.3", "Bad recipient address syntax"};
}

/// Counts the event; replies and gives false when the client is over its rate.
Task<bool> Session::within_rate(Event event, int64_t limit, std::string_view what) {
  if (limit <= 0 || !counted_) co_return true;
  services::anvil::Counts counts = co_await shared_.counts.count(event, client_key_);
  if (counts.rate <= static_cast<uint64_t>(limit)) co_return true;
  log::warning("{} limit exceeded: {} from {} for service smtp", what, counts.rate, client_.label);
  std::string_view of_what = event == Event::message ? "much mail"
                             : event == Event::auth  ? "many AUTH commands"
                                                     : "many recipients";
  co_return fail(450, "4.7.1", fmt::format("Error: too {} from {}", of_what, client_.address_text));
}

/// No mail is taken when the queue's disk is nearly full: our trouble, so never a 5xx.
std::optional<smtp::Refusal> Session::space_refusal(std::string_view sender, uint64_t declared_size) const {
  if (lmtp() && !shared_.mailboxes->memory().has_room(declared_size)) {
    return smtp::Refusal{452, "4.3.1", "Insufficient memory for one more message of that size"};
  }
  if (!shared_.space) return {};
  uint64_t needed = fs::space_for_mail(params_.queue_minfree, params_.message_size_limit, declared_size);
  if (!shared_.space->is_below(needed)) return {};
  smtp::Refusal refusal{452, "4.3.1", "Insufficient system storage"};
  log::warning("not enough free space in mail queue: {} bytes < {}", shared_.space->bytes().value_or(0), needed);
  Question q = question("MAIL");
  q.sender = sender;
  log::info("{}", describe_event(q, "reject", fmt::format("{} {} {}", refusal.code, refusal.dsn, refusal.text)));
  return refusal;
}

bool Session::may_ask_verp() const {
  return mode_ == Mode::stand_alone || is_listed(shared_.verp_clients);
}

/// The delimiters of XVERP, or what is wrong with them.
std::expected<std::string, smtp::Refusal> Session::verp_delimiters(const smtp::MailCommand& command,
                                                                   std::string_view sender) const {
  if (!command.verp) return std::string();
  std::string delimiters = command.verp->empty() ? params_.default_verp_delimiters : *command.verp;
  if (!message::valid_verp_delimiters(delimiters, params_.verp_delimiter_filter)) {
    return std::unexpected(
        smtp::Refusal{501, "5.5.4", "Error: XVERP needs two characters from " + params_.verp_delimiter_filter});
  }
  if (sender.empty()) return std::unexpected(smtp::Refusal{503, "5.5.4", "Error: XVERP requires non-null sender"});
  return delimiters;
}

Task<bool> Session::do_mail(std::string_view arguments) {
  if (helo_.empty() && lmtp()) co_return fail(503, "5.5.1", "Error: send LHLO first");
  if (helo_.empty() && params_.helo_required) co_return fail(503, "5.5.1", "Error: send HELO/EHLO first");
  if (transaction_) {
    co_return fail(503, "5.5.1", transaction_->bdat ? "Error: MAIL after BDAT" : "Error: nested MAIL command");
  }
  auto command = smtp::parse_mail(arguments, offered());
  if (!command) co_return fail(command.error());
  if (filtered() && has_control(line_)) co_return fail(501, "5.5.4", "Bad command syntax");
  auto path = message::parse_path(command->path, {.smtputf8 = command->smtputf8, .strict = params_.strict_envelopes});
  if (!path) co_return fail(*path_refusal(path.error(), true));
  auto verp = verp_delimiters(*command, path->address);
  if (!verp) co_return fail(verp.error());
  if (params_.message_size_limit > 0 && command->size.value_or(0) > params_.message_size_limit) {
    co_return fail(552, "5.3.4", "Message size exceeds fixed limit");
  }
  if (auto refused = space_refusal(path->address, command->size.value_or(0))) co_return fail(*refused);
  bool within =
      co_await within_rate(Event::message, params_.client_message_rate_limit, "Message delivery request rate");
  if (!within) co_return false;

  auto transaction = std::make_unique<Transaction>();
  transaction->sender = std::move(path->address);
  transaction->arrival_usec = wall_usec();
  transaction->declared_size = command->size.value_or(0);
  transaction->body = command->body;
  transaction->smtputf8 = command->smtputf8;
  transaction->ret = command->ret;
  transaction->envid = smtp::xtext_decode(command->envid).value_or("");
  if (command->auth && *command->auth != "<>") transaction->auth_sender = printable(*command->auth, true);
  transaction->verp_delimiters = std::move(*verp);
  transaction->actions = session_actions_;
  if (filtered()) transaction->mail_line = trim(line_);
  transaction_ = std::move(transaction);
  if (restricted() && !params_.delay_reject) {
    Refusal refusal = co_await shared_.policy.check_sender(question("MAIL"), deferrals_, transaction_->actions);
    if (refusal) {
      reset_transaction();
      co_return fail(*refusal);
    }
  }
  reply_line("250 2.1.0 Ok\r\n");
  co_return true;
}

Task<Refusal> Session::recipient_refusal(const std::string& address) {
  Question q = question("RCPT");
  q.recipient = address;
  if (!restricted()) co_return std::nullopt;
  co_return co_await shared_.policy.check_recipient(q, deferrals_, transaction_->actions);
}

void Session::make_queue_id() {
  if (!transaction_->queue_id.empty() || transaction_->filter) return;
  if (filtered()) return log::info("NOQUEUE: client={}", client_for_log());
  auto form = params_.long_queue_ids ? queue::IdForm::long_form : queue::IdForm::short_form;
  transaction_->queue_id = queue::make_id(form);
  if (mode_ == Mode::network) log::info("{}: client={}", transaction_->queue_id, client_for_log());
}

/// Passes the command on to the before-queue filter; the refusal is the filter's.
Task<Refusal> Session::pass_recipient() {
  Transaction& t = *transaction_;
  if (!t.filter) {
    t.filter = std::make_unique<FilterLink>(*shared_.filter, make_submission().envelope, t.mail_line);
  }
  co_return co_await t.filter->rcpt(std::string(trim(line_)));
}

void Session::add_recipient(std::string address, const smtp::RcptCommand& command) {
  services::Recipient recipient;
  recipient.address = std::move(address);
  if (command.orcpt) recipient.dsn_original = command.orcpt->type + ";" + command.orcpt->address;
  recipient.notify = command.notify;
  transaction_->recipients.push_back(std::move(recipient));
}

Task<bool> Session::do_rcpt(std::string_view arguments) {
  if (!transaction_) co_return fail(503, "5.5.1", "Error: need MAIL command");
  Transaction& t = *transaction_;
  if (t.bdat) co_return fail(503, "5.5.1", "Error: RCPT after BDAT");
  if (t.recipients.size() >= static_cast<size_t>(params_.recipient_limit)) {
    bool tolerated = ++t.overshoot <= static_cast<size_t>(params_.recipient_overshoot_limit);
    reply(452, "4.5.3", "Error: too many recipients");
    if (tolerated) --errors_;  // dispatch counts the failed command
    co_return false;
  }
  auto command = smtp::parse_rcpt(arguments, offered());
  if (!command) {
    ++t.refused;
    co_return fail(command.error());
  }
  auto path = message::parse_path(command->path, {.smtputf8 = t.smtputf8, .strict = params_.strict_envelopes});
  if (filtered() && has_control(line_)) {
    ++t.refused;
    co_return fail(501, "5.5.4", "Bad command syntax");
  }
  if (!path || path->address.empty()) {
    ++t.refused;
    auto error = path ? message::PathError::syntax : path.error();
    co_return fail(*path_refusal(error, false));
  }
  bool within = co_await within_rate(Event::recipient, params_.client_recipient_rate_limit, "Recipient address rate");
  if (!within) co_return false;
  Refusal refusal = co_await recipient_refusal(path->address);
  if (refusal) {
    ++t.refused;
    co_return fail(*refusal);
  }
  if (lmtp()) refusal = co_await lmtp_recipient(path->address);
  if (!refusal) make_queue_id();
  if (!refusal && filtered()) refusal = co_await pass_recipient();
  if (refusal) {
    ++t.refused;
    if (lmtp()) --errors_;  // dispatch counts the failed command; a host that we trust makes no mistake with it
    co_return fail(*refusal);
  }
  add_recipient(std::move(path->address), *command);
  reply_line("250 2.1.5 Ok\r\n");
  co_return true;
}

}  // namespace umaya::smtpd
