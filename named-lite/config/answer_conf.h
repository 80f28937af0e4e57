// NAME    answer_conf - what named.conf says of how answers look, of rates, cookies and connections
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "named-lite/config/reading.h"

namespace umaya::named {

enum class MinimalResponses : unsigned char { no, yes, no_auth, no_auth_recursive };

/// rate-limit { … }; a rate of 0 is no limit.
struct RateLimitConf {
  bool enabled = false;
  uint32_t responses_per_second = 0;
  uint32_t referrals_per_second = 0;  ///< as responses_per_second when it is not said; so are the next four
  uint32_t nodata_per_second = 0;
  uint32_t nxdomains_per_second = 0;
  uint32_t errors_per_second = 0;
  uint32_t all_per_second = 0;  ///< of one client, whatever it asks; 0 when it is not said
  uint32_t window = 15;         ///< seconds
  uint32_t slip = 2;            ///< every how manyth dropped answer is sent truncated; 0: none
  double qps_scale = 0;         ///< 0: off
  int ipv4_prefix = 24, ipv6_prefix = 56;
  uint32_t max_table_size = 20000, min_table_size = 500;
  AclRef exempt_clients;  ///< null: nobody
  bool log_only = false;
};

enum class RrsetOrder : unsigned char { fixed, random, cyclic, none };

/// One line of rrset-order: [class IN] [type A] [name "x"] order cyclic; the first that fits holds.
struct OrderRule {
  uint16_t type = 0;         ///< 0: any
  std::optional<Name> name;  ///< lower case; nothing: any
  bool wildcard = false;     ///< name was *.x: all below it
  RrsetOrder order = RrsetOrder::random;
};

/// Of options and views.
struct AnswerConf {
  MinimalResponses minimal = MinimalResponses::no_auth_recursive;
  bool minimal_any = true;  ///< BIND: no
  RateLimitConf rate_limit;
  std::vector<OrderRule> rrset_order;
  uint16_t max_udp_size = 1232;
  uint16_t nocookie_udp_size = 4096;
  bool require_server_cookie = false;
  bool auth_nxdomain = false;
  bool message_compression = true;
  bool empty_zones = true;                 ///< empty-zones-enable
  std::vector<Name> disabled_empty_zones;  ///< lower case
  std::string empty_server, empty_contact;
};

enum class CookieAlgorithm : unsigned char { siphash24, aes };

/// Of options alone.
struct ServerAnswerConf {
  std::optional<std::string> version;    ///< of version.bind CH TXT; nothing: named-lite says what it is; "": refused
  std::optional<std::string> hostname;   ///< of hostname.bind; nothing: the host's name; "": refused
  std::optional<std::string> server_id;  ///< of id.server and NSID; nothing or "": none
  bool answer_cookie = true;
  CookieAlgorithm cookie_algorithm = CookieAlgorithm::siphash24;
  std::vector<std::string> cookie_secrets;  ///< the first makes cookies, all are taken; 16 octets each
  uint32_t tcp_clients = 150;
  uint32_t tcp_listen_queue = 10;
  std::chrono::milliseconds tcp_idle_timeout{30000}, tcp_initial_timeout{30000};
  std::chrono::milliseconds tcp_keepalive_timeout{30000}, tcp_advertised_timeout{30000};
  bool querylog = false;
  bool querylog_said = false;
  AclRef blackhole;  ///< null: nobody
};

std::span<const Setting<AnswerConf>> answer_settings();
std::span<const Setting<ServerAnswerConf>> server_answer_settings();

}  // namespace umaya::named
