#include "queue-manager/transports.h"

#include <algorithm>

#include "libcommon/log/log.h"
#include "libcommon/services/delivery.h"

namespace umaya::qmgr {
namespace {

/// A request must fit into one packet, so "no limit" on recipients still is one.
constexpr int kMostRecipients = 500;
constexpr int kNoProcessLimit = 500;
/// Deliveries that local(8) does for a user at the cost of one, and how often that is counted.
constexpr int kLocalBatch = 8;
constexpr int kMostBatches = 100;

class Reader {
 public:
  Reader(const config::Config& config, std::string prefix) : config_(config), prefix_(std::move(prefix)) {}

  void integer(std::string_view name, int& out) {
    auto value = config_.get_int(prefix_ + std::string(name));
    if (value) {
      out = static_cast<int>(std::clamp<int64_t>(*value, INT32_MIN, INT32_MAX));
    } else {
      log::warning("{}", value.error().what);
    }
  }
  void time(std::string_view name, Duration& out) {
    auto value = config_.get_time(prefix_ + std::string(name));
    if (value) {
      out = *value;
    } else {
      log::warning("{}", value.error().what);
    }
  }
  void feedback(std::string_view name, Feedback& out) {
    std::string parameter = prefix_ + std::string(name);
    auto value = Feedback::parse(config_.get(parameter));
    if (value) {
      out = *value;
    } else {
      log::warning("{}: {}", parameter, value.error().what);
    }
  }

 private:
  const config::Config& config_;
  std::string prefix_;
};

}  // namespace

TransportLimits limits_of(const config::Config& config, const config::MasterCf* master, const std::string& name,
                          const Params& params) {
  TransportLimits limits;
  Reader reader(config, name + "_");
  reader.integer("destination_concurrency_limit", limits.window.maximum);
  reader.integer("initial_destination_concurrency", limits.window.initial);
  int cohorts = 1;
  reader.integer("destination_concurrency_failed_cohort_limit", cohorts);
  limits.window.failed_cohorts = cohorts;
  reader.feedback("destination_concurrency_positive_feedback", limits.window.positive);
  reader.feedback("destination_concurrency_negative_feedback", limits.window.negative);
  reader.integer("destination_recipient_limit", limits.recipient_limit);
  reader.integer("delivery_slot_cost", limits.slot_cost);
  reader.integer("delivery_slot_loan", limits.slot_loan);
  reader.integer("delivery_slot_discount", limits.slot_discount);
  reader.integer("minimum_delivery_slots", limits.minimum_slots);
  reader.time("destination_rate_delay", limits.destination_pause);
  reader.time("transport_rate_delay", limits.transport_pause);
  if (limits.recipient_limit <= 0 || limits.recipient_limit > kMostRecipients) limits.recipient_limit = kMostRecipients;
  const config::MasterService* service = master ? master->find(name, config::ServiceType::unix_stream) : nullptr;
  if (service && service->command == "local" && limits.window.maximum > 0) {
    // Deliveries for one user that wait together are one batch with one set of flushes: that is what the limit counts.
    limits.window.maximum = std::min(limits.window.maximum, kMostBatches) * kLocalBatch;
  }
  limits.dead_time = params.minimal_backoff;
  limits.unavailable_time = params.transport_retry;
  limits.max_deliveries = service && service->process_limit > 0 ? service->process_limit : kNoProcessLimit;
  return limits;
}

Transports::Transports(const config::Config& config, const Params& params, Scheduler& scheduler, size_t connections)
    : config_(config),
      params_(params),
      scheduler_(scheduler),
      master_(config::MasterCf::load(config)),
      connections_(connections) {
  if (!master_) log::warning("{}: process limits of delivery agents are not known", master_.error().what);
}

TransportId Transports::id_of(const std::string& name) {
  auto found = ids_.find(name);
  if (found != ids_.end()) return found->second;
  TransportLimits limits = limits_of(config_, master_ ? &*master_ : nullptr, name, params_);
  TransportId id = scheduler_.add_transport(name, limits);
  bool deferred = std::find(params_.defer_transports.begin(), params_.defer_transports.end(), name) !=
                  params_.defer_transports.end();
  transports_.push_back({name, limits, deferred, {}});
  ids_.emplace(name, id);
  return id;
}

Result<Slot> Transports::take(TransportId id, const std::string& destination, Prefer prefer, size_t under_way) {
  Transport& transport = transports_[id];
  while (prefer == Prefer::idle && !transport.idle.empty()) {
    auto same = std::find_if(transport.idle.rbegin(), transport.idle.rend(),
                             [&](const Slot& slot) { return slot.destination == destination; });
    if (same != transport.idle.rend()) std::swap(*same, transport.idle.back());
    Slot slot = std::move(transport.idle.back());
    transport.idle.pop_back();
    if (!slot.channel->stale()) return slot;
  }
  close_beyond(connections_ - std::min(connections_, under_way + 1));
  UMAYA_TRY(auto channel, ipc::Channel::connect(services::delivery::socket_of(transport.name)));
  return Slot{std::move(channel), {}, {}, false};
}

void Transports::give_back(TransportId id, Slot slot, TimePoint now) {
  slot.idle_since = now;
  slot.reused = true;
  transports_[id].idle.push_back(std::move(slot));
}

void Transports::close_beyond(size_t most) {
  size_t idle = 0;
  for (const Transport& transport : transports_) idle += transport.idle.size();
  for (Transport& transport : transports_) {
    while (idle > most && !transport.idle.empty()) {
      transport.idle.erase(transport.idle.begin());
      --idle;
    }
  }
}

void Transports::close_idle(TimePoint now) {
  for (Transport& transport : transports_) {
    std::erase_if(transport.idle, [&](const Slot& slot) {
      return slot.channel->stale() || now - slot.idle_since > params_.max_idle / 2;
    });
  }
}

}  // namespace umaya::qmgr
