// The part of a fetch that deals with the servers of one zone.
#include <algorithm>

#include "libcommon/base/random.h"
#include "named-lite/dns/types.h"
#include "named-lite/logging/category.h"
#include "named-lite/recursion/fetch.h"

namespace umaya::named {

namespace {

constexpr std::chrono::minutes kLameTime{5};
constexpr std::chrono::minutes kRefusedTime{1};
constexpr uint8_t kTriesOfAddress = 2;
constexpr uint8_t kTriesOfForwarder = 3;

/// Counts while it lives; the map forgets what is at zero.
class ZoneSlot {
 public:
  ZoneSlot(std::unordered_map<std::string, size_t>& counts, std::string_view zone) : counts_(counts), zone_(zone) {
    ++counts_[zone_];
  }
  ZoneSlot(const ZoneSlot&) = delete;
  ZoneSlot& operator=(const ZoneSlot&) = delete;
  ~ZoneSlot() {
    auto found = counts_.find(zone_);
    if (--found->second == 0) counts_.erase(found);
  }

 private:
  std::unordered_map<std::string, size_t>& counts_;
  std::string zone_;
};

}  // namespace

bool Fetch::may_ask() {
  if (queries_left_ > 0 && work_->queries_left > 0 && recursor_.now() < work_->until) return true;
  if (error_ == extended_error::kNone) error_ = extended_error::kOther;
  return false;
}

bool Fetch::acceptable(const net::IpAddress& address, bool configured) const {
  if (address.is_v4() ? !settings().use_ipv4 : !settings().use_ipv6) return false;
  if (address.is_unspecified() || address.is_multicast()) return false;
  if (!configured && !settings().allow_loopback && address.is_loopback()) return false;
  const ServerPolicy* said = policy(address);
  return said == nullptr || !said->bogus;
}

const ServerPolicy* Fetch::policy(const net::IpAddress& address) const {
  const ServerPolicy* best = nullptr;
  for (const ServerPolicy& each : settings().views[flight_.key.view].servers) {
    if (!each.network.contains(address)) continue;
    if (best == nullptr || each.network.prefix() > best->network.prefix()) best = &each;
  }
  return best;
}

/// A quota is used up. Gives true.
bool Fetch::over_quota(OverQuota action) {
  quota_ = true;
  if (action == OverQuota::drop) drop_ = true;
  ++recursor_.counters_.over_limit;
  return true;
}

void Fetch::add_addresses(const Entry& entry, ZoneServers& servers) const {
  if (entry.outcome != Outcome::found || entry.sets.empty()) return;
  uint8_t count = 0;
  for (const std::string& data : entry.sets.back().data) {
    auto bytes = reinterpret_cast<const uint8_t*>(data.data());
    net::IpAddress address = data.size() == 4 ? net::IpAddress::v4(bytes) : net::IpAddress::v6(bytes);
    if (count >= settings().limits.addresses || !acceptable(address, false)) continue;
    ++count;
    servers.candidates.push_back({{address, settings().port}});
  }
}

Fetch::ZoneServers Fetch::gather(const Delegation& at) const {
  ZoneServers servers;
  servers.lookups_left = settings().limits.missing_addresses;
  for (const NameServer& server : at.servers) {
    size_t before = servers.candidates.size();
    for (const net::Endpoint& address : server.addresses) {
      if (!acceptable(address.address, at.fixed)) continue;
      servers.candidates.push_back({{address.address, address.port != 0 ? address.port : settings().port}});
    }
    if (servers.candidates.size() > before || server.name.empty()) continue;
    for (uint16_t type : {type::kA, type::kAaaa}) {
      std::optional<Entry> entry = recursor_.cache_.find(flight_.key.view, server.name, type, recursor_.now());
      if (entry) add_addresses(*entry, servers);
    }
    // Below the zone itself nobody could be asked without an address.
    bool hopeless = is_at_or_below(server.name, at.zone) && at.zone.size() > 1;
    if (servers.candidates.size() == before && !hopeless) servers.missing.push_back(server.name);
  }
  for (size_t i = servers.missing.size(); i > 1; --i)
    std::swap(servers.missing[i - 1], servers.missing[random_below(i)]);
  return servers;
}

/// The fastest of those that were tried least; nullptr: none is left.
Fetch::Candidate* Fetch::choose(ZoneServers& servers, const Ask& ask) {
  Candidate* best = nullptr;
  int64_t best_score = INT64_MAX;
  uint8_t most = ask.forwarded ? kTriesOfForwarder : kTriesOfAddress;
  for (Candidate& candidate : servers.candidates) {
    if (candidate.dead || candidate.tries >= most) continue;
    if (recursor_.servers_.rests(candidate.at, recursor_.now())) {
      error_ = extended_error::kNoReachableAuthority;
      continue;
    }
    if (!ask.forwarded && recursor_.servers_.is_lame(ask.zone, candidate.at, recursor_.now())) continue;
    const ServerState& state = recursor_.servers_.of(candidate.at);
    uint16_t quota = settings().limits.fetches_per_server;
    bool full = !ask.forwarded && quota > 0 && state.under_way >= quota;
    if (full && over_quota(settings().limits.over_server_quota)) continue;
    int64_t score = state.srtt_usec + candidate.tries * int64_t{10'000'000};
    if (score >= best_score) continue;
    best = &candidate;
    best_score = score;
  }
  for (const Candidate& candidate : servers.candidates) {
    if (best != nullptr && &candidate != best) recursor_.servers_.passed_over(candidate.at);
  }
  return best;
}

/// Looks up the addresses of one more name server.
event::Task<void> Fetch::add_missing(ZoneServers& servers) {
  std::string name = std::move(servers.missing.back());
  servers.missing.pop_back();
  --servers.lookups_left;
  size_t before = servers.candidates.size();
  for (uint16_t type : {type::kA, type::kAaaa}) {
    if (type == type::kA ? !settings().use_ipv4 : !settings().use_ipv6) continue;
    FetchKey key{flight_.key.view, type, name};
    if (work_->lookups_left == 0 || recursor_.has_failed(key)) continue;
    std::optional<Entry> entry = recursor_.known(key.view, name, type);
    if (entry) {
      add_addresses(*entry, servers);
    } else {
      --work_->lookups_left;
      FetchResultPtr result = co_await recursor_.join(key, work_, depth_ + 1, &flight_);
      if (result->outcome == Outcome::failed) recursor_.note_failure(key, *result);
      // A name server that is an alias is a mistake (RFC 2181 10.3).
      if (result->outcome == Outcome::found && result->steps.size() == 1) {
        add_addresses(result->steps.front().entry, servers);
      }
    }
    if (servers.candidates.size() > before) break;
  }
}

/// Asks the servers of a zone, one after the other, until one says something of use.
event::Task<Meaning> Fetch::ask_zone(const Delegation& at, Ask ask) {
  uint16_t most = settings().limits.fetches_per_zone;
  auto under_way = recursor_.zone_queries_.find(std::string(ask.zone));
  if (!ask.forwarded && most > 0 && under_way != recursor_.zone_queries_.end() && under_way->second >= most) {
    over_quota(settings().limits.over_zone_quota);
    co_return error_meaning(Says::error);
  }
  ZoneSlot slot(recursor_.zone_queries_, ask.zone);
  ZoneServers servers = gather(at);
  Meaning last = error_meaning(Says::error);
  while (may_ask()) {
    Candidate* candidate = choose(servers, ask);
    if (candidate == nullptr) {
      bool can_look = !servers.missing.empty() && servers.lookups_left > 0 && work_->lookups_left > 0 &&
                      depth_ < settings().limits.depth;
      if (!can_look) break;
      co_await add_missing(servers);
      continue;
    }
    size_t index = static_cast<size_t>(candidate - servers.candidates.data());
    last = co_await ask_server(candidate->at, ask);
    if (is_final(last, ask, servers.candidates[index])) co_return std::move(last);
  }
  co_return std::move(last);
}

/// Is it what the zone says, rather than a fault of one server? Notes the faults.
bool Fetch::is_final(const Meaning& meaning, const Ask& ask, Candidate& candidate) {
  ++candidate.tries;
  TimePoint now = recursor_.now();
  switch (meaning.says) {
    case Says::answer:
    case Says::alias:
    case Says::no_data:
    case Says::no_name:
    case Says::referral:
    case Says::overflow:
      return true;
    case Says::lame:
    case Says::refused:
      ++recursor_.counters_.lame;
      if (!ask.forwarded) {
        Duration time = meaning.says == Says::lame ? Duration(kLameTime) : Duration(kRefusedTime);
        recursor_.servers_.mark_lame(ask.zone, candidate.at, now + time);
        Logged<Category::lame_servers>::info("lame server for '{}': {}", name_text(ask.zone), candidate.at.to_string());
      }
      candidate.dead = true;
      return false;
    case Says::silence:
      return false;
    case Says::error:
    case Says::malformed:
      candidate.dead = true;
      return false;
  }
  return false;
}

}  // namespace umaya::named
