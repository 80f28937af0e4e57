// NAME    named_conf - the meaning of named.conf
//
// SYNOPSIS
//     NamedConf conf = parse_named_conf(text, "/etc/bind/named.conf", open, problems);
//     if (!problems.has_errors()) …
//
// DESCRIPTION
//     Options, acls, views and zones as named-lite acts on them. A statement that BIND documents and named-lite does
//     not act on becomes a warning with file and line; one that BIND does not know is an error with the nearest name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "named-lite/config/acl.h"
#include "named-lite/config/tree.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/tsig.h"

namespace umaya::named {

enum class ZoneType : unsigned char { primary, secondary, hint, forward, stub, other };

/// Another name server, as primaries and also-notify name it.
struct RemoteServer {
  net::Endpoint at;
  std::optional<Name> key;  ///< of NamedConf::keys, lower case
};

/// Whom a primary or secondary tells of a new serial.
enum class NotifyMode : unsigned char { no, yes, explicit_only };

struct NotifyConf {
  NotifyMode mode = NotifyMode::yes;
  std::vector<RemoteServer> also;  ///< also-notify
};

struct ZoneConf {
  Name name;
  ZoneType type = ZoneType::other;
  std::string file;
  std::optional<Acl> allow_query;
  std::optional<Acl> allow_transfer;
  std::optional<Acl> allow_notify;      ///< on top of the primaries
  std::vector<RemoteServer> primaries;  ///< of a secondary zone, at least one
  NotifyConf notify;
  Place place;
};

struct ViewConf {
  std::string name;  ///< "_default" for the zones that stand in no view
  Acl match_clients;
  Acl allow_query;
  Acl allow_transfer;  ///< nobody, when nothing is said
  NotifyConf notify;   ///< of zones that say nothing of their own, as is the next
  std::optional<Acl> allow_notify;
  std::vector<ZoneConf> zones;
};

struct ListenConf {
  net::Family family = net::Family::ipv4;
  uint16_t port = 0;  ///< 0: the port of the command line
  Acl addresses;
};

struct NamedConf {
  std::string directory = ".";
  std::string pid_file;
  std::vector<ListenConf> listen;  ///< empty: any IPv4 address
  uint16_t udp_limit = 1232;
  uint16_t transfers_out = 10;  ///< at the same time
  TsigKeys keys;
  std::vector<ViewConf> views;  ///< never empty
};

NamedConf parse_named_conf(std::string_view text, std::string file, const OpenFile& open, Problems& problems);

}  // namespace umaya::named
