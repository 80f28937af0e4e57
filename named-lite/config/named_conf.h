// NAME    named_conf - the meaning of named.conf
//
// SYNOPSIS
//     NamedConf conf = parse_named_conf(text, "/etc/bind/named.conf", open, problems);
//     if (!problems.has_errors()) …
//
// DESCRIPTION
//     Options, acls, views and zones as named-lite acts on them. A statement that BIND documents and named-lite does
//     not act on becomes a warning with file and line; one that BIND does not know is an error with the nearest name.
//     Each subject has its struct in a header of its own: transfer_conf, update_conf, recursion_conf, answer_conf,
//     control_conf, peer_conf, zone_conf.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "named-lite/config/acl.h"
#include "named-lite/config/control_conf.h"
#include "named-lite/config/tree.h"
#include "named-lite/config/zone_conf.h"
#include "named-lite/dns/tsig.h"

namespace umaya::named {

struct ListenConf {
  net::Family family = net::Family::ipv4;
  uint16_t port = 0;  ///< 0: the port of the command line
  Acl addresses;
};

struct NamedConf {
  std::string directory = ".";
  std::string pid_file;
  uint16_t port = 0;               ///< 0: not said
  std::vector<ListenConf> listen;  ///< empty: any IPv4 address
  TransferLimits transfers;
  UpdateLimits updates;
  RecursionLimits recursion;
  ServerAnswerConf answer;
  ControlConf control;
  std::vector<StatisticsChannel> statistics;
  LoggingConf logging;
  std::string dump_file = "named_dump.db";
  std::string statistics_file = "named.stats";
  std::string recursing_file = "named.recursing";
  std::string key_directory;
  TsigKeys keys;
  std::vector<ViewConf> views;                  ///< never empty
  net::Family only_family = net::Family::none;  ///< of the command line (-4, -6); none: both

  bool uses(net::Family family) const { return only_family == net::Family::none || only_family == family; }
};

NamedConf parse_named_conf(std::string_view text, std::string file, const OpenFile& open, Problems& problems);
/// The same of statements that are read already.
NamedConf read_named_conf(const std::vector<Statement>& top, Problems& problems);

}  // namespace umaya::named
