// NAME    rrset_cache - what other name servers have said
//
// SYNOPSIS
//     cache.put(view, name, type, entry, now);
//     if (auto known = cache.find(view, name, type, now)) …    // TTLs are what is left of them
//
// DESCRIPTION
//     One entry for a name and type: a set of records, an alias, or that there is nothing (RFC 2308); that a name does
//     not exist at all stands under type 0. Only what a server of the zone, or a forwarder, answered to a question of
//     ours comes here; what was merely said beside it never does. An entry that is better founded is not replaced by a
//     lesser one while it is valid (RFC 2181 5.4.1). The security status is kept for validation.
//
// LIMITS  Bounded in octets (sieve_map.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/clock.h"
#include "named-lite/recursion/message.h"
#include "named-lite/recursion/sieve_map.h"

namespace umaya::named {

enum class Trust : unsigned char {
  additional,     ///< beside the answer
  referral,       ///< of the parent's side of a delegation
  answer,         ///< by a server without authority: a forwarder
  authoritative,  ///< by a server of the zone
};

enum class Security : unsigned char { unchecked, insecure, secure, bogus, indeterminate };

enum class Outcome : unsigned char {
  found,
  alias,  ///< a CNAME, or a DNAME with the CNAME that follows from it
  no_data,
  no_name,
  failed,
};

struct Entry {
  Outcome outcome = Outcome::failed;
  Trust trust = Trust::answer;
  Security security = Security::unchecked;
  /// found: the set. alias: the CNAME at the end. no_data, no_name: SOA, and the proofs of a signed zone.
  std::vector<RrSet> sets{};
  uint32_t ttl = 0;           ///< seconds that are left
  uint32_t original_ttl = 0;  ///< seconds that there were
};

inline constexpr size_t kMostRecordsOfSet = 100;

class RrsetCache {
 public:
  /// Type under which stands that a name does not exist.
  static constexpr uint16_t kNoName = 0;

  explicit RrsetCache(size_t most_bytes) : map_(most_bytes) {}

  /// name: wire form, lower case. Entries without TTL are not kept.
  void put(uint16_t view, std::string_view name, uint16_t type, const Entry& entry, TimePoint now);
  std::optional<Entry> find(uint16_t view, std::string_view name, uint16_t type, TimePoint now);

  void clear() { map_.clear(); }
  /// Forgets a name, or it and all below it; how many entries there were.
  enum class Range : unsigned char { name, tree };
  size_t flush(std::string_view name, Range range);
  /// Lines of text: name, seconds left, type, what is known.
  void dump(TimePoint now, const std::function<void(const std::string&)>& line);

  size_t bytes() const { return map_.bytes(); }
  size_t size() const { return map_.size(); }
  uint64_t evicted() const { return map_.evicted(); }

 private:
  SieveMap map_;
};

}  // namespace umaya::named
