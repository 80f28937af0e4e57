// The part of a fetch that deals with the servers of one zone.
#include <algorithm>

#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "named-lite/answer/query.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"
#include "named-lite/logging/category.h"
#include "named-lite/recursion/fetch.h"

namespace umaya::named {

namespace {

constexpr std::chrono::minutes kLameTime{5};
constexpr std::chrono::minutes kRefusedTime{1};
constexpr std::chrono::hours kPlainTime{1};
constexpr std::chrono::milliseconds kForwarderWait{1500};
constexpr std::chrono::seconds kTcpWait{3};
constexpr uint16_t kBadCookie = 23;  // RFC 7873 8
constexpr int kTriesOfServer = 4;    // TCP, without EDNS, with another cookie …
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

class ServerSlot {
 public:
  ServerSlot(ServerBook& book, net::Endpoint server) : book_(book), server_(server) { ++book_.of(server_).under_way; }
  ServerSlot(const ServerSlot&) = delete;
  ServerSlot& operator=(const ServerSlot&) = delete;
  ~ServerSlot() {
    ServerState& state = book_.of(server_);
    if (state.under_way > 0) --state.under_way;  // it may have been forgotten meanwhile
  }

 private:
  ServerBook& book_;
  net::Endpoint server_;
};

std::string with_random_case(std::string_view name) {
  std::string mixed(name);
  uint64_t bits = 0;
  int left = 0;
  for (char& c : mixed) {
    if (!ascii_alpha(c)) continue;
    if (left == 0) {
      bits = random_u64();
      left = 64;
    }
    c = (bits & 1) != 0 ? ascii_upper(c) : ascii_lower(c);
    bits >>= 1;
    --left;
  }
  return mixed;
}

Meaning error_meaning(Says says) {
  Meaning meaning;
  meaning.says = says;
  meaning.rcode = rcode::kServFail;
  return meaning;
}

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

UpstreamRequest Fetch::make_request(const net::Endpoint& server, const Ask& ask, const Way& way) const {
  const ServerState& state = recursor_.servers_.of(server);
  UpstreamRequest request;
  const ServerPolicy* said = policy(server.address);
  request.server = server;
  request.over_tcp = way.over_tcp;
  request.exact_case = settings().randomise_case && !state.breaks_case && !way.over_tcp;
  request.most_mismatches = settings().limits.mismatches;
  bool refused = state.edns == EdnsState::refused && state.edns_again > recursor_.now().time_since_epoch().count();
  std::string name = settings().randomise_case ? with_random_case(ask.name) : std::string(ask.name);
  std::string cookie;
  UpstreamQuestion question{static_cast<uint16_t>(random_below(65536)), name, ask.type, ask.forwarded};
  question.edns = !way.plain && !refused && (said == nullptr || said->edns);
  question.dnssec_ok = settings().want_dnssec && question.edns;
  question.udp_size = said != nullptr && said->udp_size != 0 ? said->udp_size : settings().udp_size;
  if (settings().cookies && question.edns && (said == nullptr || said->cookies)) {
    cookie = state.cookie();
    question.cookie = cookie;
    request.client_cookie = cookie.substr(0, kClientCookie);
  }
  request.packet = write_question(question);
  request.limit = way.over_tcp ? Duration(kTcpWait) : state.time_limit();
  if (ask.forwarded) request.limit = std::max(request.limit, Duration(kForwarderWait));
  request.limit = std::min<Duration>(request.limit, work_->until - recursor_.now());
  return request;
}

event::Task<UpstreamReply> Fetch::exchange(net::Endpoint server, const UpstreamRequest& request) {
  --queries_left_;
  --work_->queries_left;
  RecursionCounters& counters = recursor_.counters_;
  ++counters.upstream_queries;
  if (request.over_tcp) ++counters.upstream_tcp;
  ServerSlot slot(recursor_.servers_, server);
  UpstreamReply reply = co_await recursor_.upstream_.exchange(request);
  counters.mismatches += reply.mismatches;
  if (reply.status == UpstreamStatus::answered) recursor_.servers_.answered(server, reply.took);
  bool silent = reply.status == UpstreamStatus::timed_out && reply.mismatches == 0;
  bool useless = reply.status == UpstreamStatus::unreachable || reply.status == UpstreamStatus::broken;
  if (silent || useless) {
    ++counters.upstream_timeouts;
    recursor_.servers_.timed_out(server, recursor_.now());
    error_ = silent ? extended_error::kNoReachableAuthority : extended_error::kNetworkError;
  }
  co_return reply;
}

event::Task<Meaning> Fetch::ask_server(net::Endpoint server, Ask ask) {
  Way way;
  const ServerPolicy* said = policy(server.address);
  way.over_tcp = said != nullptr && said->tcp_only;
  for (int i = 0; i < kTriesOfServer && may_ask(); ++i) {
    UpstreamRequest request = make_request(server, ask, way);
    UpstreamReply reply = co_await exchange(server, request);
    Then then = judge(server, request, reply, way);
    if (then == Then::again) {
      ++recursor_.counters_.retries;
      continue;
    }
    if (then == Then::use) co_return meaning_of(reply.reply, ask);
    bool silent = reply.status == UpstreamStatus::timed_out;
    co_return error_meaning(silent ? Says::silence : Says::error);
  }
  co_return error_meaning(Says::error);
}

Fetch::Then Fetch::judge(const net::Endpoint& server, const UpstreamRequest& request, const UpstreamReply& reply,
                         Way& way) {
  switch (reply.status) {
    case UpstreamStatus::answered:
      return judge_answer(server, request, reply.reply, way);
    case UpstreamStatus::suspicious:
      way.over_tcp = true;
      return Then::again;
    case UpstreamStatus::timed_out:
      // Something came that was not the answer: perhaps the answer of a server that changes the letters' case.
      if (reply.mismatches == 0 || way.over_tcp) return Then::give_up;
      way.over_tcp = true;
      return Then::again;
    case UpstreamStatus::no_resources:
      quota_ = true;
      return Then::give_up;
    default:
      return Then::give_up;
  }
}

/// RFC 7873 5.3: keeps the server's cookie. False: the answer lacks the cookie that it should have.
bool Fetch::note_cookie(const net::Endpoint& server, const UpstreamRequest& request, const Reply& reply, Way& way) {
  if (request.client_cookie.empty()) return true;
  ServerState& state = recursor_.servers_.of(server);
  if (reply.cookie.size() > kClientCookie) {
    state.server_cookie_size = static_cast<uint8_t>(reply.cookie.size() - kClientCookie);
    std::copy(reply.cookie.begin() + kClientCookie, reply.cookie.end(), state.server_cookie.begin());
    return true;
  }
  if (state.server_cookie_size == 0) return true;
  if (way.over_tcp) {
    state.server_cookie_size = 0;  // it has stopped to give them
    return true;
  }
  way.over_tcp = true;
  return false;
}

Fetch::Then Fetch::judge_answer(const net::Endpoint& server, const UpstreamRequest& request, const Reply& reply,
                                Way& way) {
  ServerState& state = recursor_.servers_.of(server);
  bool sent_edns = request.packet[11] != 0;
  bool refuses_edns = reply.rcode == rcode::kBadVers ||
                      ((reply.rcode == rcode::kFormErr || reply.rcode == rcode::kNotImp) && !reply.has_edns);
  if (sent_edns && refuses_edns && state.edns != EdnsState::works) {
    way.plain = true;
    ++recursor_.counters_.plain;
    return Then::again;
  }
  if (!note_cookie(server, request, reply, way)) return Then::again;
  if (reply.rcode == kBadCookie) {
    if (way.over_tcp) return Then::give_up;
    way.over_tcp = way.cookie_tried;
    way.cookie_tried = true;
    return Then::again;
  }
  if (reply.truncated) {
    if (way.over_tcp) return Then::give_up;
    way.over_tcp = true;
    return Then::again;
  }
  if (way.over_tcp && settings().randomise_case && reply.has_question) {
    state.breaks_case = reply.question != request.packet.substr(kMessageHeader, reply.question.size());
  }
  bool of_use = reply.rcode == rcode::kNoError || reply.rcode == rcode::kNxDomain;
  if (sent_edns && reply.has_edns) {
    state.edns = EdnsState::works;
  } else if (way.plain && of_use) {
    state.edns = EdnsState::refused;
    state.edns_again = (recursor_.now() + kPlainTime).time_since_epoch().count();
  }
  return Then::use;
}

Meaning Fetch::meaning_of(const Reply& reply, const Ask& ask) const {
  Asked asked;
  asked.zone = ask.zone;
  asked.name = ask.name;
  asked.type = ask.type;
  asked.of_forwarder = ask.forwarded;
  asked.most_steps = settings().limits.restarts;
  asked.most_servers = settings().limits.name_servers;
  asked.most_addresses = settings().limits.addresses;
  asked.primes = is_priming();
  asked.ttl = {settings().min_ttl, settings().max_ttl};
  asked.negative_ttl = {settings().min_negative_ttl, settings().max_negative_ttl};
  // An alias may lead into a zone for which somebody else is to be asked.
  asked.believed = [this](std::string_view name) {
    uint16_t view = flight_.key.view;
    return &recursor_.routes_[view].find(name) == route_ && recursor_.own_zone(view, name, 0) == nullptr;
  };
  return interpret(reply, asked);
}

}  // namespace umaya::named
