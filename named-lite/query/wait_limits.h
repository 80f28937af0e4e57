// NAME    wait_limits - how many answers of other name servers may gather for one network
//
// SYNOPSIS
//     if (!limits.enter(client)) …                 // too many wait: the client is told to ask over TCP
//     if (limits.leave(client, waited, now)) …     // the answer may be sent
//
// DESCRIPTION
//     Whoever asks with a forged address and has a name server of his own that keeps its answers back can gather many
//     answers and let them all go at one moment, as a pulse at the victim (DNSBomb, CVE-2024-33655). So only so many
//     questions of one network wait at a time, and of answers that took long only so many go to it in a second; who
//     asks again finds the answer in the cache. Clients over TCP, with a valid cookie or with a signature are where
//     they say, and those of the loopback are of this host: they are not to be counted.
//
// LIMITS
//     A network is a /24 of IPv4, a /56 of IPv6. One entry for each network of which something waits.
#pragma once

#include <string>
#include <unordered_map>

#include "libcommon/base/clock.h"
#include "libcommon/net/address.h"

namespace umaya::named {

class WaitLimits {
 public:
  static constexpr unsigned kMostWaiting = 200;
  static constexpr Duration kLong = std::chrono::milliseconds(1900);  ///< a client may well have asked again by then
  static constexpr unsigned kMostLate = 20;                           ///< a second

  /// Counts a question; false, and nothing is counted: too many of the client's network wait.
  bool enter(const net::IpAddress& client);
  /// Its answer has come after so long; whether it may be sent.
  bool leave(const net::IpAddress& client, Duration waited, TimePoint now);
  size_t networks() const { return waiting_.size(); }

 private:
  struct Network {
    unsigned waiting = 0;
    unsigned late = 0;  // sent since `second`
    TimePoint second{};
  };
  static std::string network_of(const net::IpAddress& client);
  std::unordered_map<std::string, Network> waiting_;
};

}  // namespace umaya::named
