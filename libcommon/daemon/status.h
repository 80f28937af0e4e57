// NAME    status - what a daemon tells master about itself
//
// DESCRIPTION
//     Descriptor kStatusFd of a daemon is a packet socket to master. The daemon sends a Status when the number of its
//     sessions crosses a mark that matters to master; when the socket closes, the other side is gone.
#pragma once

#include <cstdint>
#include <string_view>

namespace umaya::daemon {

/// Where master puts the status socket and, from kListenFd on, the service's listening sockets.
inline constexpr int kStatusFd = 3;
inline constexpr int kListenFd = 4;

struct Status {
  uint32_t sessions = 0;  ///< being served now
  uint32_t served = 0;    ///< sessions that have ended since start
  bool full = false;      ///< takes no more until one ends
  bool stopping = false;  ///< takes no more for good
  static constexpr std::string_view kName = "daemon.status";
  static void visit(auto& self, auto&& v) {
    v("sessions", self.sessions);
    v("served", self.served);
    v("full", self.full);
    v("stopping", self.stopping);
  }
};

}  // namespace umaya::daemon
