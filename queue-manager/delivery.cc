// From the scheduler to delivery agents and back.
#include <sys/socket.h>

#include "libcommon/log/log.h"
#include "libcommon/message/verp.h"
#include "libcommon/services/delivery_log.h"
#include "queue-manager/queue_manager.h"

namespace umaya::qmgr {

namespace agent = services::delivery;

namespace {

constexpr const char* kUnavailable = "mail transport unavailable";
/// Agents asked one after the other for one delivery, when they end before they have read of it.
constexpr int kAttempts = 8;

}  // namespace

/// Starts deliveries at the end of this round of the loop, once for all that came in.
void QueueManager::schedule_pump() {
  if (std::exchange(pump_wanted_, true)) return;
  event::Loop::current().defer([this] { pump(); });
}

void QueueManager::pump() {
  pump_wanted_ = false;
  if (process_.stopping()) return;
  TimePoint now = monotonic_now();
  while (deliveries_ < deliveries_at_most_) {
    const Delivery* next = scheduler_.next(now);
    if (next == nullptr) break;
    ++find(next->message)->work;
    ++deliveries_;
    process_.scope().spawn(
        deliver(next->id, next->message, next->transport, std::string(next->destination), next->recipients));
  }
  drain_suspended();
  if (auto when = scheduler_.wake_at()) wake_.arm(std::max<Duration>(*when - now, std::chrono::milliseconds(1)));
}

event::Task<void> QueueManager::deliver(DeliveryId delivery, MessageKey key, TransportId transport,
                                        std::string destination, std::vector<uint32_t> tokens) {
  if (Result<> opened = open_again(*find(key)); !opened) {
    take_failure(delivery, key, tokens, opened.error());
    co_return;
  }
  const daemon::Work work(process_);
  std::string request = ipc::encode(request_for(*find(key), transport, tokens));
  auto prefer = Transports::Prefer::idle;
  // An agent that ends, as at a reload, may have a connection that was idle, or has just taken one. As long as it has
  // not read the request, nothing was begun, and the next one is asked.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<Slot> slot = transports_.take(transport, destination, prefer, deliveries_ - 1);
    if (!slot) break;
    std::vector<int> fds{find(key)->file.get()};
    const int connection = slot->channel->fd();
    in_flight_.insert(connection);
    Result<> sent = co_await slot->channel->send_packet(request, std::move(fds));
    Result<agent::Reply> reply = std::unexpected(Error{});
    if (sent) reply = co_await slot->channel->receive<agent::Reply>();
    in_flight_.erase(connection);
    if (reply) {
      slot->destination = destination;
      transports_.give_back(transport, std::move(*slot), monotonic_now());
      take_reply(delivery, key, tokens, std::move(*reply));
      co_return;
    }
    if (process_.stopping()) co_return;  // the agent tells our successor, which finds the message locked or in active/
    prefer = Transports::Prefer::fresh;
    const bool was_begun = sent && !slot->channel->cut_off();
    if (!slot->reused && was_begun) break;
  }
  log::warning("{}: {} is not there or has ended in the middle of a delivery", find(key)->id,
               agent::socket_of(transports_.name_of(transport)));
  --deliveries_;
  scheduler_.transport_failed(delivery, monotonic_now(), kUnavailable);
  --find(key)->work;
  schedule_pump();  // which sees to what was suspended
}

/// A reload: agents that have not answered yet shall tell our successor. What they have sent already is still read.
void QueueManager::hand_over() {
  for (int connection : in_flight_) ::shutdown(connection, SHUT_RD);
}

agent::Request QueueManager::request_for(const ActiveMessage& message, TransportId transport,
                                         const std::vector<uint32_t>& tokens) const {
  agent::Request request;
  request.queue_name = "active";
  request.transport = transports_.name_of(transport);
  request.nexthop = message.recipients.at(tokens.front()).nexthop;
  request.envelope = message.envelope;
  if (!message.verp_delimiters.empty()) {
    const std::string& recipient = message.recipients.at(tokens.front()).recipient.address;
    request.envelope.sender = message::verp_sender(message.envelope.sender, recipient, message.verp_delimiters);
  }
  request.content_offset = message.content_offset;
  request.content_size = message.content_size;
  request.content_8bit = (message.flags & queue::flag::kEightBit) != 0;
  if (message.verify_only()) request.flags |= agent::kVerifyOnly;
  if ((message.flags & queue::flag::kRecordDelivery) != 0) request.flags |= agent::kReportDelivery;
  if (message.ignore_dead) request.flags |= agent::kIgnoreDead;
  request.active_usec = message.active_usec;
  request.handed_usec = wall_usec();
  request.targets.reserve(tokens.size());
  for (uint32_t token : tokens) request.targets.push_back({token, message.recipients.at(token).recipient});
  return request;
}

