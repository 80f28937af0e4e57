// NAME    room_policy - what smtpd asks about mailboxes: whether there is room for one more message
//
// DESCRIPTION
//     An interface over the delivery agents, so that the policy can be tested without them (agent_room.h).
#pragma once

#include <cstdint>
#include <string>

#include "libcommon/event/task.h"

namespace umaya::smtpd {

struct RoomQuestion {
  std::string transport;  ///< service of the agent
  std::string nexthop;
  std::string sender;
  std::string recipient;
  uint64_t size = 0;  ///< SIZE= of MAIL (RFC 1870); 0: not told
};

/// full_for_now and full: by the administrator's choice. unknown: could not be asked.
enum class Room : uint8_t { enough, full_for_now, full, unknown };

struct RoomAnswer {
  Room room = Room::unknown;
  std::string text{};  ///< how full it is, for the log
};

class RoomPolicy {
 public:
  virtual ~RoomPolicy() = default;
  virtual event::Task<RoomAnswer> ask(RoomQuestion question) = 0;
};

}  // namespace umaya::smtpd
