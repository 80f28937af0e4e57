// NAME    channels - the sockets of controls and statistics-channels, and what a reload changes of them
//
// SYNOPSIS
//     channels.change(report.control_channels(), report.statistics_endpoints(), hooks);
//
// DESCRIPTION
//     Who forks the others opens these sockets, at the start and when a new configuration is in service, with the
//     rights that it has then: a path must be in a directory that was known at the start, and the owner of a socket can
//     be another only as long as there is root. What cannot be opened is logged; the rest goes on.
//
// OWNERSHIP
//     A hook may take the descriptor of a socket: the place of a socket is known without it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "named-lite/control/control_server.h"
#include "named-lite/statistics/http_server.h"

namespace umaya::named {

struct Channels {
  struct Hooks {
    std::function<void(ControlSocket&)> control_opened;
    std::function<void(const std::string& path)> control_closed;
    std::function<void(StatisticsSocket&)> statistics_opened;
    std::function<void(const net::Endpoint&)> statistics_closed;
  };

  /// Closes what is not wanted any more, opens what is new, and tells of each.
  void change(const std::vector<ControlChannel>& controls, const std::vector<net::Endpoint>& addresses,
              const Hooks& hooks);

  std::vector<ControlSocket> control;
  std::vector<StatisticsSocket> statistics;
};

}  // namespace umaya::named
