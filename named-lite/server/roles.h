// NAME    roles - what the processes of named-lite do once they are forked
//
// DESCRIPTION
//     Each runs its server on an event loop until the parent is gone or SIGTERM comes, and gives the exit code. It has
//     its rights and its sandbox already.
#pragma once

#include <vector>

#include "libcommon/base/fd.h"
#include "named-lite/answer/cookies.h"
#include "named-lite/control/control_server.h"
#include "named-lite/server/listen.h"
#include "named-lite/statistics/http_server.h"

namespace umaya::named {

/// control: socket to the parent (control.h). cookies: secret that all processes share which answer clients.
/// statistics: the page to count in; of the zone process all pages.
int run_query(Fd control, std::vector<ListenSockets> sockets, const CookieSecret& cookies,
              StatisticsEquipment statistics);
int run_recursion(Fd control, StatisticsEquipment statistics);
/// sockets: where ndc gives its commands.
int run_zone(Fd control, std::vector<ControlSocket> sockets, const CookieSecret& cookies,
             StatisticsEquipment statistics);

}  // namespace umaya::named
