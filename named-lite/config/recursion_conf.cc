#include "named-lite/config/recursion_conf.h"

namespace umaya::named {

namespace {

/// forwarders [port 53] { 192.0.2.1 [port 53]; … };
void read_forwarders(const Reading& reading, const Statement& statement, ForwardConf& conf) {
  const Part* block = reading.block(statement, "forwarders { 192.0.2.1; };");
  if (block == nullptr) return;
  size_t before = reading.problems.errors();
  std::vector<net::Endpoint> servers;
  for (const RemoteServer& each : reading.remote_servers(statement)) servers.push_back(each.at);
  if (reading.problems.errors() != before) return;
  conf.said = true;
  conf.servers = std::move(servers);
}

void read_forward(const Reading& reading, const Statement& statement, ForwardConf& conf) {
  static constexpr Choice<ForwardPolicy> kPolicies[] = {{"first", ForwardPolicy::first}, {"only", ForwardPolicy::only}};
  if (auto policy = choose(reading, statement, 1, kPolicies)) conf.policy = *policy;
}

/// max-cache-size 64m | 10% | unlimited | default
void read_cache_size(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  std::string_view word = statement.word(1);
  if (!word.ends_with('%')) return read_size<&RecursionConf::max_cache_size>(reading, statement, conf);
  auto percent = parse_uint(word.substr(0, word.size() - 1));
  if (!percent || *percent < 1 || *percent > 100) {
    return reading.error(statement, 1, "max-cache-size is from 1% to 100% of the memory", "max-cache-size 10%;");
  }
  conf.max_cache_size = memory_of_host() / 100 * *percent;
}

/// prefetch 2 [9];
void read_prefetch(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  auto trigger = reading.number(statement, 1, 0, 10);
  if (!trigger) return;
  uint64_t eligibility = std::max<uint64_t>(*trigger + 6, 9);
  if (!statement.word(2).empty()) {
    auto said = reading.number(statement, 2, 0, 1'000'000);
    if (!said) return;
    eligibility = std::max(*said, *trigger + 6);
  }
  conf.prefetch_trigger = static_cast<uint32_t>(*trigger);
  conf.prefetch_eligibility = static_cast<uint32_t>(eligibility);
}

void read_minimization(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  static constexpr Choice<Minimization> kModes[] = {
      {"relaxed", Minimization::relaxed}, {"strict", Minimization::strict}, {"disabled", Minimization::off},
      {"off", Minimization::off},         {"no", Minimization::off},
  };
  if (auto mode = choose(reading, statement, 1, kModes)) conf.minimization = *mode;
}

void read_validation(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  static constexpr Choice<Validation> kModes[] = {
      {"auto", Validation::automatic}, {"yes", Validation::yes}, {"no", Validation::no}, {"true", Validation::yes},
      {"false", Validation::no},       {"1", Validation::yes},   {"0", Validation::no},
  };
  if (auto mode = choose(reading, statement, 1, kModes)) conf.validation = *mode;
}

/// Names in a block.
bool read_names(const Reading& reading, const Part& block, std::vector<Name>& out) {
  for (const Statement& each : block.block) {
    auto name = reading.name(each, 0);
    if (!name) return false;
    out.push_back(name->lower());
  }
  return true;
}

/// { what is denied } [except-from { names; }]
void read_except(const Reading& reading, const Statement& statement, std::vector<Name>& out) {
  if (statement.parts.size() <= 2) return;
  if (!iequals(statement.word(2), "except-from") || statement.parts.size() != 4 || !statement.parts[3].is_block()) {
    return reading.error(statement, 2, "only except-from { names; } may stand here",
                         statement.name() + " { … } except-from { \"example.org\"; };");
  }
  out.clear();
  read_names(reading, statement.parts[3], out);
}

void read_denied_addresses(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  AclRef list = reading.list(statement);
  if (!list) return;
  conf.denied.addresses = std::move(list);
  read_except(reading, statement, conf.denied.except_addresses);
}

void read_denied_aliases(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  const Part* block = reading.block(statement, "deny-answer-aliases { \"example.org\"; };");
  std::vector<Name> names;
  if (block == nullptr || !read_names(reading, *block, names)) return;
  conf.denied.aliases = std::move(names);
  read_except(reading, statement, conf.denied.except_aliases);
}

/// fetches-per-zone 20 [drop | fail];
void read_quota(const Reading& reading, const Statement& statement, std::optional<uint32_t>& most,
                QuotaAction& action) {
  static constexpr Choice<QuotaAction> kActions[] = {{"drop", QuotaAction::drop}, {"fail", QuotaAction::fail}};
  auto value = reading.number(statement, 1, 0, UINT32_MAX);
  if (!value) return;
  if (!statement.word(2).empty()) {
    auto said = choose(reading, statement, 2, kActions);
    if (!said) return;
    action = *said;
  }
  most = static_cast<uint32_t>(*value);
}

/// In seconds up to 300, in milliseconds above.
void read_timeout(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  auto value = reading.number(statement, 1, 0, 30'000);
  if (!value) return;
  if (*value == 0) *value = 10'000;
  if (*value <= 300) *value = std::min<uint64_t>(*value * 1000, 30'000);
  conf.query_timeout_ms = static_cast<uint32_t>(*value);
}

void read_client_timeout(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  bool off = iequals(statement.word(1), "off") || iequals(statement.word(1), "disabled");
  auto value = off ? std::optional<uint64_t>(StaleConf::kOff) : reading.number(statement, 1, 0, 10'000);
  if (value) conf.stale.client_timeout_ms = static_cast<uint32_t>(*value);
}

template <auto Member>
void read_stale_flag(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  read_flag<Member>(reading, statement, conf.stale);
}

template <RecursionLimits::Ports RecursionLimits::*Member>
void read_port_range(const Reading& reading, const Statement& statement, RecursionLimits& conf) {
  const Part* block = reading.block(statement, statement.name() + " { range 1024 65535; };");
  if (block == nullptr) return;
  if (block->block.size() != 1)
    return reading.error(statement, 1, "one range of ports is used", "{ range 1024 65535; };");
  const Statement& range = block->block[0];
  bool one = !iequals(range.word(0), "range");
  auto least = reading.port(range, one ? 0 : 1), most = reading.port(range, one ? 0 : 2);
  if (!least || !most) return;
  if (*least > *most) return reading.error(range, 1, "the range ends before it begins");
  conf.*Member = {*least, *most};
}

/// query-source address 192.0.2.1 port *;
template <net::Endpoint SourceAddresses::*Member>
void read_query_source(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  constexpr bool kV4 = Member == &SourceAddresses::ipv4;
  net::Endpoint& source = conf.query_source.*Member;
  read_source(reading, statement, kV4 ? net::Family::ipv4 : net::Family::ipv6, source);
  if (source.port == 0) return;
  std::string words = kV4 ? "use-v4-udp-ports" : "use-v6-udp-ports";
  reading.problems.warning(statement.place(),
                           "a fixed port makes forged answers easy: the port has no effect, ports are taken at random",
                           words + " { range 1024 65535; };  // outside of the block of a view");
}

void read_clients_per_query(const Reading& reading, const Statement& statement, RecursionConf& conf) {
  if (auto value = reading.number(statement, 1, 0, 1'000'000)) conf.clients_per_query = static_cast<uint32_t>(*value);
}

using R = RecursionConf;

constexpr Setting<RecursionConf> kSettings[] = {
    {"allow-query-cache", read_list<&R::allow_query_cache>},
    {"allow-query-cache-on", read_list<&R::allow_query_cache_on>},
    {"allow-recursion", read_list<&R::allow_recursion>},
    {"allow-recursion-on", read_list<&R::allow_recursion_on>},
    {"clients-per-query", read_clients_per_query},
    {"deny-answer-addresses", read_denied_addresses},
    {"deny-answer-aliases", read_denied_aliases},
    {"dnssec-validation", read_validation},
    {"edns-udp-size", read_number<&R::edns_udp_size, 512, 4096>},
    {"fetches-per-server",
     [](const Reading& r, const Statement& s, R& c) { read_quota(r, s, c.fetches_per_server, c.server_quota_action); }},
    {"fetches-per-zone",
     [](const Reading& r, const Statement& s, R& c) { read_quota(r, s, c.fetches_per_zone, c.zone_quota_action); }},
    {"forward", [](const Reading& r, const Statement& s, R& c) { read_forward(r, s, c.forward); }},
    {"forwarders", [](const Reading& r, const Statement& s, R& c) { read_forwarders(r, s, c.forward); }},
    {"max-cache-size", read_cache_size},
    {"max-cache-ttl", read_duration<&R::max_cache_ttl, 0, 604800>},
    {"max-clients-per-query", read_number<&R::max_clients_per_query, 0, 1'000'000>},
    {"max-ncache-ttl", read_duration<&R::max_ncache_ttl, 0, 604800>},
    {"max-query-count", read_number<&R::max_query_count, 0, 1'000'000>},
    {"max-query-restarts", read_number<&R::max_query_restarts, 1, 255>},
    {"max-recursion-depth", read_number<&R::max_recursion_depth, 1, 255>},
    {"max-recursion-queries", read_number<&R::max_recursion_queries, 1, 1'000'000>},
    {"max-stale-ttl",
     [](const Reading& r, const Statement& s, R& c) { read_duration<&StaleConf::max_ttl, 0, 604800>(r, s, c.stale); }},
    {"min-cache-ttl", read_duration<&R::min_cache_ttl, 0, 90>},
    {"min-ncache-ttl", read_duration<&R::min_ncache_ttl, 0, 90>},
    {"prefetch", read_prefetch},
    {"qname-minimization", read_minimization},
    {"query-source", read_query_source<&SourceAddresses::ipv4>},
    {"query-source-v6", read_query_source<&SourceAddresses::ipv6>},
    {"recursion", read_flag<&R::recursion>},
    {"request-nsid", read_flag<&R::request_nsid>},
    {"resolver-query-timeout", read_timeout},
    {"send-cookie", read_flag<&R::send_cookie>},
    {"servfail-ttl", read_duration<&R::servfail_ttl, 0, 30>},
    {"stale-answer-client-timeout", read_client_timeout},
    {"stale-answer-enable", read_stale_flag<&StaleConf::answer>},
    {"stale-answer-ttl", [](const Reading& r, const Statement& s,
                            R& c) { read_duration<&StaleConf::answer_ttl, 1, 604800>(r, s, c.stale); }},
    {"stale-cache-enable", read_stale_flag<&StaleConf::cache>},
    {"stale-refresh-time", [](const Reading& r, const Statement& s,
                              R& c) { read_duration<&StaleConf::refresh_time, 0, 604800>(r, s, c.stale); }},
    {"synth-from-dnssec", read_flag<&R::synth_from_dnssec>},
    {"use-caps-for-id", read_flag<&R::use_caps_for_id>},
    {"validate-except",
     [](const Reading& r, const Statement& s, R& c) {
       const Part* block = r.block(s, "validate-except { \"corp.example\"; };");
       std::vector<Name> names;
       if (block != nullptr && read_names(r, *block, names)) c.validate_except = std::move(names);
     }},
};

constexpr Setting<RecursionLimits> kLimits[] = {
    {"recursive-clients", read_number<&RecursionLimits::recursive_clients, 1, 10'000'000>},
    {"use-v4-udp-ports", read_port_range<&RecursionLimits::ipv4_ports>},
    {"use-v6-udp-ports", read_port_range<&RecursionLimits::ipv6_ports>},
};

constexpr Setting<ForwardConf> kForward[] = {
    {"forward", read_forward},
    {"forwarders", read_forwarders},
};

}  // namespace

void finish_recursion(RecursionConf& conf, const AclRef& allow_query, AclNames& acls) {
  static const AclRef any = std::make_shared<const Acl>(acl_of_any());
  static const AclRef nobody = std::make_shared<const Acl>(acl_of_none());
  if (!conf.allow_recursion_on) conf.allow_recursion_on = any;
  if (!conf.allow_query_cache_on) conf.allow_query_cache_on = any;
  if (!conf.recursion) {
    conf.allow_recursion = conf.allow_query_cache = nobody;
    return;
  }
  AclRef cache = conf.allow_query_cache;
  if (!conf.allow_query_cache) conf.allow_query_cache = conf.allow_recursion ? conf.allow_recursion : allow_query;
  if (!conf.allow_recursion) conf.allow_recursion = cache ? cache : allow_query;
  if (conf.allow_recursion && conf.allow_query_cache) return;
  auto near = std::make_shared<const Acl>(acls.near_hosts());
  if (!conf.allow_recursion) conf.allow_recursion = near;
  if (!conf.allow_query_cache) conf.allow_query_cache = near;
}

std::span<const Setting<RecursionConf>> recursion_settings() {
  return kSettings;
}

std::span<const Setting<RecursionLimits>> recursion_limit_settings() {
  return kLimits;
}

std::span<const Setting<ForwardConf>> forward_settings() {
  return kForward;
}

}  // namespace umaya::named
