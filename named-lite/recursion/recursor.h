// NAME    recursor - answers questions by asking others
//
// SYNOPSIS
//     Recursor recursor(settings, upstream, clock);
//     RecursiveAnswer answer = co_await recursor.resolve(question);
//
// DESCRIPTION
//     resolve() follows a question from alias to alias; what is not in the cache is fetched (fetch.h). Equal fetches
//     that are under way are joined, so that however many clients ask, others are asked once. A fetch belongs to the
//     recursor, not to the client that caused it: it ends by its own limits when the client is gone.
//     A name whose fetch failed is not tried again for a while, longer each time (RFC 9520). What is asked for shortly
//     before its end is fetched anew in the background.
//
// OWNERSHIP
//     Upstream and clock outlive the recursor. Tasks that resolve() gave may be destroyed at any time, but not outlive
//     it.
//
// LIMITS  WorkLimits.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "libcommon/event/sync.h"
#include "named-lite/dns/extended_error.h"
#include "named-lite/dns/name.h"
#include "named-lite/recursion/delegations.h"
#include "named-lite/recursion/meaning.h"
#include "named-lite/recursion/routes.h"
#include "named-lite/recursion/rrset_cache.h"
#include "named-lite/recursion/server_book.h"
#include "named-lite/recursion/settings.h"
#include "named-lite/recursion/upstream.h"
#include "named-lite/server/snapshot.h"

namespace umaya::named {

struct RecursiveQuestion {
  Name name;
  uint16_t type = 0;
  uint16_t view = 0;  ///< number in RecursionSettings::views
  bool dnssec_ok = false;
  bool checking_disabled = false;
  net::IpAddress client{};
};

struct RecursiveAnswer {
  uint16_t rcode = 0;
  bool authentic = false;
  uint16_t extended_error = extended_error::kNone;
  uint16_t counts[3] = {0, 0, 0};
  /// Records of all sections, compressed as they stand behind a header and the question, whose name is at offset 12.
  std::string body{};
  std::vector<uint16_t> ttl_offsets{};  ///< in the body, of each record's TTL
  uint32_t ttl = 0;                     ///< seconds for which it may be kept
  bool has_aliases = false;             ///< there are records of other names in it
  bool has_own_data = false;            ///< some of it comes from a zone of ours
  bool dropped = false;                 ///< a quota is used up, and the client is to get no answer
};

struct RecursionCounters {
  uint64_t questions = 0;
  uint64_t cache_hits = 0;
  uint64_t fetches = 0;
  uint64_t joined = 0;
  uint64_t upstream_queries = 0;
  uint64_t upstream_tcp = 0;
  uint64_t upstream_timeouts = 0;
  uint64_t mismatches = 0;
  uint64_t lame = 0;
  uint64_t failures = 0;
  uint64_t over_limit = 0;  ///< work refused because of a quota
  uint64_t prefetches = 0;
  uint64_t retries = 0;  ///< questions that the same server was asked once more
  uint64_t plain = 0;    ///< of these, because it does not understand EDNS
  uint64_t blocked = 0;
};

/// What is left of the work that one question may cause; its fetches share it, and may go on after its end.
struct Work {
  TimePoint until;
  uint16_t queries_left;
  uint8_t lookups_left;  ///< of addresses of name servers
};
using WorkPtr = std::shared_ptr<Work>;

struct FetchKey {
  uint16_t view = 0;
  uint16_t type = 0;
  std::string name;  ///< wire form, lower case
  auto operator<=>(const FetchKey&) const = default;
};

struct FetchResult {
  Outcome outcome = Outcome::failed;
  std::vector<Step> steps{};  ///< what was learned, in the order of the aliases
  std::string next{};         ///< alias: the name to ask for
  uint16_t rcode = 0;         ///< failed: for the client
  uint16_t error = extended_error::kNone;
  bool keep_failure = true;  ///< failed: it says something of the name, not of our own state
  bool of_own_zone = false;
  bool drop = false;  ///< failed: the client is to get no answer
};
/// All who wait for a fetch share its result.
using FetchResultPtr = std::shared_ptr<const FetchResult>;

/// A fetch under way. It is shared by its own task and those who wait: any of them may end first.
struct Flight {
  FetchKey key;
  Flight* waits_for = nullptr;
  size_t waiting = 0;
  bool too_many = false;  ///< clients were turned away
  event::Event done{};
  FetchResultPtr result{};
};
using FlightPtr = std::shared_ptr<Flight>;

class Recursor {
 public:
  Recursor(RecursionSettings settings, Upstream& upstream, const ResolverClock& clock);
  Recursor(const Recursor&) = delete;
  Recursor& operator=(const Recursor&) = delete;

  event::Task<RecursiveAnswer> resolve(RecursiveQuestion question);
  /// Fetches anew what a cache elsewhere is about to lose.
  void refresh(const RecursiveQuestion& question);
  /// Zones of our own that answers may lead into, and that are below; null: none.
  void replace(SnapshotPtr snapshot) { snapshot_ = std::move(snapshot); }

  void flush();
  /// Forgets what is known under a name, or of it and of everything below.
  size_t flush_name(const Name& name);
  size_t flush_tree(const Name& name);
  void dump(const std::function<void(const std::string&)>& line);

  const RecursionCounters& counters() const { return counters_; }
  /// Octets of the caches.
  size_t memory() const;
  size_t entries() const { return cache_.size() + delegations_.size(); }
  /// Entries that gave way to others.
  uint64_t evicted() const { return cache_.evicted() + delegations_.evicted(); }
  size_t under_way() const { return flights_.size(); }

 private:
  friend class Fetch;
  struct Failure {
    int64_t until;   // nanoseconds of the clock
    uint32_t count;  // in a row
  };

  /// Joins the fetch that is under way or starts one. waiter: the fetch that asks, null for a client.
  event::Task<FetchResultPtr> join(FetchKey key, WorkPtr work, int depth, Flight* waiter);
  event::Task<void> run_fetch(FlightPtr flight, WorkPtr work, int depth);
  event::Task<void> refresh_task(FetchKey key);
  WorkPtr new_work() const;
  bool is_crowded(Flight& flight);
  void note_crowd(const Flight& flight);
  std::optional<Entry> known(uint16_t view, std::string_view name, uint16_t type);
  FetchResultPtr from_cache(const FetchKey& key);
  bool has_failed(const FetchKey& key);
  void note_failure(const FetchKey& key, const FetchResult& result);
  void maybe_refresh(const FetchKey& key, const Entry& entry);
  const Catalog* catalog(uint16_t view) const;
  /// The zone of ours that is to answer; nullptr: none.
  const ServedZone* own_zone(uint16_t view, std::string_view name, uint16_t type) const;
  /// Whether whoever may recurse in the view may see this zone of ours: it has no allow-query of its own.
  bool is_for_all(uint16_t view, const ServedZone& zone) const;
  TimePoint now() const { return clock_.now(); }

  RecursionSettings settings_;
  Upstream& upstream_;
  const ResolverClock& clock_;
  SnapshotPtr snapshot_;
  RecursionCounters counters_;
  std::vector<Routes> routes_;  // by view
  std::vector<Delegation> hints_;
  RrsetCache cache_;
  DelegationCache delegations_;
  ServerBook servers_;
  SieveMap failures_;
  size_t questions_ = 0;  // in work
  size_t clients_per_query_;
  TimePoint crowd_since_{};  // when it was changed last
  std::map<FetchKey, FlightPtr> flights_;
  std::unordered_map<std::string, size_t> zone_queries_;  // under way
  event::TaskScope tasks_;                                // last: its tasks use all of the above
};

}  // namespace umaya::named
