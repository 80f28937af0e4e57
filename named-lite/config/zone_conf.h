// NAME    zone_conf - zones and views as the configuration has them
//
// DESCRIPTION
//     What options, a view and a zone may all say is in ZoneSettings. The zone's are complete: options have been
//     overlaid by the view and the view by the zone already. Zones that say nothing of their own share their view's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "named-lite/config/answer_conf.h"
#include "named-lite/config/peer_conf.h"
#include "named-lite/config/recursion_conf.h"
#include "named-lite/config/transfer_conf.h"
#include "named-lite/config/update_conf.h"

namespace umaya::named {

enum class ZoneType : unsigned char {
  primary,
  secondary,
  hint,
  forward,
  stub,
  static_stub,
  in_view,  ///< the zone of that name of another view
  other,
};

/// "primary", "secondary" and so on.
std::string_view zone_type_text(ZoneType type);

/// What becomes of a finding of a check of zones.
enum class CheckMode : unsigned char { ignore, warn, fail };
enum class FileFormat : unsigned char { text, raw };
enum class ZoneStatistics : unsigned char { none, terse, full };

/// check-names and its kin.
struct CheckConf {
  CheckMode names_primary = CheckMode::fail;
  CheckMode names_secondary = CheckMode::warn;
  CheckMode names_response = CheckMode::ignore;
  CheckMode mx = CheckMode::warn;
  CheckMode mx_cname = CheckMode::warn;
  CheckMode srv_cname = CheckMode::warn;
  CheckMode dup_records = CheckMode::warn;
  CheckMode spf = CheckMode::warn;
  bool integrity = true;
  bool sibling = true;
  bool wildcard = true;
  bool svcb = true;
  seconds max_zone_ttl{0};  ///< 0: any
};

/// Of options, views and zones.
struct ZoneSettings {
  AclRef allow_query;     ///< never null once read
  AclRef allow_query_on;  ///< addresses of this host that may be asked; null: all
  TransferConf transfer;
  UpdateConf update;
  CheckConf check;
  FileFormat file_format = FileFormat::text;  ///< masterfile-format
  bool full_style = false;                    ///< masterfile-style full
  ZoneStatistics statistics = ZoneStatistics::terse;
};

/// Settings do not change once they are read.
using ZoneSettingsRef = std::shared_ptr<const ZoneSettings>;

struct ZoneConf {
  Name name;
  ZoneType type = ZoneType::other;
  std::string file;
  std::string hints;                    ///< of a hint zone: the text of its file, once somebody has read it
  std::string journal;                  ///< empty: its default place beside the file
  std::vector<RemoteServer> primaries;  ///< of a secondary or stub zone, at least one
  UpdatePolicy update_policy;           ///< empty: allow-update decides
  ForwardConf forward;                  ///< of a forward zone; of others: for questions below their delegations
  std::string in_view;                  ///< the view of an in-view zone
  std::vector<net::IpAddress> server_addresses;  ///< of static-stub, as the next
  std::vector<Name> server_names;
  Place place;
  ZoneSettingsRef settings = default_settings();

  static ZoneSettingsRef default_settings();
};

struct ViewConf {
  std::string name;      ///< "_default" for the zones that stand in no view
  AclRef match_clients;  ///< never null; any by default, as the next
  AclRef match_destinations;
  bool match_recursive_only = false;
  ZoneSettingsRef settings;  ///< of zones that say nothing of their own
  RecursionConf recursion;
  AnswerConf answer;
  Peers peers;
  std::vector<ZoneConf> zones;

  /// The zone of that name (lower case, wire form); nullptr when there is none. Searches all.
  const ZoneConf* zone(std::string_view wire) const;
};

}  // namespace umaya::named
