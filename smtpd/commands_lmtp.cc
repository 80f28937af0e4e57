// NAME    commands_lmtp - LMTP (RFC 2033): LHLO, mailboxes asked at RCPT, and one reply for each recipient at the end
#include <fmt/format.h>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/services/delivery_key.h"
#include "smtpd/session.h"

namespace umaya::smtpd {

using event::Task;
using services::delivery::RecipientResult;
using services::delivery::Status;

/// Who may put mail into mailboxes: mynetworks, and whoever may open the socket.
bool Session::may_speak_lmtp() {
  if (client_.trusted || client_.local_socket) return true;
  std::string text = fmt::format("Client host rejected: {} is not in mynetworks", client_.address_text);
  log::info("{}", describe_event(question("CONNECT"), "reject", fmt::format("554 5.7.1 {}", text)));
  reply(554, "5.7.1", text);
  return false;
}

Task<bool> Session::do_lhlo(std::string_view arguments) {
  if (arguments.empty()) co_return fail(501, "5.5.4", "Syntax: LHLO hostname");
  Refusal refusal = co_await begin_session(arguments, true);
  if (refusal) co_return fail(*refusal);
  bool starttls = may_start_tls();
  if (starttls) starttls = co_await shared_.tls->ready();
  write_extensions(starttls, {});
  co_return true;
}

/// Whether the address has a mailbox here that takes mail.
Task<Refusal> Session::find_mailbox(const std::string& address, Place& place) {
  std::string sender = transaction_ ? transaction_->sender : std::string();
  auto found = co_await shared_.mailboxes->find(sender, address);
  if (!found) co_return found.error();
  place = std::move(*found);
  services::Envelope envelope;
  envelope.queue_id = transaction_ && !transaction_->queue_id.empty() ? transaction_->queue_id : "NOQUEUE";
  envelope.sender = std::move(sender);
  envelope.arrival_usec = wall_usec();
  uint64_t size = transaction_ ? transaction_->declared_size : 0;
  co_return co_await shared_.mailboxes->ask(std::move(envelope), place, size);
}

/// A recipient of the transaction; what refuses it is in the log.
Task<Refusal> Session::lmtp_recipient(const std::string& address) {
  Transaction& t = *transaction_;
  Place place;
  Refusal refusal = co_await find_mailbox(address, place);
  if (!refusal && !t.seats.contains(place.user)) {
    std::optional<Seat> seat = shared_.mailboxes->take_seat(place.user);
    if (seat) {
      t.seats.emplace(place.user, std::move(*seat));
    } else {
      refusal = smtp::Refusal{451, "4.3.0", fmt::format("<{}> Too many concurrent deliveries for this user", address)};
    }
  }
  if (!refusal) {
    t.places.push_back(std::move(place));
    co_return refusal;
  }
  Question q = question("RCPT");
  q.recipient = address;
  log::info("{}", describe_event(q, "reject", fmt::format("{} {} {}", refusal->code, refusal->dsn, refusal->text)));
  co_return refusal;
}

/// The same refusal for every recipient of a text that has come (RFC 2033 4.2); once with SMTP.
bool Session::fail_each(const smtp::Refusal& refusal) {
  size_t times = lmtp() && transaction_ ? std::max<size_t>(1, transaction_->recipients.size()) : 1;
  for (size_t i = 0; i < times; ++i) reply(refusal);
  return false;
}

services::delivery::Request Session::lmtp_request(const Trace& trace, std::string_view start) const {
  const Transaction& t = *transaction_;
  services::delivery::Request request;
  request.envelope = make_envelope();
  add_client_attributes(request.envelope);
  std::string origin = origin_from(trace, t.sender, start, t.file->size() - t.head_size, wall_seconds());
  if (!origin.empty()) services::set_origin(request.envelope, std::move(origin));
  request.content_size = t.file->size();
  request.content_8bit = t.file->eight_bit();
  request.active_usec = wall_usec();
  return request;
}

/// What is wrong with a message as a whole.
Refusal Session::lmtp_content_refusal(const Trace& trace) const {
  if (trace.hops + 1 >= shared_.mailboxes->params().hopcount_limit) {  // with our own, as cleanup counts
    return smtp::Refusal{554, "5.4.6", "Error: too many hops"};
  }
  return {};
}

/// The text is complete: it goes to the mailboxes, and each recipient gets its reply.
Task<bool> Session::finish_deliveries() {
  Transaction& t = *transaction_;
  Refusal refusal;
  if (std::optional<Error> error = t.file->close()) {
    log::warning("{}: {}", t.queue_id, error->what);
    refusal = smtp::Refusal{452, "4.3.1", "Error: insufficient memory"};
  }
  Result<std::string> start = t.file->read_start(t.head_size, kTraceOctets);
  if (!start && !refusal) refusal = smtp::Refusal{451, "4.3.0", "Error: " + start.error().what};
  Trace trace;
  if (!refusal) {
    trace = read_trace(*start);
    refusal = lmtp_content_refusal(trace);
  }
  if (refusal) {
    fail_each(*refusal);
    reset_transaction();
    co_return false;
  }
  log::info("{}: message-id={}", t.queue_id, trace.message_id);
  log::info("{}: from=<{}>, size={}, nrcpt={}", t.queue_id, printable(message::to_external(t.sender), true),
            t.file->size(), t.places.size());
  Delivery delivery(*shared_.mailboxes, lmtp_request(trace, *start), t.file->fd(), t.places);
  delivery.start();
  size_t delivered = co_await reply_to_each(delivery);
  if (early_input()) remember_unread();  // what the client says next it said without having read these replies
  reset_transaction();
  where_ = "END-OF-MESSAGE";
  if (delivered == 0) --errors_;  // dispatch counts it, but it is no mistake of the client
  co_return delivered > 0;
}

/// Replies in the order of the recipients, each as soon as it is known. Gives how many were delivered to.
Task<size_t> Session::reply_to_each(Delivery& delivery) {
  Transaction& t = *transaction_;
  size_t delivered = 0;
  bool listens = true;
  for (size_t i = 0; i < t.recipients.size(); ++i) {
    if (listens && !delivery.has_result(i) && stream_.unsent() > 0) {
      Result<void> sent = co_await stream_.flush();
      listens = sent.has_value();
    }
    RecipientResult result = co_await delivery.result(i);
    if (result.status == Status::sent) ++delivered;
    if (result.status == Status::sent && !delivery.key(i).empty()) unread_.emplace_back(delivery.key(i), result.text);
    smtp::Refusal answer = shared_.mailboxes->reply_for(result, t.recipients[i].address);
    if (listens) reply(answer);
  }
  co_return delivered;
}

/// The client may not have read of these deliveries.
void Session::remember_unread() {
  for (auto& [key, text] : unread_) shared_.mailboxes->unconfirmed().remember(key, std::move(text));
  unread_.clear();
}

}  // namespace umaya::smtpd
