// NAME    recursion_conf - what named.conf says of questions that go to other name servers, and of the cache
#pragma once

#include <optional>
#include <vector>

#include "named-lite/config/reading.h"
#include "named-lite/config/transfer_conf.h"

namespace umaya::named {

enum class ForwardPolicy : unsigned char { first, only };

/// forwarders and forward, of options, a view or a zone.
struct ForwardConf {
  bool said = false;                   ///< forwarders stands here; empty servers then end forwarding below the zone
  std::vector<net::Endpoint> servers;  ///< asked in place of the servers that delegations name
  ForwardPolicy policy = ForwardPolicy::first;
};

enum class Minimization : unsigned char { off, relaxed, strict };
enum class Validation : unsigned char { no, yes, automatic };
/// What becomes of a question beyond a quota.
enum class QuotaAction : unsigned char { fail, drop };

/// deny-answer-addresses and deny-answer-aliases.
struct DeniedAnswers {
  AclRef addresses;                    ///< null: none
  std::vector<Name> aliases;           ///< lower case: CNAME and DNAME may not lead to these or below them
  std::vector<Name> except_addresses;  ///< questions for these names and below may, as with the next
  std::vector<Name> except_aliases;
};

/// Stale answers (RFC 8767).
struct StaleConf {
  bool cache = false;  ///< stale-cache-enable
  bool answer = false;
  seconds answer_ttl{30}, max_ttl{86400}, refresh_time{30};
  uint32_t client_timeout_ms = kOff;
  static constexpr uint32_t kOff = UINT32_MAX;
};

/// Of options and views.
struct RecursionConf {
  bool recursion = true;
  AclRef allow_recursion;     ///< none of these four is null once the configuration is read; by default those of
  AclRef allow_query_cache;   ///< localnets and localhost
  AclRef allow_recursion_on;  ///< addresses of this host that are asked; any by default, as the next
  AclRef allow_query_cache_on;
  ForwardConf forward;
  uint64_t max_cache_size = uint64_t{64} << 20;  ///< octets
  seconds max_cache_ttl{604800}, min_cache_ttl{0};
  seconds max_ncache_ttl{10800}, min_ncache_ttl{0};
  seconds servfail_ttl{1};
  uint32_t prefetch_trigger = 2;      ///< seconds of life left; 0: off
  uint32_t prefetch_eligibility = 9;  ///< least TTL of what is fetched in time
  Minimization minimization = Minimization::relaxed;
  bool use_caps_for_id = false;  ///< letters of random case in questions to other servers; not in BIND, Unbound's name
  SourceAddresses query_source;
  DeniedAnswers denied;
  std::optional<uint32_t> fetches_per_server;  ///< nothing: a limit of ours; 0: no limit. As the next
  std::optional<uint32_t> fetches_per_zone;
  QuotaAction server_quota_action = QuotaAction::fail;
  QuotaAction zone_quota_action = QuotaAction::drop;
  std::optional<uint32_t> clients_per_query;  ///< nothing: as many as at most
  uint32_t max_clients_per_query = 100;
  uint32_t max_recursion_depth = 7;
  uint32_t max_recursion_queries = 50;
  uint32_t max_query_restarts = 11;
  uint32_t max_query_count = 200;
  uint32_t query_timeout_ms = 10000;
  uint16_t edns_udp_size = 1232;
  bool request_nsid = false;
  bool send_cookie = true;
  Validation validation = Validation::automatic;
  std::vector<Name> validate_except;  ///< lower case
  bool synth_from_dnssec = true;
  StaleConf stale;
};

/// Of options alone.
struct RecursionLimits {
  uint32_t recursive_clients = 1000;
  struct Ports {
    uint16_t least = 1024, most = 65535;
  };
  Ports ipv4_ports, ipv6_ports;  ///< use-v4-udp-ports, use-v6-udp-ports
};

std::span<const Setting<RecursionConf>> recursion_settings();
std::span<const Setting<RecursionLimits>> recursion_limit_settings();
std::span<const Setting<ForwardConf>> forward_settings();

/// Fills the lists that were not said: one from the other, then from allow-query (null: not said), as BIND does.
void finish_recursion(RecursionConf& conf, const AclRef& allow_query, AclNames& acls);

}  // namespace umaya::named
