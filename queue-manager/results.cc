// Recording what became of recipients: the log of failures first, then the state in the queue file.
#include <algorithm>

#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"
#include "queue-manager/queue_manager.h"

namespace umaya::qmgr {

using namespace std::chrono_literals;
using services::bounce::Kind;
using services::delivery::RecipientResult;
using services::delivery::Status;

namespace {

/// States that come in within this time are synced together.
constexpr Duration kGatherStates = 20ms;

}  // namespace

/// Whether the result stands in a log before the state may be written.
bool QueueManager::needs_report(const ActiveMessage& message, const RecipientResult& result) const {
  if (result.status != Status::sent || message.report_all()) return true;
  const uint8_t notify = message.recipients.at(result.id).recipient.notify;
  if (confirms_delay(message) && queue::wants_notice(notify, queue::notify::kDelay)) return true;
  if (result.action == services::delivery::Action::passed_on) return false;  // RFC 3461 5.2.2
  return queue::wants_notice(notify, queue::notify::kSuccess);
}

void QueueManager::record(ActiveMessage& message, Results results) {
  bool reports = false;
  for (RecipientResult& result : results) {
    if (params_.soft_bounce && result.status == Status::bounced) {
      result.status = Status::deferred;
      if (!result.dsn.empty()) result.dsn[0] = '4';
    }
    reports = reports || needs_report(message, result);
  }
  if (reports) {
    ++message.work;
    process_.scope().spawn(record_durably(message.key, std::move(results)));
    return;
  }
  for (const RecipientResult& result : results) settle(message, result.id, queue::RecipientState::delivered);
}

event::Task<void> QueueManager::record_durably(MessageKey key, Results results) {
  const daemon::Work work(process_);
  ActiveMessage& message = *find(key);  // stays: its work counts this task
  std::vector<services::bounce::Record> bounced, deferred, traced;
  for (const RecipientResult& result : results) {
    services::bounce::Record record{message.recipients.at(result.id).recipient, result};
    if (message.report_all() || result.status == Status::sent) {
      if (needs_report(message, result)) traced.push_back(record);
      if (message.verify_only()) continue;
    }
    if (result.status == Status::bounced) bounced.push_back(record);
    if (result.status == Status::deferred) deferred.push_back(std::move(record));
  }
  bool is_recorded = true;
  if (!bounced.empty()) is_recorded = co_await reports_.append(Kind::bounce, message.id, std::move(bounced));
  if (!deferred.empty()) (void)co_await reports_.append(Kind::defer, message.id, std::move(deferred));
  if (!traced.empty()) {
    bool is_traced = co_await reports_.append(Kind::trace, message.id, std::move(traced));
    if (is_traced) ++message.traced;
  }
  for (const RecipientResult& result : results) {
    bool is_kept = result.status == Status::deferred || (result.status == Status::bounced && !is_recorded);
    if (result.status == Status::bounced && !is_recorded) {
      RecipientResult kept;
      kept.id = result.id;
      kept.dsn = "4.3.0";
      kept.text = "bounce failed";
      log_own_result(message, kept);
    }
    if (message.verify_only()) {
      settle(message, result.id, queue::RecipientState::delivered);
    } else if (is_kept) {
      note_waiting_site(message, result.id);
      settle(message, result.id, queue::RecipientState::pending);
    } else {
      bool failed = result.status == Status::bounced;
      if (failed) ++message.bounced;
      settle(message, result.id, failed ? queue::RecipientState::bounced : queue::RecipientState::delivered);
    }
  }
  --message.work;
  check_done(message);
}

/// Sites that fetch their mail with ETRN: the flush service keeps a list of what waits for them.
void QueueManager::note_waiting_site(const ActiveMessage& message, uint32_t index) {
  if (flush_domains_.empty()) return;
  const std::string& address = message.recipients.at(index).recipient.address;
  size_t at = address.rfind('@');
  if (at == std::string::npos) return;
  std::string site = to_lower(std::string_view(address).substr(at + 1));
  if (flush_domains_.matches(site) == table::Match::yes) reports_.note_site(site, message.id);
}

/// The end of a recipient in memory. A pending one stays in the file for another try.
void QueueManager::settle(ActiveMessage& message, uint32_t index, queue::RecipientState state) {
  auto found = message.recipients.find(index);
  if (found == message.recipients.end()) return;
  uint64_t offset = found->second.offset;
  message.recipients.erase(found);
  --recipients_in_memory_;
  if (state == queue::RecipientState::pending) {
    ++message.deferred;
    return;
  }
  // The last of a message without failures needs no state: the file goes at once.
  bool file_goes = state == queue::RecipientState::delivered && message.recipients.empty() && message.unread == 0 &&
                   message.deferred == 0 && message.bounced == 0 && message.traced == 0;
  if (!file_goes) write_state(message, offset, state);
}

void QueueManager::write_state(ActiveMessage& message, uint64_t offset, queue::RecipientState state) {
  Result<> written;
  if (!message.writable) {
    // The administrator may have put it on hold meanwhile; its state follows it.
    auto where = spool_.find(message.id).value_or(queue::QueueName::active);
    auto opened = fs::open_safe(spool_.path(where, message.id), O_WRONLY);
    if (!opened && opened.error().sys_errno == EMFILE) {  // a state that is not written is a second copy later
      transports_.close_beyond(0);
      opened = fs::open_safe(spool_.path(where, message.id), O_WRONLY);
    }
    if (opened) {
      message.writable = std::move(*opened);
    } else {
      written = std::unexpected(opened.error());
    }
  }
  if (message.writable) written = queue::mark_recipient(message.writable.get(), offset, state);
  if (!written) {
    log::warning("{}: the state of a recipient cannot be written: {}", message.id, written.error().what);
    return;
  }
  if (message.sync_wanted) return;
  message.sync_wanted = true;
  unsynced_.push_back(message.key);
  if (!sync_timer_.armed()) sync_timer_.arm(kGatherStates);
}

event::Task<void> QueueManager::sync_states() {
  const daemon::Work unfinished(process_);
  std::vector<Fd> files;
  for (MessageKey key : std::exchange(unsynced_, {})) {
    ActiveMessage* message = find(key);
    if (message == nullptr) continue;
    message->sync_wanted = false;
    files.push_back(std::move(message->writable));
  }
  auto work = [files = std::move(files)] {
    size_t failed = 0;
    for (const Fd& file : files) failed += fs::sync_data(file.get()) ? 0 : 1;
    return failed;
  };
  size_t failed = co_await pool_.run(std::move(work));
  if (failed > 0) log::warning("the states of recipients in {} messages could not be synced", failed);
}

}  // namespace umaya::qmgr
