// NAME    page - the counters of one process, in memory that others may read
//
// SYNOPSIS
//     UMAYA_TRY(StatisticsPage page, StatisticsPage::create());   // the parent; page.fd() goes to the process that
//     counts UMAYA_TRY(StatisticsPage page, StatisticsPage::map(fd));    // there, and in the process that sums up
//     count_question(*page, {.transport = Transport::udp, .type = type::kMx});
//     count_answer(*page, answer, view, zone);
//     page->add(Count::cache_hits);
//
// DESCRIPTION
//     A page is plain numbers in a memfd. One thread counts in it, any number of processes read it: reading and writing
//     are relaxed atomic operations, and adding one is a load and a store. A process that dies leaves its page to the
//     one that takes its place, so that nothing is counted backwards.
//     Zones are counted by a number that the zone process gives them (ZoneNumbers) and that stays the same over
//     reloads. Memory that nobody counted in is not there: of 4 MiB for zones, a server with ten zones has one page.
//
// OWNERSHIP
//     StatisticsPage owns mapping and descriptor. What it points to lives as long as it.
//
// LIMITS  65536 zones and 32 views are counted one by one; of more only the sums are.
#pragma once

#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::named {

/// What is counted one by one; counts.h has a name for each.
enum class Count : uint16_t {
  requests_v4,
  requests_v6,
  requests_udp,
  requests_tcp,
  requests_edns,
  requests_dnssec_ok,
  requests_cookie,
  requests_signed,
  bad_edns_version,
  bad_signature,
  responses,
  truncated,
  authoritative,
  not_authoritative,
  success,
  referral,
  nxrrset,
  nxdomain,
  servfail,
  formerr,
  recursed,
  dropped,
  refused_query,
  refused_recursion,
  refused_transfer,
  refused_update,
  rate_dropped,
  rate_slipped,
  cookies_new,
  cookies_good,
  cookies_bad,
  tcp_connections,
  tcp_clients,  ///< gauge
  transfers_out,
  transfers_out_incremental,
  transfers_out_failed,
  transfers_in,
  transfers_failed,
  notifies_in,
  notifies_out,
  updates_done,
  updates_failed,
  updates_bad_prerequisite,
  cache_hits,
  cache_misses,
  cache_evictions,
  cache_entries,  ///< gauge, as the next
  cache_octets,
  upstream_queries_v4,
  upstream_queries_v6,
  upstream_tcp,
  upstream_retries,
  upstream_timeouts,
  upstream_unreachable,
  upstream_nxdomain,
  upstream_servfail,
  upstream_formerr,
  upstream_other_errors,
  upstream_edns_failures,
  upstream_lame,
  upstream_mismatches,  ///< answers that fit no question: perhaps forged
  upstream_merged,      ///< questions that waited for the answer to an equal one
  prefetches,
  limit_reached,  ///< questions that were given up because of a limit on work
};
inline constexpr size_t kCounts = static_cast<size_t>(Count::limit_reached) + 1;

/// One number; zero in fresh memory.
class Counter {
 public:
  void add(uint64_t n = 1) { set(value() + n); }
  void set(uint64_t n) { std::atomic_ref<uint64_t>(value_).store(n, std::memory_order_relaxed); }
  uint64_t value() const {
    return std::atomic_ref<uint64_t>(const_cast<uint64_t&>(value_)).load(std::memory_order_relaxed);
  }

 private:
  uint64_t value_;
};
static_assert(std::atomic_ref<uint64_t>::is_always_lock_free);

/// How long something took: buckets of 2^i microseconds.
template <class Number>
struct Histogram {
  static constexpr size_t kBuckets = 22;  ///< the last: longer than 2^20 us
  Number buckets[kBuckets];               ///< i: at most 2^i us, and more than the one before
  Number microseconds;                    ///< sum

  static size_t bucket_of(uint64_t us) {
    size_t width = us <= 1 ? 0 : static_cast<size_t>(std::bit_width(us - 1));
    return width < kBuckets ? width : kBuckets - 1;
  }
};

enum class ZoneCount : unsigned char { queries, success, nxdomain, servfail, refused, other, transfers, updates };
inline constexpr size_t kZoneCounts = static_cast<size_t>(ZoneCount::updates) + 1;

/// The numbers of a page; Number is Counter there, uint64_t in a sum.
template <class Number>
struct StatisticsNumbers {
  static constexpr size_t kViews = 32;
  static constexpr size_t kTypes = 259;  ///< 0 to 255, URI, CAA, and all others
  static constexpr size_t kOpcodes = 16;
  static constexpr size_t kRcodes = 24;

