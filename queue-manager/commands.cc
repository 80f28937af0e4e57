// What others tell the queue manager over public/qmgr.
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"
#include "libcommon/log/log.h"
#include "libcommon/queue/queue_id.h"
#include "libcommon/services/queue_envelope.h"
#include "queue-manager/queue_manager.h"

namespace umaya::qmgr {

using namespace std::chrono_literals;
namespace service = services::qmgr;

namespace {

/// How often a session that nobody speaks on looks whether we shall end.
constexpr Duration kLook = 2s;
/// An agent closes its message this soon after we have taken its late results.
constexpr Duration kUnlocked = 100ms;

}  // namespace

event::Task<void> QueueManager::session(Fd fd) {
  const Caller caller = callers_.identify(fd.get());
  if (caller == Caller::stranger) co_return;
  ipc::Channel channel(std::move(fd));
  while (!process_.stopping()) {
    Result<ipc::Packet> packet = co_await channel.receive_packet(kLook);
    if (!packet && packet.error().sys_errno == ETIMEDOUT) continue;
    if (!packet || process_.stopping()) break;
    service::Done done;
    if (packet->is<service::Command>() && caller != Caller::agent) {
      auto command = ipc::decode<service::Command>(packet->bytes);
      if (!command) break;
      if (command->verb == service::Verb::flush_site) {
        done = co_await flush_site(command->argument);
      } else {
        done = obey(*command);
      }
    } else if (packet->is<service::LateResults>() && caller != Caller::command) {
      auto late = ipc::decode<service::LateResults>(packet->bytes);
      if (!late) break;
      done = co_await late_results(std::move(*late));
    } else {
      bool is_trigger = packet->bytes.size() == 1;
      if (caller == Caller::agent || (caller == Caller::command && !is_trigger) || !take_packet(*packet)) break;
      continue;
    }
    auto sent = co_await channel.send(std::move(done));
    if (!sent) break;
  }
}

/// News that are not answered; false when it is none of ours.
bool QueueManager::take_packet(const ipc::Packet& packet) {
  if (packet.bytes.size() == 1) {
    trigger(packet.bytes[0]);
    return true;
  }
  auto message = ipc::decode<service::NewMessage>(packet.bytes);
  if (message) new_messages(*message);
  return message.has_value();
}

void QueueManager::trigger(char what) {
  if (what == 'I' || what == 'W') want_scan(incoming_, Urgency::when_due);
  if (what == 'D') want_scan(deferred_, Urgency::when_due);
  if (what == 'F') flush_all();
}

void QueueManager::flush_all() {
  scheduler_.forget_dead();
  want_scan(deferred_, Urgency::now);
  want_scan(incoming_, Urgency::now);
}

void QueueManager::new_messages(const service::NewMessage& message) {
  for (const std::string& id : message.queue_ids) {
    if (!queue::valid_id(id)) {
      log::warning("new message with a bad queue id \"{}\"", id);
      continue;
    }
    if (!has_room()) {
      want_scan(incoming_, Urgency::when_due);
      return;
    }
    take(spool_.path(queue::QueueName::incoming, id), id, queue::QueueName::incoming, Urgency::now);
  }
}

service::Done QueueManager::obey(const service::Command& command) {
  switch (command.verb) {
    case service::Verb::scan_incoming:
      want_scan(incoming_, Urgency::when_due);
      return {true, {}};
    case service::Verb::scan_deferred:
      want_scan(deferred_, Urgency::when_due);
      return {true, {}};
    case service::Verb::flush_all:
      flush_all();
      return {true, {}};
    case service::Verb::flush_message:
      return flush_message(command.argument);
    case service::Verb::flush_site:
      break;
  }
  return {false, "unknown command"};
}

/// The flush service knows what waits for the site, and comes back to us with it.
event::Task<service::Done> QueueManager::flush_site(std::string site) {
  services::flush::Status status = co_await reports_.flush_site(std::move(site));
  if (status == services::flush::Status::ok) co_return service::Done{true, {}};
  bool is_refused = status == services::flush::Status::denied || status == services::flush::Status::bad_request;
  co_return service::Done{false, is_refused ? "the site is not in fast_flush_domains" : "the flush service failed"};
}

service::Done QueueManager::flush_message(const std::string& id) {
  if (!queue::valid_id(id)) return {false, "bad queue id"};
  if (keys_.contains(id)) return {true, "is being delivered"};
  for (queue::QueueName from : {queue::QueueName::deferred, queue::QueueName::incoming}) {
    Taken taken = take(spool_.path(from, id), id, from, Urgency::now);
    if (taken == Taken::yes) return {true, {}};
    if (taken != Taken::gone) return {false, "is locked"};
  }
  return {false, "no such message"};
}

/// An agent that went on when our predecessor ended says what became of its recipients. The file is still locked by it.
event::Task<service::Done> QueueManager::late_results(service::LateResults late) {
  if (!queue::valid_id(late.queue_id)) co_return service::Done{false, "bad queue id"};
  if (keys_.contains(late.queue_id)) co_return service::Done{true, "was taken over already"};
  std::string path = spool_.path(queue::QueueName::active, late.queue_id);
  auto file = fs::open_safe(path, O_RDWR);
  if (!file) co_return service::Done{file.error().sys_errno == ENOENT, file.error().what};
  auto lock = fs::try_lock(file->get(), fs::LockKind::flock);
  if (lock && *lock == fs::LockState::locked) co_return service::Done{true, "nobody was delivering this message"};
  auto reader = queue::MessageReader::open(file->get());
  if (!reader) co_return service::Done{false, reader.error().what};
  std::unordered_map<uint32_t, queue::StoredRecipient> recipients;
  queue::RecipientCursor cursor;
  for (uint32_t index = 0;;) {
    auto some = reader->read_recipients(cursor, 1000);
    if (!some || some->empty()) break;
    for (auto& recipient : *some) recipients.emplace(index++, std::move(recipient));
  }
  std::vector<services::bounce::Record> bounced;
  for (const auto& result : late.results) {
    auto found = recipients.find(result.id);
    if (found == recipients.end() || result.status != services::delivery::Status::bounced) continue;
    bounced.push_back({found->second, result});
  }
  if (!bounced.empty()) {
    bool recorded = co_await reports_.append(services::bounce::Kind::bounce, late.queue_id, std::move(bounced));
    if (!recorded) co_return service::Done{false, "the bounce log cannot be written"};
  }
  for (const auto& result : late.results) {
    auto found = recipients.find(result.id);
    if (found == recipients.end() || result.status == services::delivery::Status::deferred) continue;
    bool was_sent = result.status == services::delivery::Status::sent;
    auto state = was_sent ? queue::RecipientState::delivered : queue::RecipientState::bounced;
    auto marked = queue::mark_recipient(file->get(), found->second.offset, state);
    if (!marked) co_return service::Done{false, marked.error().what};
  }
  int fd = file->get();
  auto flush = [fd] { return fs::sync_data(fd); };
  auto synced = co_await pool_.run(std::move(flush));
  if (!synced) co_return service::Done{false, synced.error().what};
  if (!unlock_timer_.armed()) unlock_timer_.arm(kUnlocked);
  co_return service::Done{true, {}};
}

}  // namespace umaya::qmgr
