// From a file in the queue to recipients in the scheduler.
#include <sys/stat.h>

#include <algorithm>

#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"
#include "libcommon/log/log.h"
#include "libcommon/message/verp.h"
#include "libcommon/queue/drop_origin.h"
#include "libcommon/services/queue_envelope.h"
#include "libcommon/table/settle.h"
#include "queue-manager/queue_manager.h"

namespace umaya::qmgr {
namespace {

/// Recipients of one message that are read at a time.
constexpr size_t kBatch = 5000;
constexpr size_t kPiece = 500;
/// Seconds after which a part of a message without a writer is removed.
constexpr int64_t kAbandonedAfter = 3600;

/// "transport:nexthop" of a content filter.
std::pair<std::string, std::string> split_filter(const std::string& filter) {
  size_t colon = filter.find(':');
  if (colon == std::string::npos) return {filter, ""};
  return {filter.substr(0, colon), filter.substr(colon + 1)};
}

}  // namespace

QueueManager::Taken QueueManager::take(const std::string& path, const std::string& id, queue::QueueName from,
                                       Urgency urgency) {
  if (keys_.contains(id)) return Taken::busy;
  struct stat status;
  auto file = fs::open_safe(path, O_RDONLY, status);
  if (!file) {
    if (file.error().sys_errno == ENOENT) return Taken::gone;
    log::warning("{}: {}", id, file.error().what);
    if (file.error().is_permanent()) put_aside(path, id, -1, file.error());
    return Taken::not_due;
  }
  auto lock = fs::try_lock(file->get(), fs::LockKind::flock);
  if (!lock || *lock == fs::LockState::busy) return Taken::busy;
  if ((status.st_mode & queue::mode::kReadyBit) == 0 && !counts(path, id, *file, status)) return Taken::not_due;
  mode_t mode = status.st_mode & 0777;
  if (urgency == Urgency::now && from == queue::QueueName::deferred) mode |= queue::mode::kUnthrottle;
  return activate(std::move(*file), path, id, from, mode);
}

/// A file without the mark, whose writer is gone. One that is whole may have been accepted: it is made to last and
/// marked now. One that is not whole never was: its end was not on the disk when its writer, or the machine, stopped.
bool QueueManager::counts(const std::string& path, const std::string& id, const Fd& file, const struct stat& status) {
  auto whole = queue::MessageReader::open(file.get());
  if (whole) {
    Result<> marked = fs::sync(file.get());
    if (marked) marked = fs::sync_directory(fs::parent_directory(path));
    if (marked) marked = queue::mark_complete(file.get());
    log::info("{}: whole, though a crash left it unmarked: {}", id, marked ? "taken" : marked.error().what);
    return marked.has_value();
  }
  if (whole.error().is_permanent() && wall_seconds() - status.st_mtime > kAbandonedAfter) {
    log::info("{}: removed: never finished and never accepted", id);
    (void)fs::remove(path);
  }
  return false;
}

QueueManager::Taken QueueManager::activate(Fd file, const std::string& path, const std::string& id,
                                           queue::QueueName from, mode_t mode) {
  if (from != queue::QueueName::active) {
    auto moved = spool_.move_from(path, id, queue::QueueName::active);
    if (!moved) {
      if (moved.error().sys_errno != ENOENT) log::warning("{}: {}", id, moved.error().what);
      return Taken::gone;
    }
  }
  auto reader = queue::MessageReader::open(file.get());
  if (!reader) {
    std::string active = spool_.path(queue::QueueName::active, id);
    if (reader.error().is_permanent()) {
      put_aside(active, id, file.get(), reader.error());
    } else {
      log::warning("{}: {}", id, reader.error().what);
      (void)spool_.move(id, queue::QueueName::active, queue::QueueName::deferred);
    }
    return Taken::gone;
  }
  remove_drop_file(id, reader->envelope());
  auto made = std::make_unique<ActiveMessage>();
  ActiveMessage& message = *made;
  message.key = next_key_++;
  message.id = id;
  message.flags = reader->envelope().flags;
  message.content_filter = reader->envelope().content_filter;
  message.redirect = reader->envelope().redirect;
  message.envelope = services::from_file(id, reader->envelope());
  message.content_offset = reader->info().content_offset;
  message.content_size = reader->info().content_size;
  message.recipient_count = message.unread = reader->info().recipient_count;
  message.delay_notice_sent = reader->info().delay_notice_sent;
  message.active_usec = wall_usec();
  message.force_expire = (mode & queue::mode::kForceExpire) != 0;
  message.ignore_dead = (mode & queue::mode::kUnthrottle) != 0;
  message.file = std::move(file);
  ++open_files_;
  log::info("{}: from=<{}>, size={}, nrcpt={} (queue active)", id, message.envelope.sender, message.content_size,
            message.recipient_count);
  take_verp(message, reader->envelope().verp_delimiters);
  scheduler_.add_message(message.key, monotonic_now(), message.unread,
                         message.verp_delimiters.empty() ? Batching::together : Batching::one_by_one);
  keys_[id] = message.key;
  messages_.emplace(message.key, std::move(made));
  std::vector<services::bounce::Kind> old_logs = logs_before(id, from);
  if (from == queue::QueueName::deferred || !old_logs.empty()) {
    ++message.work;
    process_.scope().spawn(begin_again(message.key, std::move(old_logs)));
  } else {
    load_recipients(message, *reader);
  }
  return Taken::yes;
}

/// What a crash, or a pickup that is slower than we are, has left in maildrop/ would be posted and delivered again.
void QueueManager::remove_drop_file(const std::string& id, const queue::Envelope& envelope) {
  auto origin = queue::DropOrigin::of(envelope);
  if (!origin) return;
  auto removed = queue::remove_drop_file(spool_, *origin);
  if (!removed) log::warning("{}: {}", id, removed.error().what);
}

void QueueManager::take_verp(ActiveMessage& message, const std::string& delimiters) {
  if (delimiters.empty() || message.envelope.sender.empty()) return;
  if (message::valid_verp_delimiters(delimiters, params_.verp_filter)) {
    message.verp_delimiters = delimiters;
  } else {
    log::warning(
        "{}: VERP delimiters \"{}\" are not two characters of verp_delimiter_filter: the sender stays as it is",
        message.id, delimiters);
    std::erase_if(message.envelope.attributes, [](const auto& a) { return a.name == "verp_delimiters"; });
  }
}

/// Logs that say nothing about the try that begins: the reasons of the last one, and for a new message whatever an
/// older one of the same id has left.
std::vector<services::bounce::Kind> QueueManager::logs_before(const std::string& id, queue::QueueName from) const {
  using services::bounce::Kind;
  static constexpr std::pair<queue::QueueName, Kind> kLogs[] = {{queue::QueueName::defer, Kind::defer},
                                                                {queue::QueueName::bounce, Kind::bounce},
                                                                {queue::QueueName::trace, Kind::trace}};
  std::vector<Kind> found;
  if (from != queue::QueueName::deferred && from != queue::QueueName::incoming) return found;
  for (auto [log, kind] : kLogs) {
    const bool applies = kind == Kind::defer || from == queue::QueueName::incoming;
    if (applies && ::access(spool_.path(log, id).c_str(), F_OK) == 0) found.push_back(kind);
  }
  return found;
}

event::Task<void> QueueManager::begin_again(MessageKey key, std::vector<services::bounce::Kind> old_logs) {
  std::string id = find(key)->id;
  for (services::bounce::Kind kind : old_logs) (void)co_await reports_.forget(kind, id);
  ActiveMessage& message = *find(key);
  --message.work;
  load_more(message);
}

/// A file that is no message goes to corrupt/, for a person to look at.
void QueueManager::put_aside(const std::string& path, const std::string& id, int fd, const Error& error) {
  if (fd >= 0) (void)fs::set_mode(fd, queue::mode::kCorrupt);
  auto moved = spool_.move_from(path, id, queue::QueueName::corrupt);
  log::warning("{}: {}: {} to corrupt/", id, error.what, moved ? "moved" : "cannot be moved");
}

Result<> QueueManager::open_again(ActiveMessage& message) {
  if (message.file) return {};
  UMAYA_TRY(message.file, fs::open_safe(spool_.path(queue::QueueName::active, message.id)));
  ++open_files_;
  UMAYA_TRY(fs::LockState state, fs::try_lock(message.file.get(), fs::LockKind::flock));
  if (state == fs::LockState::busy) log::warning("{}: somebody else has locked this message", message.id);
  return {};
}

/// Files of messages that wait are closed when there are very many.
void QueueManager::close_if_many(ActiveMessage& message) {
  if (!message.file || open_files_ <= files_for_waiting_ || message.work > 0) return;
  message.file.reset();
  --open_files_;
}

void QueueManager::load_more(ActiveMessage& message) {
  Result<> opened = open_again(message);
  Result<queue::MessageReader> reader =
      opened ? queue::MessageReader::open(message.file.get()) : std::unexpected(opened.error());
  if (reader) {
    load_recipients(message, *reader);
    return;
  }
  log::warning("{}: {}", message.id, reader.error().what);
  message.gone = opened.error().sys_errno == ENOENT;
  ++message.deferred;
  message.unread = 0;
  check_done(message);
}

void QueueManager::load_recipients(ActiveMessage& message, queue::MessageReader& reader) {
  ++message.work;
  size_t limit = static_cast<size_t>(params_.recipient_limit);
  size_t room = limit > recipients_in_memory_ ? limit - recipients_in_memory_ : 0;
  size_t want = std::clamp(room, static_cast<size_t>(params_.recipient_minimum), kBatch);
  while (want > 0 && message.unread > 0) {
    uint32_t index = message.cursor.index;
    auto some = reader.read_recipients(message.cursor, std::min(want, kPiece));
    if (!some || some->empty()) {
      log::warning("{}: {}", message.id, some ? "fewer recipients than promised" : some.error().what);
      ++message.deferred;
      message.unread = 0;
      break;
    }
    message.unread -= static_cast<uint32_t>(some->size());
    for (const queue::StoredRecipient& stored : *some) {
      if (stored.state == queue::RecipientState::pending) --want;
      add_recipient(message, index++, stored);
      if (want == 0 && &stored != &some->back()) want = 1;  // all that was read is taken
    }
  }
  scheduler_.set_expected_more(message.key, message.unread);
  --message.work;
  close_if_many(message);
  schedule_pump();
  check_done(message);
}

void QueueManager::add_recipient(ActiveMessage& message, uint32_t index, const queue::StoredRecipient& stored) {
  if (stored.state == queue::RecipientState::bounced && message.bounced == 0 &&
      ::access(spool_.path(queue::QueueName::bounce, message.id).c_str(), F_OK) == 0) {
    ++message.bounced;  // its notice was not sent yet
  }
  if (stored.state != queue::RecipientState::pending) return;
  const bool expanded = (stored.notify & queue::notify::kExpanded) != 0;
  if (message.redirected || (expanded && !message.redirect.empty())) {
    write_state(message, stored.offset, queue::RecipientState::abandoned);
    return;
  }
  ActiveRecipient& recipient = message.recipients[index];
  ++recipients_in_memory_;
  recipient.recipient = stored;
  recipient.offset = stored.offset;
  if (!message.redirect.empty()) {
    message.redirected = true;
    if (recipient.recipient.original.empty()) recipient.recipient.original = recipient.recipient.address;
    recipient.recipient.address = message.redirect;
  }
  if (expanded) return tell_expanded(message, index);
  route::Resolution to = router_->resolve(message.envelope.sender, recipient.recipient.address);
  if (to.error) {  // some table has to be asked first
    ++message.work;
    process_.scope().spawn(resolve_later(message.key, index));
    return;
  }
  place(message, index, to);
}

/// An alias that cleanup has expanded: nothing is delivered, its sender is told that it was (RFC 3461 5.2.7.1).
void QueueManager::tell_expanded(ActiveMessage& message, uint32_t index) {
  message.recipients.at(index).recipient.notify = queue::notify::kSuccess;
  services::delivery::RecipientResult result;
  result.id = index;
  result.status = services::delivery::Status::sent;
  result.action = services::delivery::Action::expanded;
  result.dsn = "2.0.0";
  result.text = "alias expanded";
  record(message, {std::move(result)});
}

event::Task<void> QueueManager::resolve_later(MessageKey key, uint32_t index) {
  std::string sender = find(key)->envelope.sender;
  std::string address = find(key)->recipients.at(index).recipient.address;
  auto question = [this, &sender, &address] { return router_->resolve(sender, address); };
  route::Resolution to = co_await table::settle(std::move(question));
  ActiveMessage& message = *find(key);
  if (to.error) {
    defer_here(message, {index}, to.error->dsn.empty() ? "4.3.0" : to.error->dsn,
               "address resolver failure: " + to.error->what);
  } else {
    place(message, index, to);
    schedule_pump();
  }
  --message.work;
  check_done(message);
}

/// Gives a resolved recipient to the scheduler.
void QueueManager::place(ActiveMessage& message, uint32_t index, route::Resolution to) {
  ActiveRecipient& recipient = message.recipients.at(index);
  if (is_double_bounce(to.recipient)) {
    discard_notice(message, index);
    return;
  }
  if (to.bad_syntax) {
    to.transport = "error";
    to.nexthop = "5.1.3 bad address syntax";
  } else {
    recipient.recipient.address = to.recipient;
    apply_filter(message, to);
  }
  TransportId transport = transports_.id_of(to.transport);
  std::string destination = destination_of(transport, to);
  recipient.nexthop = std::move(to.nexthop);
  if (message.ignore_dead) {
    scheduler_.revive(transport, destination);
  } else if (transports_.is_deferred(transport)) {
    defer_here(message, {index}, "4.3.2", "deferred transport");
    return;
  }
  scheduler_.add_recipient(message.key, transport, destination, index, monotonic_now());
}

void QueueManager::apply_filter(const ActiveMessage& message, route::Resolution& to) const {
  if (message.content_filter.empty() || to.transport == "error" || to.transport == "retry") return;
  auto [transport, nexthop] = split_filter(message.content_filter);
  if (nexthop.empty()) nexthop = params_.default_filter_nexthop;
  if (nexthop.empty()) nexthop = to.recipient.substr(to.recipient.rfind('@') + 1);
  to.transport = std::move(transport);
  to.nexthop = std::move(nexthop);
}

/// What shares a concurrency window: the next hop, or the user when every recipient is a delivery of its own.
std::string QueueManager::destination_of(TransportId transport, const route::Resolution& to) const {
  if (transports_.limits(transport).recipient_limit != 1) return to.nexthop;
  size_t at = to.recipient.rfind('@');
  std::string user = to_lower(std::string_view(to.recipient).substr(0, at));
  size_t extension =
      params_.recipient_delimiter.empty() ? std::string::npos : user.find_first_of(params_.recipient_delimiter, 1);
  if (extension != std::string::npos) user.resize(extension);
  if (at != std::string::npos) user += std::string_view(to.recipient).substr(at);
  return user;
}

}  // namespace umaya::qmgr
