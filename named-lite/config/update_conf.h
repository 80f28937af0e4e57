// NAME    update_conf - what named.conf says of dynamic update, the journal and incremental transfers
#pragma once

#include <string>
#include <vector>

#include "named-lite/config/reading.h"

namespace umaya::named {

enum class SerialMethod : unsigned char { increment, unix_time, date };

/// Whose zone files are compared with what is served, so that secondaries get the difference.
enum class Differences : unsigned char { no, yes, primary, secondary };

/// How a rule of update-policy chooses names.
enum class RuleType : unsigned char {
  name,       ///< the name itself
  subdomain,  ///< the name and what is below it
  zonesub,    ///< any name of the zone
  wildcard,   ///< what the wildcard name covers
  self,       ///< the name of the key
  selfsub,    ///< the name of the key and what is below it
  selfwild,   ///< what is below the name of the key
  tcp_self,   ///< the reverse name of the client's address, over TCP
};

/// One line of update-policy: grant KEY TYPE [NAME] TYPES;
struct UpdateRule {
  struct Limit {
    uint16_t type = 0;  ///< 255: any
    uint16_t most = 0;  ///< records of that type at a name; 0: any number
  };
  bool grant = false;
  Name identity;  ///< name of the key, lower case; a wildcard name covers all below it
  RuleType type = RuleType::name;
  Name name;                 ///< lower case; of name, subdomain and wildcard
  std::vector<Limit> types;  ///< empty: all but SOA, NS, RRSIG, NSEC and NSEC3
};

using UpdatePolicy = std::vector<UpdateRule>;

/// Of options, views and zones.
struct UpdateConf {
  AclRef allow_update;                             ///< never null; nobody by default
  AclRef allow_update_forwarding;                  ///< the same
  uint64_t max_journal_size = kUnlimited;          ///< kUnlimited: twice the size of the zone
  Differences from_differences = Differences::no;  ///< ixfr-from-differences
  bool provide_ixfr = true;
  bool request_ixfr = true;
  uint16_t max_ixfr_ratio = 100;  ///< per cent of the zone's size that an IXFR may have; 0: any
  SerialMethod serial_method = SerialMethod::increment;
  uint32_t max_records = 0;  ///< of a zone; 0: any number, as in the next two
  uint32_t max_records_per_type = 100;
  uint32_t max_types_per_name = 100;

  UpdateConf();
};

/// Of options alone.
struct UpdateLimits {
  uint32_t update_quota = 100;  ///< updates under way at the same time
  bool flush_zones_on_shutdown = false;
};

std::span<const Setting<UpdateConf>> update_settings();
std::span<const Setting<UpdateLimits>> update_limit_settings();

/// `update-policy { grant …; deny …; };` or `update-policy local;`. Names are relative to the root; local: key
/// local-ddns.
void read_update_policy(const Reading& reading, const Statement& statement, UpdatePolicy& policy);

}  // namespace umaya::named
