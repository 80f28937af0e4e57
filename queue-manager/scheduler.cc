#include "queue-manager/scheduler.h"

#include "queue-manager/scheduler_model.h"

namespace umaya::qmgr {
namespace {

/// A job with more peers than this finds them through an index.
constexpr size_t kIndexFrom = 8;

}  // namespace

Scheduler::Scheduler() = default;
Scheduler::~Scheduler() = default;

TransportId Scheduler::add_transport(std::string name, const TransportLimits& limits) {
  auto transport = std::make_unique<Transport>();
  transport->id = static_cast<TransportId>(transports_.size());
  transport->name = std::move(name);
  transport->limits = limits;
  transports_.push_back(std::move(transport));
  return transports_.back()->id;
}

void Scheduler::set_limits(TransportId transport, const TransportLimits& limits) {
  transports_[transport]->limits = limits;
}

void Scheduler::add_message(MessageKey key, TimePoint now, uint32_t expected_more, Batching batching) {
  auto message = std::make_unique<Message>();
  message->key = key;
  message->sequence = next_sequence_++;
  message->since = now;
  message->expected_more = expected_more;
  message->batching = batching;
  messages_[key] = std::move(message);
}

void Scheduler::set_expected_more(MessageKey key, uint32_t expected_more) {
  auto found = messages_.find(key);
  if (found != messages_.end()) found->second->expected_more = expected_more;
}

Scheduler::Destination& Scheduler::destination(Transport& transport, std::string_view name) {
  auto found = transport.destinations.find(name);
  if (found != transport.destinations.end()) return *found->second;
  auto made = std::make_unique<Destination>(transport, name);
  Destination& result = *made;
  transport.destinations.emplace(std::string(name), std::move(made));
  return result;
}

Scheduler::Job& Scheduler::job(Message& message, Transport& transport) {
  for (const auto& candidate_job : message.jobs) {
    if (&candidate_job->transport == &transport) return *candidate_job;
  }
  message.jobs.push_back(std::make_unique<Job>(message, transport));
  Job& made = *message.jobs.back();
  made.order = {message.sequence, kOwnPlace};
  return made;
}

Scheduler::Peer& Scheduler::peer(Job& job, Destination& destination) {
  if (job.peers.size() <= kIndexFrom) {
    for (const auto& candidate_peer : job.peers) {
      if (&candidate_peer->destination == &destination) return *candidate_peer;
    }
  } else if (auto found = job.index.find(&destination); found != job.index.end()) {
    return *found->second;
  }
  job.peers.push_back(std::make_unique<Peer>(job, destination));
  Peer& made = *job.peers.back();
  made.job_place = static_cast<uint32_t>(job.peers.size() - 1);
  made.destination_place = static_cast<uint32_t>(destination.peers.size());
  destination.peers.push_back(&made);
  if (job.peers.size() == kIndexFrom + 1) {
    job.index.clear();
    for (const auto& each : job.peers) job.index[&each->destination] = each.get();
  } else if (job.peers.size() > kIndexFrom) {
    job.index[&destination] = &made;
  }
  return made;
}

void Scheduler::add_recipient(MessageKey key, TransportId transport_id, std::string_view name, uint32_t token,
                              TimePoint now) {
  Transport& transport = *transports_[transport_id];
  if (transport.dead && now >= transport.paused_until) transport.dead = false;
  if (transport.dead) {
    suspended_.push_back({key, {token}, transport.reason, "4.3.0"});
    return;
  }
  Destination& to = destination(transport, name);
  if (to.dead) {
    suspended_.push_back({key, {token}, to.reason, to.dsn});
    return;
  }
  Job& its_job = job(*messages_.at(key), transport);
  Peer& its_peer = peer(its_job, to);
  int limit = its_job.recipient_limit();
  its_job.entries_left += entries_of(its_peer.left() + 1, limit) - entries_of(its_peer.left(), limit);
  its_peer.tokens.push_back(token);
  ++transport.waiting;
  if (its_peer.ring_place == kNowhere && !its_peer.is_parked) offer(its_peer, now);
  update_size_class(its_job);
}

/// A peer that has got recipients finds its place: ring or parking place.
void Scheduler::offer(Peer& peer, TimePoint now) {
  if (!is_open(peer.destination, now)) {
    park(peer);
    return;
  }
  peer.ring_place = static_cast<uint32_t>(peer.job.ring.size());
  peer.job.ring.push_back(&peer);
  ++peer.destination.ready;
  set_runnable(peer.job);
}

void Scheduler::park(Peer& peer) {
  peer.is_parked = true;
  peer.destination.parked.insert(&peer);
}

void Scheduler::leave_ring(Peer& peer) {
  if (peer.ring_place == kNowhere) return;
  auto& ring = peer.job.ring;
  ring[peer.ring_place] = ring.back();
  ring[peer.ring_place]->ring_place = peer.ring_place;
  ring.pop_back();
  peer.ring_place = kNowhere;
  --peer.destination.ready;
}

/// A peer has no recipients any more, and goes.
void Scheduler::withdraw(Peer& peer) {
  leave_ring(peer);
  if (peer.is_parked) peer.destination.parked.erase(&peer);
  auto& peers = peer.destination.peers;
  peers[peer.destination_place] = peers.back();
  peers[peer.destination_place]->destination_place = peer.destination_place;
  peers.pop_back();
  auto& siblings = peer.job.peers;
  if (siblings.size() > kIndexFrom) peer.job.index.erase(&peer.destination);
  uint32_t place = peer.job_place;
  std::swap(siblings[place], siblings.back());
  siblings[place]->job_place = place;
  siblings.pop_back();
}

bool Scheduler::is_open(const Destination& destination, TimePoint) {
  return destination.free_places() > 0;
}

/// Lets as many parked peers go as there are free places, the earliest jobs first.
void Scheduler::refill(Destination& destination, TimePoint now) {
  while (!destination.parked.empty() && destination.ready < destination.free_places()) {
    Peer& peer = **destination.parked.begin();
    destination.parked.erase(destination.parked.begin());
    peer.is_parked = false;
    offer(peer, now);
  }
}

void Scheduler::set_runnable(Job& job) {
  if (job.is_runnable) return;
  job.is_runnable = true;
  job.transport.runnable.insert(&job);
  update_size_class(job);
}

void Scheduler::set_blocked(Job& job) {
  if (!job.is_runnable) return;
  job.is_runnable = false;
  job.transport.runnable.erase(&job);
  update_size_class(job);
}

void Scheduler::update_size_class(Job& job) {
  uint32_t wanted = kNowhere;
  if (job.is_runnable && !job.stepped && job.transport.limits.slot_cost > 0) {
    wanted = static_cast<uint32_t>(std::bit_width(std::min<uint64_t>(job.size(), INT32_MAX)));
  }
  if (wanted == job.size_class) return;
  if (job.size_class != kNowhere) job.transport.by_size[job.size_class].erase(&job);
  if (wanted != kNowhere) job.transport.by_size[wanted].insert(&job);
  job.size_class = wanted;
}

const Delivery* Scheduler::next(TimePoint now) {
  run_timers(now);
  for (size_t i = 0; i < transports_.size(); ++i) {
    Transport& transport = *transports_[turn_];
    turn_ = (turn_ + 1) % transports_.size();
    if (const Delivery* delivery = select(transport, now)) return delivery;
  }
  return nullptr;
}

const Delivery* Scheduler::select(Transport& transport, TimePoint now) {
  if (transport.paused_until <= now) {
    transport.paused_until = {};
    transport.dead = false;
  }
  if (transport.dead || !transport.is_open(now)) return nullptr;
  while (!transport.runnable.empty()) {
    Job* job = *transport.runnable.begin();
    if (Job* smaller = candidate(*job, now)) {
      preempt(*job, *smaller);
      job = smaller;
    }
    while (!job->ring.empty()) {
      if (job->turn >= job->ring.size()) job->turn = 0;
      Peer& peer = *job->ring[job->turn];
      if (is_open(peer.destination, now)) return take(peer, now);
      leave_ring(peer);
      park(peer);
    }
    set_blocked(*job);
  }
  return nullptr;
}

/// The next entry of a peer becomes a delivery.
const Delivery* Scheduler::take(Peer& peer, TimePoint now) {
  Job& job = peer.job;
  Transport& transport = job.transport;
  Destination& to = peer.destination;
  int limit = job.recipient_limit();
  uint32_t count = limit > 0 ? std::min(peer.left(), static_cast<uint32_t>(limit)) : peer.left();
  DeliveryId id = next_delivery_++;
  Running& running = deliveries_[id];
  auto begin = peer.tokens.begin() + peer.first;
  running = {{id, job.message.key, transport.id, to.name, {begin, begin + count}}, &job, &to};
  peer.first += count;
  transport.waiting -= count;
  --job.entries_left;
  ++job.entries_served;
  ++to.busy;
  ++transport.busy;
  if (peer.left() == 0) {
    withdraw(peer);
  } else {
    ++job.turn;
  }
  refill(to, now);
  if (job.ring.empty()) set_blocked(job);
  return &running.delivery;
}

/// The job that may step in front of the current one: among those that fit into its slots the one that has waited
/// longest for its size. Of each power of two only the oldest is looked at.
Scheduler::Job* Scheduler::candidate(Job& current, TimePoint now) {
  const TransportLimits& limits = current.transport.limits;
  if (limits.slot_cost <= 0 || current.transport.runnable.size() < 2) return nullptr;
  uint64_t total = current.size() + current.entries_served;
  if (total < static_cast<uint64_t>(limits.minimum_slots) * static_cast<uint64_t>(limits.slot_cost)) return nullptr;
  if (current.stepped && (current.order.step % kStepWidth != 0 || current.steps + 1 >= kStepWidth)) return nullptr;
  double slots =
      (current.entries_served - static_cast<double>(current.slots_used)) / limits.slot_cost + limits.slot_loan;
  Job* best = nullptr;
  double best_score = 0;
  for (const JobSet& jobs : current.transport.by_size) {
    if (jobs.empty() || *jobs.begin() == &current) continue;
    Job& other = **jobs.begin();
    double needed = static_cast<double>(other.size());
    if (other.size() >= current.size() || slots < needed * (100 - limits.slot_discount) / 100) continue;
    double waited = std::chrono::duration<double>(now - other.message.since).count();
    double score = (waited + 1) / std::max(needed, 1.0);
    if (score > best_score) {
      best = &other;
      best_score = score;
    }
  }
  return best;
}

void Scheduler::preempt(Job& current, Job& smaller) {
  for (const auto& peer : smaller.peers) {
    if (peer->is_parked) peer->destination.parked.erase(peer.get());
  }
  set_blocked(smaller);
  ++current.steps;
  uint64_t step = current.stepped ? current.order.step - kStepWidth + current.steps : current.steps * kStepWidth;
  smaller.order = {current.order.sequence, step};
  smaller.stepped = true;
  current.slots_used += static_cast<int64_t>(smaller.size()) * current.transport.limits.slot_cost;
  for (const auto& peer : smaller.peers) {
    if (peer->is_parked) peer->destination.parked.insert(peer.get());
  }
  set_runnable(smaller);
}

size_t Scheduler::waiting(TransportId transport) const {
  return transports_[transport]->waiting;
}

size_t Scheduler::destination_count() const {
  size_t count = 0;
  for (const auto& transport : transports_) count += transport->destinations.size();
  return count;
}

}  // namespace umaya::qmgr