  Number counts[kCounts];
  Number types[kTypes];
  Number opcodes[kOpcodes];
  Number rcodes[kRcodes];
  Number upstream_types[kTypes];
  Histogram<Number> latency;       ///< from question to answer; of what was measured
  Histogram<Number> upstream_rtt;  ///< of other name servers
  Number views[kViews][kZoneCounts];
  Number view_cache_hits[kViews];
  Number view_cache_misses[kViews];
};

inline constexpr uint32_t kMostZonesCounted = 65536;
inline constexpr uint32_t kNoZone = UINT32_MAX;
inline constexpr uint32_t kNoView = UINT32_MAX;

struct PageNumbers : StatisticsNumbers<Counter> {
  Counter zones[kMostZonesCounted][kZoneCounts];

  void add(Count count, uint64_t n = 1) { counts[static_cast<size_t>(count)].add(n); }
  void set(Count count, uint64_t n) { counts[static_cast<size_t>(count)].set(n); }
  uint64_t value(Count count) const { return counts[static_cast<size_t>(count)].value(); }
  /// Of so many questions that were taken and answered together.
  void add_latency(std::chrono::microseconds took, uint64_t questions = 1) { measure(latency, took, questions); }
  void add_upstream_rtt(std::chrono::microseconds took) { measure(upstream_rtt, took, 1); }

 private:
  static void measure(Histogram<Counter>& histogram, std::chrono::microseconds took, uint64_t times) {
    uint64_t us = took.count() > 0 ? static_cast<uint64_t>(took.count()) : 0;
    histogram.buckets[Histogram<Counter>::bucket_of(us)].add(times);
    histogram.microseconds.add(us * times);
  }
};

class StatisticsPage {
 public:
  /// Zeros.
  static Result<StatisticsPage> create();
  /// Of another process; refuses what is not as large as a page.
  static Result<StatisticsPage> map(Fd fd);
  StatisticsPage(StatisticsPage&& other) noexcept
      : fd_(std::move(other.fd_)), numbers_(std::exchange(other.numbers_, nullptr)) {}
  StatisticsPage& operator=(StatisticsPage&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(numbers_, other.numbers_);
    return *this;
  }
  ~StatisticsPage();

  PageNumbers& operator*() const { return *numbers_; }
  PageNumbers* operator->() const { return numbers_; }
  PageNumbers* numbers() const { return numbers_; }
  int fd() const { return fd_.get(); }

 private:
  StatisticsPage(Fd fd, PageNumbers* numbers) : fd_(std::move(fd)), numbers_(numbers) {}
  Fd fd_;
  PageNumbers* numbers_;
};

/// Which number of a type is counted: 257 is CAA, 258 all that have none of their own.
inline size_t type_slot(uint16_t type) {
  return type < 258 ? type : StatisticsNumbers<Counter>::kTypes - 1;
}

struct CountedQuestion {
  bool tcp = false;
  bool ipv6 = false;
  uint8_t opcode = 0;
  uint16_t type = 0;  ///< counted when the opcode is QUERY
  bool edns = false;
  uint8_t edns_version = 0;
  bool dnssec_ok = false;
  bool cookie = false;
  bool is_signed = false;
};

/// A question came in.
inline void count_question(PageNumbers& page, const CountedQuestion& question) {
  page.add(question.ipv6 ? Count::requests_v6 : Count::requests_v4);
  page.add(question.tcp ? Count::requests_tcp : Count::requests_udp);
  page.opcodes[question.opcode & 15].add();
  if (question.opcode == 0) page.types[type_slot(question.type)].add();
  if (question.edns) page.add(Count::requests_edns);
  if (question.edns && question.edns_version != 0) page.add(Count::bad_edns_version);
  if (question.dnssec_ok) page.add(Count::requests_dnssec_ok);
  if (question.cookie) page.add(Count::requests_cookie);
  if (question.is_signed) page.add(Count::requests_signed);
}

/// An answer goes out: counts what its header says. view and zone: numbers, or kNoView and kNoZone.
void count_answer(PageNumbers& page, std::string_view answer, uint32_t view, uint32_t zone);

/// Numbers of zones by view and name, the same as long as the server runs.
class ZoneNumbers {
 public:
  /// kNoZone when there are too many.
  uint32_t number(std::string_view view, std::string_view zone);

 private:
  std::map<std::pair<std::string, std::string>, uint32_t> numbers_;
};

/// The sum of all pages, but for zones.
using StatisticsSum = StatisticsNumbers<uint64_t>;
StatisticsSum sum_of(std::span<const StatisticsPage> pages);
/// The sum of one number of a zone.
uint64_t zone_sum(std::span<const StatisticsPage> pages, uint32_t zone, ZoneCount count);

}  // namespace umaya::named
