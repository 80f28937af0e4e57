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

/// Servers of a zone that stand in for its delegation (stub, static-stub).
struct StubZone {
  std::string zone;
  std::vector<net::Endpoint> servers;
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
  std::function<bool(const net::IpAddress&)> denied_address;  ///< deny-answer-addresses; none: all may come
  std::vector<std::string> denied_except;                     ///< names at or below these may have such addresses
  std::vector<std::string> denied_aliases;  ///< deny-answer-aliases: no alias may lead to or below these
  std::vector<std::string> aliases_except;
  bool empty_zones = true;
  std::vector<std::string> disabled_empty_zones;
};

/// Bounds of what one question may cost, and of what a stranger can make grow.
struct WorkLimits {
  uint16_t queries_per_fetch = 50;
  uint16_t queries_per_question = 100;
  uint8_t depth = 7;              ///< name server of a name server of …
  uint8_t restarts = 11;          ///< CNAME and DNAME steps
  uint8_t name_servers = 13;      ///< of one delegation that are looked at
  uint8_t addresses = 6;          ///< of one name server
  uint8_t missing_addresses = 5;  ///< name servers of one delegation whose addresses are looked up
  uint8_t referrals = 40;         ///< on the way to one name
  uint8_t mismatches = 8;         ///< forged looking answers before TCP is taken
  uint16_t questions = 1000;      ///< in work at the same time (recursive-clients)
  uint16_t clients_per_query = 100;
  uint16_t fetches_per_zone = 200;  ///< queries under way to the servers of one zone; 0: no limit
  uint16_t fetches_per_server = 400;
  Duration question_time = std::chrono::seconds(10);
};

struct RecursionSettings {
  std::vector<ViewRecursion> views;
  size_t cache_bytes = size_t{64} << 20;
  size_t server_bytes = size_t{4} << 20;
  uint32_t max_ttl = 86400;
  uint32_t max_negative_ttl = 10800;
  uint32_t prefetch_trigger = 2;   ///< seconds left; 0: no prefetch
  uint32_t prefetch_eligible = 9;  ///< seconds that the TTL must have had
  bool minimise = true;            ///< RFC 9156, relaxed
  bool randomise_case = false;
  bool cookies = true;
  bool want_dnssec = true;  ///< ask for signatures (DO)
  bool use_ipv4 = true;
  bool use_ipv6 = true;
  bool allow_loopback = false;        ///< ask name servers that have an address of the loopback
  uint16_t port = 53;                 ///< of other name servers
  std::vector<net::Network> bogus{};  ///< servers that are never asked
  WorkLimits limits{};
};

}  // namespace umaya::named
