// NAME    scheduler_model - the things that the scheduler moves about; private to it
//
// DESCRIPTION
//     Message owns its jobs, a job its peers, a transport its destinations. A peer lives as long as it has waiting
//     recipients, and is either ready (in the ring of its job) or parked (in the set of its destination).
#pragma once

#include <algorithm>
#include <bit>

#include "queue-manager/scheduler.h"

namespace umaya::qmgr {

inline constexpr uint32_t kNowhere = UINT32_MAX;
inline constexpr size_t kSizeClasses = 32;

/// How many deliveries n recipients make.
inline uint32_t entries_of(uint32_t recipients, int limit) {
  if (limit <= 0) return recipients > 0 ? 1 : 0;
  return (recipients + static_cast<uint32_t>(limit) - 1) / static_cast<uint32_t>(limit);
}

/// The place of a job in the order of its transport. Jobs that step in front of another get numbers below its own.
struct JobOrder {
  uint64_t sequence = 0;
  uint64_t step = 0;
  auto operator<=>(const JobOrder&) const = default;
};
inline constexpr uint64_t kOwnPlace = 1ULL << 63;
inline constexpr uint64_t kStepWidth = 1ULL << 20;

struct Scheduler::Transport {
  TransportId id = 0;
  std::string name;
  TransportLimits limits;
  StringMap<std::unique_ptr<Destination>> destinations;
  JobSet runnable;
  std::array<JobSet, kSizeClasses> by_size;  ///< runnable jobs in their own place, by the power of two of their size
  int busy = 0;
  size_t waiting = 0;  ///< recipients
  TimePoint paused_until{};
  bool dead = false;
  std::string reason;

  bool is_open(TimePoint now) const {
    return now >= paused_until && (limits.max_deliveries == 0 || busy < limits.max_deliveries) &&
           (limits.transport_pause == Duration::zero() || busy == 0);
  }
};

struct Scheduler::Destination {
  Destination(Transport& t, std::string_view n) : transport(t), name(n), window(t.limits.window) {}
  Transport& transport;
  std::string name;
  ConcurrencyWindow window;
  int busy = 0;
  int ready = 0;             ///< peers in the rings of their jobs
  std::vector<Peer*> peers;  ///< with waiting recipients
  std::set<Peer*, EarlierPeer> parked;
  bool dead = false;
  std::string reason;
  std::string dsn;
  TimePoint timer{};  ///< end of a pause or of being dead; zero: none

  int free_places() const {
    int size = transport.limits.destination_pause > Duration::zero() ? 1 : window.size();
    return dead || timer != TimePoint{} ? 0 : size - busy;
  }
};

struct Scheduler::Peer {
  Peer(Job& j, Destination& d) : job(j), destination(d) {}
  Job& job;
  Destination& destination;
  std::vector<uint32_t> tokens;
  uint32_t first = 0;                     ///< of the tokens that wait
  uint32_t ring_place = kNowhere;         ///< index in job.ring
  uint32_t destination_place = kNowhere;  ///< index in destination.peers
  uint32_t job_place = kNowhere;          ///< index in job.peers
  bool is_parked = false;

  uint32_t left() const { return static_cast<uint32_t>(tokens.size()) - first; }
};

struct Scheduler::Job {
  Job(Message& m, Transport& t) : message(m), transport(t) {}
  Message& message;
  Transport& transport;
  JobOrder order;
  uint64_t steps = 0;        ///< jobs that stepped in front of this one so far
  bool stepped = false;      ///< stands in front of another job
  bool is_runnable = false;  ///< in transport.runnable
  uint32_t size_class = kNowhere;
  uint32_t entries_left = 0;
  uint32_t entries_served = 0;
  int64_t slots_used = 0;  ///< in units of entries served
  std::vector<Peer*> ring;
  uint32_t turn = 0;
  std::vector<std::unique_ptr<Peer>> peers;
  std::unordered_map<const Destination*, Peer*> index;  ///< once there are many peers

  /// Recipients in one delivery; 0: no limit.
  int recipient_limit() const;
  uint64_t size() const;  ///< entries that are still to be served, as far as is known
};

struct Scheduler::Message {
  MessageKey key = 0;
  uint64_t sequence = 0;
  TimePoint since{};
  uint32_t expected_more = 0;
  Batching batching = Batching::together;
  std::vector<std::unique_ptr<Job>> jobs;
};

struct Scheduler::Running {
  Delivery delivery;
  Job* job = nullptr;
  Destination* destination = nullptr;
};

inline int Scheduler::Job::recipient_limit() const {
  return message.batching == Batching::one_by_one ? 1 : transport.limits.recipient_limit;
}

inline uint64_t Scheduler::Job::size() const {
  return uint64_t{entries_left} + message.expected_more;
}
inline bool Scheduler::EarlierJob::operator()(const Job* a, const Job* b) const {
  return a->order < b->order;
}
inline bool Scheduler::EarlierPeer::operator()(const Peer* a, const Peer* b) const {
  return a->job.order < b->job.order;
}

}  // namespace umaya::qmgr
