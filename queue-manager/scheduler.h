// NAME    scheduler - which recipients of which message go to which destination next
//
// SYNOPSIS
//     Scheduler scheduler;
//     TransportId smtp = scheduler.add_transport("smtp", limits);
//     scheduler.add_message(key, arrival);
//     scheduler.add_recipient(key, smtp, "example.net", token, now);
//     while (const Delivery* delivery = scheduler.next(now)) …start it…
//     scheduler.finished(id, Outcome::reached, now);
//
// DESCRIPTION
//     No clock, no files, no sockets: time comes in as an argument, results go out as values, so that every decision
//     can be tested with simulated time.
//
//     The recipients of a message that go over one transport are a *job*; those of them for one destination a *peer*;
//     up to destination_recipient_limit of these an *entry*, which is one delivery. A *destination* (a next hop, or a
//     user when the recipient limit is 1) has a concurrency window, is alive or dead, and may have a pause after each
//     delivery.
//     Transports take turns. Within one, the job at the head is served, its peers in turn, as far as windows allow;
//     jobs stand in the order of arrival. A job of many entries earns a slot for other jobs with every slot_cost
//     entries it had served, and a smaller job that fits into the earned slots (plus a loan) steps in front of it, the
//     one that waited longest for its size first. So a message to one user waits for a few deliveries of a list and not
//     for the list, and the list still gets most of the capacity. (The method is Postfix's; see qmgr(8),
//     SCHEDULER_README.) A peer whose destination has no free place is parked there and comes back when a place is
//     free, the earliest job first: a decision costs O(log n), whatever number of jobs wait for the same place.
//
// OWNERSHIP
//     The scheduler owns everything; keys and tokens of the caller are only given back.
//
// LIMITS
//     Memory grows with the recipients given; the caller bounds them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "queue-manager/feedback.h"

namespace umaya::qmgr {

using TransportId = uint32_t;
using MessageKey = uint64_t;
using DeliveryId = uint64_t;

/// The <transport>_ parameters (postconf(5)).
struct TransportLimits {
  WindowLimits window{};
  int max_deliveries = 100;      ///< at a time over this transport (maxproc of master.cf); 0: no limit
  int recipient_limit = 50;      ///< destination_recipient_limit: recipients in one delivery; 0: no limit
  int slot_cost = 5;             ///< delivery_slot_cost; 0: no preemption
  int slot_loan = 3;             ///< delivery_slot_loan
  int slot_discount = 50;        ///< delivery_slot_discount, percent
  int minimum_slots = 3;         ///< minimum_delivery_slots
  Duration destination_pause{};  ///< destination_rate_delay
  Duration transport_pause{};    ///< transport_rate_delay
  Duration dead_time = std::chrono::seconds(300);        ///< minimal_backoff_time: how long a destination stays dead
  Duration unavailable_time = std::chrono::seconds(60);  ///< transport_retry_time
};

/// What a finished delivery says about the destination.
enum class Outcome : unsigned char {
  reached,      ///< the other side answered, whatever it said about the recipients
  unreachable,  ///< no session: counts against the destination
  neutral,      ///< says nothing about it
};

/// One piece of work to start; valid until finished() or transport_failed().
struct Delivery {
  DeliveryId id = 0;
  MessageKey message = 0;
  TransportId transport = 0;
  std::string_view destination;
  std::vector<uint32_t> recipients;  ///< the caller's tokens
};

/// Recipients that cannot be tried now because their destination or transport is dead.
struct Suspended {
  MessageKey message = 0;
  std::vector<uint32_t> recipients;
  std::string reason;
  std::string dsn;
};

/// Whether recipients of one destination may share a delivery.
enum class Batching : unsigned char { together, one_by_one };

class Scheduler {
 public:
  Scheduler();
  ~Scheduler();

  TransportId add_transport(std::string name, const TransportLimits& limits);
  void set_limits(TransportId transport, const TransportLimits& limits);

