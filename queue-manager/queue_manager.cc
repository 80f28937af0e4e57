#include "queue-manager/queue_manager.h"

#include <algorithm>

#include "libcommon/base/random.h"
#include "libcommon/log/log.h"

namespace umaya::qmgr {

using namespace std::chrono_literals;

namespace {

constexpr Duration kHousekeeping = 5s;
constexpr size_t kOwnDescriptors = 28;

/// A fifth of the descriptors each for files that wait, for files, states and connections of deliveries, for all else.
size_t share_of(size_t descriptors) {
  return std::max<size_t>(2, (descriptors - std::min(descriptors, kOwnDescriptors)) / 5);
}

}  // namespace

Result<std::unique_ptr<QueueManager>> QueueManager::create(daemon::Process& process) {
  Params params;
  UMAYA_CHECK(config::bind(process.config(), kBindings, params));
  UMAYA_TRY(auto router, route::Router::open(process.config()));
  std::unique_ptr<QueueManager> made(new QueueManager(process, std::move(params), std::move(router)));
  UMAYA_TRY(made->callers_, Callers::of(process));
  std::string domains;
  for (const std::string& domain : made->params_.fast_flush_domains) domains += domain + " ";
  made->flush_domains_ =
      table::MatchList::parse(table::options_from(process.config()), "fast_flush_domains", domains,
                              table::MatchKind::domain, made->router_->parent_style("fast_flush_domains"));
  return made;
}

QueueManager::QueueManager(daemon::Process& process, Params params, std::unique_ptr<route::Router> router)
    : process_(process),
      params_(std::move(params)),
      router_(std::move(router)),
      spool_(".", {.names = params_.hash_names, .depth = params_.hash_depth}),
      transports_(process.config(), params_, scheduler_, share_of(process.file_limit())),
      reports_(params_, share_of(process.file_limit()) / 2),
      files_for_waiting_(std::min(kOpenFiles, share_of(process.file_limit()))),
      files_at_most_(2 * share_of(process.file_limit())),
      deliveries_at_most_(share_of(process.file_limit())),
      wake_([this] { pump(); }),
      scan_step_([this] { run_scans(); }),
      queue_run_([this] {
        want_scan(deferred_, Urgency::when_due);
        want_scan(incoming_, Urgency::when_due);
        queue_run_.arm(params_.queue_run_delay);
      }),
      housekeeping_([this] { keep_house(); }),
      sync_timer_([this] { process_.scope().spawn(sync_states()); }),
      removal_timer_([this] { process_.scope().spawn(sync_active()); }),
      unlock_timer_([this] { take_unlocked(); }) {}

void QueueManager::start() {
  recover_active();
  want_scan(incoming_, Urgency::when_due);
  want_scan(deferred_, Urgency::when_due);
  queue_run_.arm(params_.queue_run_delay);
  housekeeping_.arm(kHousekeeping);
}

/// What is done now and then: idle connections, changed tables, files that were locked.
void QueueManager::keep_house() {
  housekeeping_.arm(kHousekeeping);
  if (process_.stopping()) return;
  transports_.close_idle(monotonic_now());
  router_->refresh();
  flush_domains_.refresh();
  take_unlocked();
  if (early_rounds_ < kEarlyRounds) {
    ++early_rounds_;
    recover_active();
    want_scan(incoming_, Urgency::when_due);
  }
}

/// Goes on with messages whose agents have told what became of them, and closed them.
void QueueManager::take_unlocked() {
  if (process_.stopping()) return;
  std::set<std::string> locked = std::exchange(locked_, {});
  for (const std::string& id : locked) {
    if (take(spool_.path(queue::QueueName::active, id), id, queue::QueueName::active, Urgency::now) == Taken::busy) {
      locked_.insert(id);
    }
  }
}

/// Makes removals lasting, so that a power cut does not bring back mail that was delivered before.
event::Task<void> QueueManager::sync_active() {
  auto work = [directory = spool_.directory(queue::QueueName::active)] { return fs::sync_directory(directory); };
  auto synced = co_await pool_.run(std::move(work));
  if (!synced) log::warning("{}", synced.error().what);
}

ActiveMessage* QueueManager::find(MessageKey key) {
  auto found = messages_.find(key);
  return found == messages_.end() ? nullptr : found->second.get();
}

void QueueManager::forget(ActiveMessage& message) {
  scheduler_.remove_message(message.key);
  recipients_in_memory_ -= message.recipients.size();
  if (message.file) --open_files_;
  keys_.erase(keys_.find(message.id));
  messages_.erase(message.key);
  bool scans_wait = incoming_.running || incoming_.wanted || deferred_.running || deferred_.wanted;
  if (scans_wait && !scan_step_.armed()) scan_step_.arm(0s);
}

}  // namespace umaya::qmgr
