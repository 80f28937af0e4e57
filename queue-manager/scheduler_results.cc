// What follows when a delivery ends: feedback, pauses, dead destinations, messages that go.
#include "queue-manager/scheduler.h"
#include "queue-manager/scheduler_model.h"

namespace umaya::qmgr {

Scheduler::Running Scheduler::end(DeliveryId delivery) {
  auto found = deliveries_.find(delivery);
  Running running = std::move(found->second);
  deliveries_.erase(found);
  --running.destination->busy;
  --running.job->transport.busy;
  return running;
}

void Scheduler::finished(DeliveryId delivery, Outcome outcome, TimePoint now, std::string_view reason,
                         std::string_view dsn) {
  Running running = end(delivery);
  Destination& to = *running.destination;
  const TransportLimits& limits = to.transport.limits;
  if (outcome == Outcome::reached) {
    if (to.dead) {
      to.dead = false;
      clear_timer(to);
      to.window.revive(limits.window, to.busy);
    } else {
      to.window.succeeded(limits.window, to.busy);
    }
  } else if (outcome == Outcome::unreachable && !to.dead) {
    if (to.window.failed(limits.window) == ConcurrencyWindow::State::dead) kill(to, now, reason, dsn);
  }
  if (!to.dead && limits.destination_pause > Duration::zero()) set_timer(to, now + limits.destination_pause);
  if (limits.transport_pause > Duration::zero()) to.transport.paused_until = now + limits.transport_pause;
  refill(to, now);
  release(to);
}

void Scheduler::transport_failed(DeliveryId delivery, TimePoint now, std::string_view reason) {
  Running running = end(delivery);
  Transport& transport = running.job->transport;
  transport.dead = true;
  transport.reason = reason;
  transport.paused_until = now + transport.limits.unavailable_time;
  suspended_.push_back({running.delivery.message, running.delivery.recipients, transport.reason, "4.3.0"});
  std::vector<Destination*> all;
  for (const auto& [name, to] : transport.destinations) all.push_back(to.get());
  for (Destination* to : all) {
    suspend_all(*to, transport.reason, "4.3.0");
    release(*to);
  }
}

void Scheduler::kill(Destination& destination, TimePoint now, std::string_view reason, std::string_view dsn) {
  destination.dead = true;
  destination.reason = reason;
  destination.dsn = dsn;
  set_timer(destination, now + destination.transport.limits.dead_time);
  suspend_all(destination, reason, dsn);
}

void Scheduler::suspend_all(Destination& destination, std::string_view reason, std::string_view dsn) {
  while (!destination.peers.empty()) {
    Peer& peer = *destination.peers.back();
    Job& job = peer.job;
    uint32_t left = peer.left();
    job.entries_left -= entries_of(left, job.recipient_limit());
    job.transport.waiting -= left;
    suspended_.push_back({job.message.key,
                          {peer.tokens.begin() + peer.first, peer.tokens.end()},
                          std::string(reason),
                          std::string(dsn)});
    withdraw(peer);
    if (job.ring.empty()) set_blocked(job);
  }
}

std::vector<Suspended> Scheduler::take_suspended() {
  return std::exchange(suspended_, {});
}

void Scheduler::remove_message(MessageKey key) {
  auto found = messages_.find(key);
  if (found == messages_.end()) return;
  for (const auto& job : found->second->jobs) {
    while (!job->peers.empty()) {
      Peer& peer = *job->peers.back();
      Destination& to = peer.destination;
      job->transport.waiting -= peer.left();
      withdraw(peer);
      release(to);
    }
    set_blocked(*job);
  }
  messages_.erase(found);
}

/// A destination that nothing is known about, and for which nothing waits, goes.
void Scheduler::release(Destination& destination) {
  if (!destination.peers.empty() || destination.busy > 0 || destination.dead || destination.timer != TimePoint{})
    return;
  destination.transport.destinations.erase(destination.transport.destinations.find(destination.name));
}

void Scheduler::set_timer(Destination& destination, TimePoint when) {
  clear_timer(destination);
  destination.timer = when;
  timers_.emplace(when, &destination);
}

void Scheduler::clear_timer(Destination& destination) {
  if (destination.timer != TimePoint{}) timers_.erase({destination.timer, &destination});
  destination.timer = {};
}

void Scheduler::run_timers(TimePoint now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Destination& to = *timers_.begin()->second;
    clear_timer(to);
    if (to.dead) {
      to.dead = false;
      to.window.revive(to.transport.limits.window, to.busy);
    }
    refill(to, now);
    release(to);
  }
}

void Scheduler::forget_dead() {
  for (const auto& transport : transports_) {
    transport->dead = false;
    transport->paused_until = {};
    std::vector<Destination*> dead;
    for (const auto& [name, to] : transport->destinations) {
      if (to->dead) dead.push_back(to.get());
    }
    for (Destination* to : dead) revive(transport->id, to->name);
  }
}

void Scheduler::revive(TransportId transport, std::string_view name) {
  if (transports_[transport]->dead) {
    transports_[transport]->dead = false;
    transports_[transport]->paused_until = {};
  }
  Destination* to = find(transport, name);
  if (to == nullptr || !to->dead) return;
  to->dead = false;
  clear_timer(*to);
  to->window.revive(to->transport.limits.window, to->busy);
  release(*to);
}

std::optional<TimePoint> Scheduler::wake_at() const {
  std::optional<TimePoint> when;
  if (!timers_.empty()) when = timers_.begin()->first;
  for (const auto& transport : transports_) {
    if (transport->runnable.empty() || transport->paused_until == TimePoint{}) continue;
    if (!when || transport->paused_until < *when) when = transport->paused_until;
  }
  return when;
}

Scheduler::Destination* Scheduler::find(TransportId transport, std::string_view name) const {
  auto found = transports_[transport]->destinations.find(name);
  return found == transports_[transport]->destinations.end() ? nullptr : found->second.get();
}

int Scheduler::window(TransportId transport, std::string_view name) const {
  const Destination* to = find(transport, name);
  return to == nullptr ? 0 : to->window.size();
}

bool Scheduler::is_dead(TransportId transport, std::string_view name) const {
  const Destination* to = find(transport, name);
  return to != nullptr && to->dead;
}

}  // namespace umaya::qmgr
