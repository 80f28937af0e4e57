// NAME    delegations - where zones are served, as their parents say
//
// SYNOPSIS
//     delegations.put(view, delegation, now);
//     Delegation nearest = delegations.nearest(view, name, now);     // the root's when nothing nearer is known
//
// DESCRIPTION
//     Kept apart from the records that are answered to clients: addresses beside a referral (glue) serve to reach the
//     servers and nothing else. Only the parent's referral makes or renews an entry, never what the zone says of
//     itself, and none outlives the delegation that it came by: a zone that its parent has taken away is gone when
//     that referral's time is over, whatever its servers do ("ghost" and "phoenix" domains).
//
// LIMITS  Bounded in octets (sieve_map.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/net/address.h"
#include "named-lite/recursion/message.h"
#include "named-lite/recursion/sieve_map.h"

namespace umaya::named {

struct NameServer {
  std::string name;  ///< wire form, lower case; empty: known by its address alone
  std::vector<net::Endpoint> addresses{};
};

struct Delegation {
  std::string zone;  ///< wire form, lower case
  std::vector<NameServer> servers{};
  RrSet ds{};  ///< of the child's keys, as the referral had it; for validation
  TimePoint expires = TimePoint::max();
  bool fixed = false;  ///< from the configuration: it has no end
};

class DelegationCache {
 public:
  explicit DelegationCache(size_t most_bytes) : map_(most_bytes) {}

  void put(uint16_t view, const Delegation& delegation, TimePoint now);
  /// The deepest one at or above the name that is valid.
  std::optional<Delegation> nearest(uint16_t view, std::string_view name, TimePoint now);
  void clear() { map_.clear(); }
  /// Forgets the delegations of the zones at or below a name.
  void flush_tree(std::string_view name);
  size_t bytes() const { return map_.bytes(); }
  size_t size() const { return map_.size(); }
  uint64_t evicted() const { return map_.evicted(); }

 private:
  SieveMap map_;
};

}  // namespace umaya::named
