#include "named-lite/server/recursion_settings.h"

#include <algorithm>
#include <limits>

#include "named-lite/recursion/hints.h"

namespace umaya::named {

namespace {

constexpr uint16_t kPort = 53;

bool recurses(const ViewConf& view) {
  return view.recursion.recursion && !(view.recursion.allow_recursion && view.recursion.allow_recursion->empty());
}

const ViewConf& leading_view(const NamedConf& conf) {
  auto found = std::find_if(conf.views.begin(), conf.views.end(), recurses);
  return found != conf.views.end() ? *found : conf.views.front();
}

std::string lower(const Name& name) {
  return std::string(name.lower().wire());
}

std::vector<std::string> lower(const std::vector<Name>& names) {
  std::vector<std::string> all;
  for (const Name& name : names) all.push_back(lower(name));
  return all;
}

/// A number of the configuration, as large as the member can hold.
template <class To>
To fit(uint64_t value) {
  return static_cast<To>(std::min<uint64_t>(value, std::numeric_limits<To>::max()));
}

ForwardZone forward_zone(std::string zone, const ForwardConf& conf) {
  ForwardZone result;
  result.zone = std::move(zone);
  result.servers = conf.servers;
  result.mode = conf.policy == ForwardPolicy::only ? ForwardMode::only : ForwardMode::first;
  return result;
}

void add_zone(const ZoneConf& zone, ViewRecursion& view) {
  if (zone.type == ZoneType::hint && !zone.hints.empty()) {
    Problems told_already;
    if (auto hints = parse_root_hints(zone.hints, zone.file, told_already)) view.hints = std::move(*hints);
  }
  bool stub = zone.type == ZoneType::stub || zone.type == ZoneType::static_stub;
  if (zone.forward.said || zone.type == ZoneType::forward) {
    view.forwards.push_back(forward_zone(lower(zone.name), zone.forward));
  }
  if (!stub) return;
  StubZone result;
  result.zone = lower(zone.name);
  for (const RemoteServer& each : zone.primaries) result.servers.push_back(each.at);
  for (const net::IpAddress& each : zone.server_addresses) result.servers.push_back({each, kPort});
  result.names = lower(zone.server_names);
  result.is_static = zone.type == ZoneType::static_stub;
  view.stubs.push_back(std::move(result));
}

ViewRecursion view_recursion(const ViewConf& conf) {
  ViewRecursion view;
  if (conf.recursion.forward.said) view.forwards.push_back(forward_zone(std::string(1, '\0'), conf.recursion.forward));
  for (const ZoneConf& zone : conf.zones) add_zone(zone, view);
  const DeniedAnswers& denied = conf.recursion.denied;
  if (denied.addresses) {
    view.denied_address = [list = denied.addresses](const net::IpAddress& address) { return admits(*list, address); };
  }
  for (const PeerConf& peer : conf.peers) {
    view.servers.push_back({peer.network, peer.bogus, peer.edns.value_or(true), peer.tcp_only,
                            peer.send_cookie.value_or(true), peer.edns_udp_size.value_or(0),
                            peer.key ? lower(*peer.key) : std::string()});
  }
  view.denied_except = lower(denied.except_addresses);
  view.denied_aliases = lower(denied.aliases);
  view.aliases_except = lower(denied.except_aliases);
  view.empty_zones = conf.answer.empty_zones;
  view.disabled_empty_zones = lower(conf.answer.disabled_empty_zones);
  return view;
}

/// A network that lies on the loopback says so by its hints.
bool names_loopback(const ViewRecursion& view) {
  return std::any_of(view.hints.begin(), view.hints.end(), [](const RootHint& hint) {
    return std::any_of(hint.addresses.begin(), hint.addresses.end(), [](auto& each) { return each.is_loopback(); });
  });
}

OverQuota over_quota(QuotaAction action) {
  return action == QuotaAction::drop ? OverQuota::drop : OverQuota::fail;
}

Minimise minimise(Minimization mode) {
  if (mode == Minimization::off) return Minimise::off;
  return mode == Minimization::strict ? Minimise::strict : Minimise::relaxed;
}

uint32_t whole_seconds(seconds time) {
  return fit<uint32_t>(static_cast<uint64_t>(time.count()));
}

void set_limits(const NamedConf& conf, const RecursionConf& of, WorkLimits& limits) {
  limits.queries_per_fetch = fit<uint16_t>(of.max_recursion_queries);
  limits.queries_per_question = fit<uint16_t>(of.max_query_count);
  limits.depth = fit<uint8_t>(of.max_recursion_depth);
  limits.restarts = fit<uint8_t>(of.max_query_restarts);
  limits.questions = fit<uint16_t>(conf.recursion.recursive_clients);
  limits.most_clients_per_query = fit<uint16_t>(of.max_clients_per_query);
  limits.clients_per_query = fit<uint16_t>(of.clients_per_query.value_or(of.max_clients_per_query));
  if (of.fetches_per_zone) {
    limits.fetches_per_zone = fit<uint16_t>(*of.fetches_per_zone);
    limits.over_zone_quota = over_quota(of.zone_quota_action);
  }
  if (of.fetches_per_server) {
    limits.fetches_per_server = fit<uint16_t>(*of.fetches_per_server);
    limits.over_server_quota = over_quota(of.server_quota_action);
  }
  limits.question_time = std::chrono::milliseconds(of.query_timeout_ms);
}

}  // namespace

bool wants_recursion(const NamedConf& conf) {
  return std::any_of(conf.views.begin(), conf.views.end(), recurses);
}

RecursionSettings recursion_settings_of(const NamedConf& conf) {
  RecursionSettings settings;
  for (const ViewConf& view : conf.views) {
    settings.views.push_back(view_recursion(view));
    settings.allow_loopback |= names_loopback(settings.views.back());
  }
  const ViewConf& leading = leading_view(conf);
  const RecursionConf& of = leading.recursion;
  constexpr size_t kLeastCache = size_t{3} << 20;
  constexpr size_t kLeastAnswerCache = size_t{1} << 20;
  size_t whole = std::clamp(of.max_cache_size, kLeastCache, std::max(kLeastCache, memory_of_host() / 2));
  settings.answer_cache_bytes = std::max(whole / 4, kLeastAnswerCache);
  settings.cache_bytes = whole - settings.answer_cache_bytes;
  settings.max_ttl = whole_seconds(of.max_cache_ttl);
  settings.min_ttl = std::min(whole_seconds(of.min_cache_ttl), settings.max_ttl);
  settings.max_negative_ttl = whole_seconds(of.max_ncache_ttl);
  settings.min_negative_ttl = std::min(whole_seconds(of.min_ncache_ttl), settings.max_negative_ttl);
  settings.failure_ttl = whole_seconds(of.servfail_ttl);
  settings.prefetch_trigger = of.prefetch_trigger;
  settings.prefetch_eligible = of.prefetch_eligibility;
  settings.use_ipv4 = conf.uses(net::Family::ipv4);
  settings.use_ipv6 = conf.uses(net::Family::ipv6);
  settings.minimise = minimise(of.minimization);
  settings.randomise_case = of.use_caps_for_id;
  settings.cookies = of.send_cookie;
  settings.udp_size = of.edns_udp_size;
  set_limits(conf, of, settings.limits);
  return settings;
}

SocketUpstream::Options upstream_options_of(const NamedConf& conf) {
  SocketUpstream::Options options;
  const SourceAddresses& source = leading_view(conf).recursion.query_source;
  if (!source.ipv4.address.is_unspecified()) options.source_v4 = source.ipv4.address;
  if (!source.ipv6.address.is_unspecified()) options.source_v6 = source.ipv6.address;
  options.ports_v4 = {conf.recursion.ipv4_ports.least, conf.recursion.ipv4_ports.most};
  options.ports_v6 = {conf.recursion.ipv6_ports.least, conf.recursion.ipv6_ports.most};
  return options;
}

RecursionKeys recursion_keys_of(const NamedConf& conf) {
  RecursionKeys message;
  for (const TsigKey& key : conf.keys) {
    auto names_it = [&](const PeerConf& peer) { return peer.key && peer.key->wire() == key.name.wire(); };
    bool wanted = std::any_of(conf.views.begin(), conf.views.end(), [&](const ViewConf& view) {
      return recurses(view) && std::any_of(view.peers.begin(), view.peers.end(), names_it);
    });
    if (!wanted) continue;
    message.keys.push_back({std::string(key.name.wire()), static_cast<uint8_t>(key.algorithm),
                            static_cast<uint16_t>(key.mac_size), key.secret});
  }
  return message;
}

TsigKeys tsig_keys(const RecursionKeys& keys) {
  TsigKeys all;
  for (const RecursionKeys::Key& each : keys.keys) {
    TsigKey& key = all.emplace_back();
    key.name = Name::from_wire(each.name);
    key.algorithm = static_cast<TsigAlgorithm>(each.algorithm);
    key.mac_size = each.mac_size;
    key.secret = each.secret;
  }
  return all;
}

}  // namespace umaya::named
