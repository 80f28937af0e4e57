// NAME    settings - what the configuration says about recursion, and the limits of the work for strangers
//
// DESCRIPTION
//     Plain values, one ViewRecursion for each view, in the order in which questions name them by number. Names are in
//     wire form, lower case.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/net/address.h"

namespace umaya::named {

/// "forward only": what the forwarders do not answer is an error. "forward first": then the tree is asked.
enum class ForwardMode : unsigned char { first, only };

/// Forwarders of a zone and of what is below it; those of the root are the global ones.
struct ForwardZone {
  std::string zone;
  std::vector<net::Endpoint> servers;  ///< none: the zone is not forwarded, whatever is said above it
  ForwardMode mode = ForwardMode::first;
};

/// Servers of a zone that stand in for its delegation.
struct StubZone {
  std::string zone;
  std::vector<net::Endpoint> servers;
  std::vector<std::string> names{};  ///< of servers whose addresses are looked up
  /// False (stub): the servers are asked which servers the zone has, and those are asked from then on.
  bool is_static = true;
};

/// `server { … }`: how the name servers of a network are spoken to.
struct ServerPolicy {
  net::Network network;
  bool bogus = false;  ///< they are never asked
  bool edns = true;
  bool tcp_only = false;
  bool cookies = true;
  uint16_t udp_size = 0;  ///< that we say we can take; 0: as for others
  std::string key{};      ///< name (wire form, lower case) of the key that signs questions to them; empty: none
};

/// A name server of the root and its addresses.
struct RootHint {
  std::string name;
  std::vector<net::IpAddress> addresses;
};

struct ViewRecursion {
  std::vector<RootHint> hints;  ///< none: those of the public root
  std::vector<ForwardZone> forwards;
  std::vector<StubZone> stubs;
  std::vector<ServerPolicy> servers;                          ///< of two that hold an address the longer prefix counts
  std::function<bool(const net::IpAddress&)> denied_address;  ///< deny-answer-addresses; none: all may come
  std::vector<std::string> denied_except;                     ///< names at or below these may have such addresses
  std::vector<std::string> denied_aliases;  ///< deny-answer-aliases: no alias may lead to or below these
  std::vector<std::string> aliases_except;
  bool empty_zones = true;
  std::vector<std::string> disabled_empty_zones;
};

enum class Minimise : unsigned char {
  off,
  relaxed,  ///< RFC 9156: what a server says of a part of a name is not believed unless it leads on
  strict,   ///< it is believed: there is nothing below a name that does not exist (RFC 8020)
};

/// What becomes of a question beyond a quota.
enum class OverQuota : unsigned char { fail, drop };

/// Bounds of what one question may cost, and of what a stranger can make grow.
struct WorkLimits {
  uint16_t queries_per_fetch = 50;
  uint16_t queries_per_question = 100;
  uint8_t depth = 7;                 ///< name server of a name server of …
  uint8_t restarts = 11;             ///< CNAME and DNAME steps
  uint8_t name_servers = 13;         ///< of one delegation that are looked at
  uint8_t addresses = 6;             ///< of one name server
  uint8_t missing_addresses = 5;     ///< name servers of one delegation whose addresses are looked up
  uint8_t referrals = 40;            ///< on the way to one name
  uint8_t mismatches = 8;            ///< forged looking answers before TCP is taken
  uint16_t questions = 1000;         ///< in work at the same time (recursive-clients)
  uint16_t clients_per_query = 100;  ///< of one fetch, at the beginning; 0: no limit, as the next. Others get no answer
  uint16_t most_clients_per_query = 100;  ///< it grows up to this where fetches with more clients end well
  uint16_t fetches_per_zone = 200;        ///< queries under way to the servers of one zone; 0: no limit, as the next
  uint16_t fetches_per_server = 400;
  OverQuota over_zone_quota = OverQuota::fail;
  OverQuota over_server_quota = OverQuota::fail;
  Duration question_time = std::chrono::seconds(10);
};

struct RecursionSettings {
  std::vector<ViewRecursion> views;
  size_t cache_bytes = size_t{64} << 20;
  size_t answer_cache_bytes = size_t{16} << 20;  ///< for finished answers (answer_cache.h), beside those
  size_t server_bytes = size_t{4} << 20;
  uint32_t min_ttl = 0;
  uint32_t max_ttl = 86400;
  uint32_t min_negative_ttl = 0;
  uint32_t max_negative_ttl = 10800;
  uint32_t failure_ttl = 1;        ///< seconds for which a failure is remembered, longer each time; 0: not at all
  uint32_t prefetch_trigger = 2;   ///< seconds left; 0: no prefetch
  uint32_t prefetch_eligible = 9;  ///< seconds that the TTL must have had
  Minimise minimise = Minimise::relaxed;
  bool randomise_case = false;
  bool cookies = true;
  bool want_dnssec = true;  ///< ask for signatures (DO)
  bool use_ipv4 = true;
  bool use_ipv6 = true;
  bool allow_loopback = false;  ///< ask name servers that have an address of the loopback
  uint16_t port = 53;           ///< of other name servers
  uint16_t udp_size = 1232;     ///< that we say we can take
  WorkLimits limits{};
};

}  // namespace umaya::named
