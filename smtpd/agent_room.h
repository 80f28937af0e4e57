// NAME    agent_room - asks the delivery agent of a recipient whether its mailbox has room
//
// SYNOPSIS
//     AgentRoom room(config, queue_directory + "/", 5s);
//     RoomAnswer answer = co_await room.ask({"virtual", "example.com", sender, recipient, size});
//
// DESCRIPTION
//     smtpd may not read mailboxes. local and virtual know limits and have somebody read what there is; they are asked
//     with a delivery request that delivers nothing and has no message (libcommon/services/delivery.h). Which
//     transports they are, master.cf says; others are not asked.
//
// ERRORS
//     Room::unknown when the agent is not there, takes too long, or says anything but room or no room. The mail is then
//     taken, and the agent decides when it is delivered. The log says so once in a minute.
//
// LIMITS
//     kMostQuestions at once, each with a time limit: mail is never held up by a mailbox that hangs.
#pragma once

#include <set>
#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/config/config.h"
#include "libcommon/services/delivery_client.h"
#include "smtpd/room_policy.h"

namespace umaya::smtpd {

class AgentRoom : public RoomPolicy {
 public:
  static constexpr size_t kMostQuestions = 50;

  /// path: of queue_directory, with a '/'.
  AgentRoom(const config::Config& config, std::string path, Duration limit);
  event::Task<RoomAnswer> ask(RoomQuestion question) override;

  /// Whether main.cf gives any mailbox a quota.
  static bool is_wanted(const config::Config& config);

 private:
  void complain(const std::string& transport, std::string_view why);

  services::DeliveryClient client_;
  Duration limit_;
  std::set<std::string> agents_;
  size_t asking_ = 0;
  uint32_t next_id_ = 1;
  TimePoint next_complaint_{};
};

}  // namespace umaya::smtpd
