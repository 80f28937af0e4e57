// NAME    questions - a client's packet to its answer, in a query process
//
// SYNOPSIS
//     Response reply = questions.respond(packet, client, Transport::udp, out);
//     if (reply.verdict == Verdict::answered) send(out.first(reply.size));
//
// DESCRIPTION
//     Answers what the zones of the snapshot can answer, through a Reception (cookies, rate limits, class CH), and from
//     the cache what no zone of them can, to clients that may recurse; those that may not are refused and learn nothing
//     of what is in the cache. Cookies, options and rate limits are the same for them. What needs keys or changes
//     something (signed questions, NOTIFY, UPDATE, transfers) is for the zone process.
//
// OWNERSHIP
//     Between two calls zones may be exchanged under it (feed/receiver.h).
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "named-lite/answer/reception.h"
#include "named-lite/query/query_log.h"
#include "named-lite/query/recursive_client.h"
#include "named-lite/server/snapshot.h"
#include "named-lite/statistics/page.h"

namespace umaya::named {

/// What becomes of a packet.
enum class Verdict : unsigned char {
  drop,           ///< no answer may be given
  answered,       ///< the answer is in the buffer
  ask_zone,       ///< the zone process answers
  ask_recursion,  ///< other name servers have to be asked
};

struct Response {
  Verdict verdict = Verdict::drop;
  size_t size = 0;
  bool keeps_alive = false;  ///< the client means to keep its connection (RFC 7828)
  RecursivePlace place{};    ///< of ask_recursion
};

class Questions {
 public:
  struct Counters {
    uint64_t udp = 0;
    uint64_t tcp = 0;
    uint64_t dropped = 0;
  };

  /// secret: makes cookies when the configuration names none; the same in all processes. recursion: outlives this.
  Questions(const CookieSecret& secret, RecursiveClient& recursion)
      : secret_(secret), recursion_(recursion), late_(std::make_unique_for_overwrite<char[]>(kMostAnswer)) {}
  /// Counts from now on; page outlives this.
  void count_in(PageNumbers& page) { page_ = &page; }
  PageNumbers* page() const { return page_; }
  /// Tells it of each question from now on; nullptr: nobody. It outlives this.
  void tell(QueryLog* log) { log_ = log; }
  void replace(SnapshotPtr snapshot);
  /// Whether there is something to answer from.
  bool ready() const { return snapshot_ != nullptr; }
  /// To be called before a batch is answered.
  void prefetch(std::span<const std::string_view> packets) const;
  /// The answer in out, or who gives it. local: the address that was asked.
  Response respond(std::string_view packet, const sockaddr* client, const net::IpAddress& local, Transport transport,
                   std::span<char> out);
  /// Called once with the answer of other name servers; an empty one: none may be given.
  using Send = std::function<void(std::string_view answer)>;
  /// Has others asked what respond() gave to recursion; send must bear to be called when its client is gone.
  void ask_others(std::string_view packet, const RecursivePlace& place, const sockaddr* client, Send send);
  const Counters& counters() const { return counters_; }
  const ServerAnswerConf& conf() const { return snapshot_->conf.answer; }
  /// Of answers that rate limits refused.
  RateCounters rate_counters() const { return reception_ ? reception_->counters() : RateCounters(); }

 private:
  bool all_are_equal() const;
  Response drop();
  Response own_answer(const Query& query, std::string_view packet, const Arrival& arrival, AnswerContext& context,
                      std::span<char> out);
  RateLimiter* limiter_for(const ServedView* view, const Requester& client) const;
  RecursivePlace place_in(const ServedView& view, const AnswerContext& context) const;
  Response others_answer(const Query& query, std::string_view packet, const Arrival& arrival, const ServedView& view,
                         AnswerContext& context, std::span<char> out);
  size_t late_answer(const Query& query, std::string_view packet, const RecursivePlace& place,
                     const net::IpAddress& client, const FoundAnswer& found);
  void count(const Query& query, const sockaddr* client, const AnswerContext& context, std::string_view reply,
             Verdict verdict);
  void count_limits();
  void tell_limit(const Query& query, const Arrival& arrival);
  void note_late(const Query& query, const sockaddr_storage& client, const RecursivePlace& place,
                 std::string_view reply) const;
  void note(const Query& query, const sockaddr* client, const net::IpAddress& local, const AnswerContext& context,
            std::string_view reply) const;

  CookieSecret secret_;
  RecursiveClient& recursion_;
  SnapshotPtr snapshot_;
  std::optional<Reception> reception_;
  std::vector<std::unique_ptr<RateLimiter>> limiters_;  // of each view; null: it has no limits
  Counters counters_;
  PageNumbers* page_ = nullptr;
  RateCounters counted_limits_;
  uint32_t limits_told_in_ = 0;   // this second
  unsigned limits_told_ = 0;      // so many
  std::unique_ptr<char[]> late_;  // one answer is made at a time
  QueryLog* log_ = nullptr;
};

}  // namespace umaya::named
