// NAME    inflow - slows new mail down while the queue manager is behind (in_flow_delay)
//
// SYNOPSIS
//     Inflow inflow(spool, {.delay = 1s, .ahead = 100});
//     if (Duration rest = inflow.pause(); rest > Duration::zero()) co_await event::sleep(rest);
//     inflow.add(id);                        // the message is safe, and the queue manager knows of it
//
// DESCRIPTION
//     A message that comes while more than so many of those before it still lie in incoming/ rests before it is taken.
//     So senders are slowed down, never stopped. The oldest one that is remembered is looked for: one access(2) for a
//     message in the long run, none while few have come.
//
// LIMITS
//     Counts what this process took; each cleanup process has the allowance to itself.
#pragma once

#include <deque>
#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/queue/directories.h"

namespace umaya::cleanup {

class Inflow {
 public:
  struct Limits {
    Duration delay{};  ///< zero: never rests
    size_t ahead = 0;  ///< messages that may be ahead of the queue manager
  };
  /// spool must outlive this object.
  Inflow(const queue::QueueDirectories& spool, Limits limits) : spool_(spool), limits_(limits) {}

  /// How long the next message has to rest; zero as a rule.
  Duration pause();
  /// A message is in incoming/ now.
  void add(std::string id);

 private:
  bool is_waiting(const std::string& id) const;

  const queue::QueueDirectories& spool_;
  Limits limits_;
  std::deque<std::string> ids_;  // oldest first
};

}  // namespace umaya::cleanup