  /// Announces a message; messages are served in this order. expected_more: recipients that will be given later.
  void add_message(MessageKey message, TimePoint now, uint32_t expected_more, Batching batching = Batching::together);
  void set_expected_more(MessageKey message, uint32_t expected_more);
  /// Adds a recipient; when the destination is dead it comes back at once from take_suspended().
  void add_recipient(MessageKey message, TransportId transport, std::string_view destination, uint32_t token,
                     TimePoint now);
  /// Forgets a message; no delivery of it may be under way.
  void remove_message(MessageKey message);

  /// The next delivery to start; nothing when all that could go is under way.
  const Delivery* next(TimePoint now);
  /// The delivery ended. reason and dsn are told to what has to wait when the destination is dead now.
  void finished(DeliveryId delivery, Outcome outcome, TimePoint now, std::string_view reason = {},
                std::string_view dsn = {});
  /// The delivery could not be handed over: its recipients are given back, and the transport is dead for a while.
  void transport_failed(DeliveryId delivery, TimePoint now, std::string_view reason);

  /// What was taken out of the queues because of dead destinations and transports.
  std::vector<Suspended> take_suspended();
  /// Forgets what is dead (postqueue -f).
  void forget_dead();
  /// Forgets that one destination and its transport are dead (postqueue -i).
  void revive(TransportId transport, std::string_view destination);
  /// When next() may have an answer without finished() or add_recipient(): the end of a pause.
  std::optional<TimePoint> wake_at() const;

  int window(TransportId transport, std::string_view destination) const;
  bool is_dead(TransportId transport, std::string_view destination) const;
  size_t deliveries_under_way() const { return deliveries_.size(); }
  size_t waiting(TransportId transport) const;
  /// Destinations in memory, for tests of bounded memory.
  size_t destination_count() const;

 private:
  struct Transport;
  struct Destination;
  struct Job;
  struct Peer;
  struct Message;
  struct Running;
  struct EarlierJob {
    bool operator()(const Job* a, const Job* b) const;
  };
  struct EarlierPeer {
    bool operator()(const Peer* a, const Peer* b) const;
  };
  using JobSet = std::set<Job*, EarlierJob>;

  Destination& destination(Transport& transport, std::string_view name);
  Job& job(Message& message, Transport& transport);
  Peer& peer(Job& job, Destination& destination);
  const Delivery* select(Transport& transport, TimePoint now);
  const Delivery* take(Peer& peer, TimePoint now);
  void offer(Peer& peer, TimePoint now);
  void park(Peer& peer);
  void withdraw(Peer& peer);
  void leave_ring(Peer& peer);
  void refill(Destination& destination, TimePoint now);
  void set_runnable(Job& job);
  void set_blocked(Job& job);
  void update_size_class(Job& job);
  Job* candidate(Job& current, TimePoint now);
  void preempt(Job& current, Job& smaller);
  void release(Destination& destination);
  void kill(Destination& destination, TimePoint now, std::string_view reason, std::string_view dsn);
  void suspend_all(Destination& destination, std::string_view reason, std::string_view dsn);
  void set_timer(Destination& destination, TimePoint when);
  void clear_timer(Destination& destination);
  void run_timers(TimePoint now);
  Running end(DeliveryId delivery);
  Destination* find(TransportId transport, std::string_view name) const;
  static bool is_open(const Destination& destination, TimePoint now);

  std::vector<std::unique_ptr<Transport>> transports_;
  size_t turn_ = 0;
  std::unordered_map<MessageKey, std::unique_ptr<Message>> messages_;
  std::unordered_map<DeliveryId, Running> deliveries_;
  std::set<std::pair<TimePoint, Destination*>> timers_;
  std::vector<Suspended> suspended_;
  uint64_t next_sequence_ = 1;
  DeliveryId next_delivery_ = 1;
};

}  // namespace umaya::qmgr
