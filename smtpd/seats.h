// NAME    seats - the sessions that a process may serve, and for whom the last ones are kept
//
// SYNOPSIS
//     Seats seats(process.session_limit());
//     if (!seats.take(client, Seats::Claim::ordinary)) …421, and no give_back()…
//     seats.give_back(client);
//
// DESCRIPTION
//     One session in ten (one at least, from a limit of five on) is kept for clients that have none here: somebody who
//     holds many sessions open, idle or slow, cannot keep out the rest of the world.
//     The process is under stress from the moment when only kept seats are free until twice as many are.
//
// LIMITS
//     Counts the sessions of this process. A limit of zero means none: everybody is welcome and there is no stress.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "libcommon/base/strings.h"

namespace umaya::smtpd {

class Seats {
 public:
  /// Whether the kept seats are for this client, too, although it has a session (smtpd_client_event_limit_exceptions).
  enum class Claim : uint8_t { ordinary, exempt };

  explicit Seats(size_t limit);
  /// A session begins; false: the client has had its share.
  bool take(const std::string& client, Claim claim);
  /// A session that took a seat has ended.
  void give_back(const std::string& client);

  bool under_stress() const { return stress_; }
  size_t kept() const { return kept_; }

 private:
  size_t free() const { return limit_ > taken_ ? limit_ - taken_ : 0; }
  void note_stress();

  size_t limit_;
  size_t kept_;
  size_t taken_ = 0;
  bool stress_ = false;
  StringMap<uint32_t> sessions_;  // of each client
};

}  // namespace umaya::smtpd
