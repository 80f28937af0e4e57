// NAME    queue_manager - moves messages through the queue and hands them to delivery agents
//
// DESCRIPTION
//     New messages are named by cleanup and taken from incoming/ without a scan; what waits in deferred/ is looked at
//     every queue_run_delay. A message that is taken is locked and moved to active/, its recipients are resolved and
//     given to the scheduler, which says what goes to which agent when.
//
//     The order that makes the promises of ARCHITECTURE.md true: a failure is durable in the bounce log before the
//     recipient's state says so; states are written as results come in and synced in batches; a notice is durable in
//     the queue before the log it was made from goes; a file is removed when every recipient is done. A crash in
//     between repeats the last step for those recipients, and loses none.
//
//     What a crash leaves in active/ is taken again at the start. A file that is still locked belongs to an agent that
//     goes on without us: its results come as LateResults.
//
// LIMITS
//     qmgr_message_active_limit messages and about qmgr_message_recipient_limit recipients in memory, whatever the
//     length of the queue; at most kOpenFiles files are open for messages that wait. Where few
//     descriptors are allowed there are fewer of these, and fewer deliveries at a time.
#pragma once

#include <sys/stat.h>

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "libcommon/daemon/daemon.h"
#include "libcommon/event/worker_pool.h"
#include "libcommon/fs/file.h"
#include "libcommon/queue/directories.h"
#include "libcommon/route/router.h"
#include "libcommon/services/qmgr.h"
#include "libcommon/table/match_list.h"
#include "libcommon/table/open.h"
#include "queue-manager/active_message.h"
#include "queue-manager/callers.h"
#include "queue-manager/params.h"
#include "queue-manager/reports.h"
#include "queue-manager/scheduler.h"
#include "queue-manager/transports.h"

namespace umaya::qmgr {

class QueueManager {
 public:
  static Result<std::unique_ptr<QueueManager>> create(daemon::Process& process);
  /// Takes up what lies in the queue, and starts the timers.
  void start();
  /// The process shall end and another one take over: does not wait for deliveries that are under way.
  void hand_over();
  /// One connection to public/qmgr.
  event::Task<void> session(Fd fd);

 private:
  static constexpr size_t kOpenFiles = 1000;
  static constexpr size_t kRefillBelow = 2500;
  /// Rounds of housekeeping after the start in which our predecessor may still put something down.
  static constexpr unsigned kEarlyRounds = 12;
  enum class Urgency : unsigned char {
    when_due,  ///< as its time of next attempt says
    now,       ///< whatever that time says
  };
  enum class Taken : unsigned char { yes, busy, not_due, gone };
  using Results = std::vector<services::delivery::RecipientResult>;

  QueueManager(daemon::Process& process, Params params, std::unique_ptr<route::Router> router);

  // commands.cc: what others tell us
  bool take_packet(const ipc::Packet& packet);
  void trigger(char what);
  void new_messages(const services::qmgr::NewMessage& message);
  void flush_all();
  services::qmgr::Done obey(const services::qmgr::Command& command);
  event::Task<services::qmgr::Done> late_results(services::qmgr::LateResults late);
  event::Task<services::qmgr::Done> flush_site(std::string site);
  services::qmgr::Done flush_message(const std::string& id);

  // scan.cc: messages that nobody told us about
  struct Scan {
    queue::QueueName queue;
    std::optional<queue::QueueScan> running{};
    Urgency urgency = Urgency::when_due;         ///< of the running scan
    Urgency urgency_wanted = Urgency::when_due;  ///< of the next
    bool wanted = false;                         ///< another scan shall follow
  };
  void want_scan(Scan& scan, Urgency urgency);
  void run_scans();
  bool scan_step(Scan& scan);
  void recover_active();
  bool has_room() const {
    return messages_.size() < static_cast<size_t>(params_.active_limit) && open_files_ < files_at_most_;
  }

  // intake.cc: from a file to recipients in the scheduler
  Taken take(const std::string& path, const std::string& id, queue::QueueName from, Urgency urgency);
  static bool counts(const std::string& path, const std::string& id, const Fd& file, const struct stat& status);
  Taken activate(Fd file, const std::string& path, const std::string& id, queue::QueueName from, mode_t mode);
  void put_aside(const std::string& path, const std::string& id, int fd, const Error& error);
  Result<> open_again(ActiveMessage& message);
  void close_if_many(ActiveMessage& message);
  void load_recipients(ActiveMessage& message, queue::MessageReader& reader);
  void load_more(ActiveMessage& message);
  void remove_drop_file(const std::string& id, const queue::Envelope& envelope);
  void take_verp(ActiveMessage& message, const std::string& delimiters);
  std::vector<services::bounce::Kind> logs_before(const std::string& id, queue::QueueName from) const;
  event::Task<void> begin_again(MessageKey key, std::vector<services::bounce::Kind> old_logs);
  void add_recipient(ActiveMessage& message, uint32_t index, const queue::StoredRecipient& stored);
  void place(ActiveMessage& message, uint32_t index, route::Resolution to);
  void tell_expanded(ActiveMessage& message, uint32_t index);
  event::Task<void> resolve_later(MessageKey key, uint32_t index);
  void apply_filter(const ActiveMessage& message, route::Resolution& to) const;
  std::string destination_of(TransportId transport, const route::Resolution& to) const;