void QueueManager::take_reply(DeliveryId delivery, MessageKey key, const std::vector<uint32_t>& tokens,
                              agent::Reply reply) {
  ActiveMessage& message = *find(key);
  --deliveries_;
  if (reply.destination_failed) {
    scheduler_.finished(delivery, Outcome::unreachable, monotonic_now(),
                        "delivery temporarily suspended: " + reply.destination_text, reply.destination_dsn);
  } else {
    scheduler_.finished(delivery, Outcome::reached, monotonic_now());
  }
  if (!reply.pass_to.empty()) pass_on(message, tokens, reply);
  for (uint32_t token : tokens) {
    bool answered = !reply.pass_to.empty() ||
                    std::any_of(reply.results.begin(), reply.results.end(),
                                [token](const agent::RecipientResult& result) { return result.id == token; });
    if (answered) continue;
    agent::RecipientResult missing;
    missing.id = token;
    missing.dsn = "4.3.0";
    missing.text = "the delivery agent did not say what became of this recipient";
    reply.results.push_back(std::move(missing));
  }
  std::erase_if(reply.results, [&tokens](const agent::RecipientResult& result) {
    return std::find(tokens.begin(), tokens.end(), result.id) == tokens.end();
  });
  record(message, std::move(reply.results));
  schedule_pump();
  --message.work;
  if (message.unread > 0 && message.recipients.size() < kRefillBelow) {
    load_more(message);
  } else {
    check_done(message);
  }
}

/// Targets without a result go to another transport, at once.
void QueueManager::pass_on(ActiveMessage& message, const std::vector<uint32_t>& tokens, const agent::Reply& reply) {
  const size_t colon = std::min(reply.pass_to.find(':'), reply.pass_to.size());
  const TransportId transport = transports_.id_of(reply.pass_to.substr(0, colon));
  const std::string nexthop = reply.pass_to.substr(std::min(colon + 1, reply.pass_to.size()));
  for (uint32_t token : tokens) {
    bool answered = std::any_of(reply.results.begin(), reply.results.end(),
                                [token](const agent::RecipientResult& result) { return result.id == token; });
    if (answered) continue;
    ActiveRecipient& recipient = message.recipients.at(token);
    if (!nexthop.empty()) recipient.nexthop = nexthop;
    route::Resolution to;
    to.nexthop = recipient.nexthop;
    to.recipient = recipient.recipient.address;
    scheduler_.add_recipient(message.key, transport, destination_of(transport, to), token, monotonic_now());
  }
}

/// The queue file cannot be opened: somebody took it away, or there are too many open files.
void QueueManager::take_failure(DeliveryId delivery, MessageKey key, const std::vector<uint32_t>& tokens,
                                const Error& error) {
  ActiveMessage& message = *find(key);
  --deliveries_;
  scheduler_.finished(delivery, Outcome::neutral, monotonic_now());
  message.gone = error.sys_errno == ENOENT;
  if (!message.gone) log::warning("{}: {}", message.id, error.what);
  for (uint32_t token : tokens) settle(message, token, queue::RecipientState::pending);
  schedule_pump();
  --message.work;
  check_done(message);
}

/// Recipients whose destination or transport is dead wait without an attempt.
void QueueManager::drain_suspended() {
  for (Suspended& suspended : scheduler_.take_suspended()) {
    ActiveMessage& message = *find(suspended.message);
    ++message.work;
    defer_here(message, suspended.recipients, suspended.dsn.empty() ? "4.3.0" : suspended.dsn, suspended.reason);
    --message.work;
    check_done(message);
  }
}

/// A result of our own: logged here, because no agent does.
void QueueManager::defer_here(ActiveMessage& message, const std::vector<uint32_t>& tokens, const std::string& dsn,
                              const std::string& text) {
  Results results;
  for (uint32_t token : tokens) {
    agent::RecipientResult result;
    result.id = token;
    result.dsn = dsn;
    result.text = text;
    log_own_result(message, result);
    results.push_back(std::move(result));
  }
  record(message, std::move(results));
}

void QueueManager::log_own_result(const ActiveMessage& message, const agent::RecipientResult& result) {
  agent::StatusLine line;
  line.dsn = result.dsn;
  line.status = agent::status_word(result.status);
  line.text = result.text;
  line.stages.arrival = message.envelope.arrival_usec;
  line.stages.active = message.active_usec;
  line.stages.done = wall_usec();
  log::info("{}",
            agent::format_status(message.id, message.recipients.at(result.id).recipient, line, params_.delay_decimals));
}

}  // namespace umaya::qmgr
