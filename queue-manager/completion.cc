// The end of a try: notices, removal, or another try later.
#include <sys/stat.h>

#include <algorithm>

#include "libcommon/base/random.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"
#include "libcommon/services/delivery_log.h"
#include "queue-manager/queue_manager.h"

namespace umaya::qmgr {

using namespace std::chrono_literals;
using services::bounce::Kind;
using services::bounce::Notice;

namespace {

/// Removals within this time are made lasting together: a few flushes a second, whatever the load.
constexpr Duration kGatherRemovals = 100ms;

int64_t seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

/// Looks whether the message has anything left to do in this try.
void QueueManager::check_done(ActiveMessage& message) {
  if (message.work > 0 || !message.recipients.empty()) return;
  if (message.gone) {
    forget(message);
  } else if (message.unread > 0) {
    load_more(message);
  } else if (message.deferred == 0 && message.bounced == 0 && message.traced == 0) {
    remove(message);
  } else {
    ++message.work;
    process_.scope().spawn(finish(message.key));
  }
}

event::Task<void> QueueManager::finish(MessageKey key) {
  const daemon::Work work(process_);
  ActiveMessage& message = *find(key);
  bool is_told = open_again(message).has_value();
  struct stat status;  // postsuper -e may have come meanwhile
  if (is_told && ::fstat(message.file.get(), &status) == 0 && (status.st_mode & queue::mode::kForceExpire) != 0) {
    message.force_expire = true;
  }
  if (is_told) is_told = co_await send_notices(message);
  if (is_told && message.deferred > 0 && has_expired(message, age_of(message))) {
    log::info("{}: from=<{}>, status={}, returned to sender", message.id, message.envelope.sender,
              message.force_expire ? "force-expired" : "expired");
    is_told = co_await reports_.notify(notice_for(message, Notice::failure, Kind::defer), message.file.get());
    if (is_told) message.deferred = 0;
  }
  if (is_told && message.deferred > 0) co_await warn_of_delay(key);
  --message.work;
  if (is_told && message.deferred == 0) {
    remove(message);
  } else {
    postpone(message);
  }
}

/// Notices about what failed for good, and reports that were asked for. False: not all could be posted.
event::Task<bool> QueueManager::send_notices(ActiveMessage& message) {
  bool is_told = true;
  if (message.bounced > 0) {
    is_told = co_await reports_.notify(notice_for(message, Notice::failure, Kind::bounce), message.file.get());
  }
  if (message.traced > 0) {
    Notice kind = message.verify_only()     ? Notice::verification
                  : message.report_all()    ? Notice::delivery_report
                  : confirms_delay(message) ? Notice::delay_cleared
                                            : Notice::success;
    bool is_reported = co_await reports_.notify(notice_for(message, kind, Kind::trace), message.file.get());
    is_told = is_told && is_reported;
  }
  co_return is_told;
}

event::Task<void> QueueManager::warn_of_delay(MessageKey key) {
  ActiveMessage& message = *find(key);
  int64_t after = seconds(params_.delay_warning);
  if (after <= 0 || message.delay_notice_sent || age_of(message) + 1 < after) co_return;
  bool is_told = co_await reports_.notify(notice_for(message, Notice::delay, Kind::defer), message.file.get());
  if (!is_told) co_return;
  auto file = fs::open_safe(spool_.path(queue::QueueName::active, message.id), O_WRONLY);
  Result<> marked = file ? queue::mark_delay_notice_sent(file->get()) : std::unexpected(file.error());
  if (!marked) log::warning("{}: {}", message.id, marked.error().what);
}

services::bounce::Notify QueueManager::notice_for(const ActiveMessage& message, Notice notice, Kind log) const {
  services::bounce::Notify request;
  request.notice = notice;
  request.log = log;
  request.queue_name = "active";
  request.envelope = message.envelope;
  request.content_offset = message.content_offset;
  request.content_size = message.content_size;
  return request;
}

/// Seconds since the message came in; a jump of the wall clock since our start does not count.
int64_t QueueManager::age_of(const ActiveMessage& message) const {
  auto running = std::chrono::duration_cast<std::chrono::microseconds>(monotonic_now() - start_monotonic_).count();
  return std::max<int64_t>(0, (start_wall_usec_ + running - message.envelope.arrival_usec) / 1'000'000);
}

bool QueueManager::has_expired(const ActiveMessage& message, int64_t age) const {
  if (message.force_expire) return true;
  int64_t limit = seconds(params_.maximal_lifetime);
  if (message.envelope.sender.empty()) limit = std::min(limit, seconds(params_.bounce_lifetime));
  return age >= limit;
}

void QueueManager::remove(ActiveMessage& message) {
  auto removed = fs::remove(spool_.path(queue::QueueName::active, message.id));
  if (!removed && removed.error().sys_errno == ENOENT) {  // put on hold while the last delivery was under way
    removed = spool_.remove(queue::QueueName::hold, message.id);
  }
  if (!removed) {
    log::warning("{}: {}", message.id, removed.error().what);
    postpone(message);
    return;
  }
  log::info("{}: removed", message.id);
  if (!removal_timer_.armed()) removal_timer_.arm(kGatherRemovals);
  forget(message);
}

/// Back to deferred/ until its next try: the longer it waits the longer it is left alone.
void QueueManager::postpone(ActiveMessage& message) {
  int64_t delay = std::clamp(age_of(message), seconds(params_.minimal_backoff), seconds(params_.maximal_backoff));
  delay += static_cast<int64_t>(random_below(static_cast<uint64_t>(delay) / 16 + 1));  // not all at the same second
  Result<> done = open_again(message);
  if (done) done = fs::set_modified(message.file.get(), wall_seconds() + delay);
  struct stat status;
  if (done && ::fstat(message.file.get(), &status) == 0 && (status.st_mode & queue::mode::kUnthrottle) != 0) {
    done = fs::set_mode(message.file.get(), status.st_mode & 0777 & ~queue::mode::kUnthrottle);
  }
  if (done) done = spool_.move(message.id, queue::QueueName::active, queue::QueueName::deferred);
  if (!done && done.error().sys_errno != ENOENT) log::warning("{}: {}", message.id, done.error().what);
  forget(message);
}

bool QueueManager::is_double_bounce(std::string_view address) const {
  size_t at = address.rfind('@');
  return at != std::string_view::npos && address.substr(0, at) == params_.double_bounce_sender &&
         iequals(address.substr(at + 1), params_.myhostname);
}

/// A notice of ours that came back to us: nobody is left to be told.
void QueueManager::discard_notice(ActiveMessage& message, uint32_t index) {
  services::delivery::RecipientResult result;
  result.id = index;
  result.status = services::delivery::Status::sent;
  result.dsn = "2.0.0";
  result.text = "undeliverable postmaster notification discarded";
  log_own_result(message, result);
  record(message, {result});
}

}  // namespace umaya::qmgr