  // delivery.cc: from the scheduler to agents and back
  void schedule_pump();
  void pump();
  event::Task<void> deliver(DeliveryId delivery, MessageKey key, TransportId transport, std::string destination,
                            std::vector<uint32_t> tokens);
  services::delivery::Request request_for(const ActiveMessage& message, TransportId transport,
                                          const std::vector<uint32_t>& tokens) const;
  void take_reply(DeliveryId delivery, MessageKey key, const std::vector<uint32_t>& tokens,
                  services::delivery::Reply reply);
  void pass_on(ActiveMessage& message, const std::vector<uint32_t>& tokens, const services::delivery::Reply& reply);
  void take_failure(DeliveryId delivery, MessageKey key, const std::vector<uint32_t>& tokens, const Error& error);
  void drain_suspended();
  void defer_here(ActiveMessage& message, const std::vector<uint32_t>& tokens, const std::string& dsn,
                  const std::string& text);
  void log_own_result(const ActiveMessage& message, const services::delivery::RecipientResult& result);

  // results.cc: recording what became of recipients
  void record(ActiveMessage& message, Results results);
  event::Task<void> record_durably(MessageKey key, Results results);
  bool needs_report(const ActiveMessage& message, const services::delivery::RecipientResult& result) const;
  bool confirms_delay(const ActiveMessage& message) const {
    return params_.confirm_delay_cleared && message.delay_notice_sent;
  }
  void settle(ActiveMessage& message, uint32_t index, queue::RecipientState state);
  void write_state(ActiveMessage& message, uint64_t offset, queue::RecipientState state);
  void note_waiting_site(const ActiveMessage& message, uint32_t index);
  event::Task<void> sync_states();

  // completion.cc: the end of a try
  void check_done(ActiveMessage& message);
  event::Task<void> finish(MessageKey key);
  event::Task<bool> send_notices(ActiveMessage& message);
  services::bounce::Notify notice_for(const ActiveMessage& message, services::bounce::Notice notice,
                                      services::bounce::Kind log) const;
  bool has_expired(const ActiveMessage& message, int64_t age) const;
  void remove(ActiveMessage& message);
  void postpone(ActiveMessage& message);
  int64_t age_of(const ActiveMessage& message) const;
  event::Task<void> warn_of_delay(MessageKey key);
  bool is_double_bounce(std::string_view address) const;
  void discard_notice(ActiveMessage& message, uint32_t index);

  // queue_manager.cc
  void keep_house();
  void take_unlocked();
  event::Task<void> sync_active();
  void forget(ActiveMessage& message);
  ActiveMessage* find(MessageKey key);

  daemon::Process& process_;
  Callers callers_;
  Params params_;
  std::unique_ptr<route::Router> router_;
  queue::QueueDirectories spool_;
  Scheduler scheduler_;
  Transports transports_;
  Reports reports_;
  table::MatchList flush_domains_;
  event::WorkerPool pool_{2};

  std::unordered_map<MessageKey, std::unique_ptr<ActiveMessage>> messages_;
  StringMap<MessageKey> keys_;  ///< by queue id
  MessageKey next_key_ = 1;
  size_t recipients_in_memory_ = 0;
  size_t open_files_ = 0;
  size_t deliveries_ = 0;            ///< under way
  const size_t files_for_waiting_;   ///< kOpenFiles, or what the limit of descriptors bears
  const size_t files_at_most_;       ///< beyond that no message is taken
  const size_t deliveries_at_most_;  ///< each has a connection and a file

  Scan incoming_{queue::QueueName::incoming};
  Scan deferred_{queue::QueueName::deferred};
  std::set<int> in_flight_;       ///< connections to agents that deliver
  std::set<std::string> locked_;  ///< in active/, held by an agent of our predecessor
  std::vector<MessageKey> unsynced_;
  bool pump_wanted_ = false;
  /// Ages are counted from here on monotonic time, so that a jump of the clock returns no mail.
  const int64_t start_wall_usec_ = wall_usec();
  const TimePoint start_monotonic_ = monotonic_now();

  event::Timer wake_, scan_step_, queue_run_, housekeeping_, sync_timer_, removal_timer_, unlock_timer_;
  unsigned early_rounds_ = 0;
};

}  // namespace umaya::qmgr
