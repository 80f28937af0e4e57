#include "named-lite/server/recursion_counting.h"

#include "named-lite/answer/query.h"
#include "named-lite/dns/wire.h"

namespace umaya::named {

namespace {

/// Type that a question asks for; its name is not compressed.
uint16_t type_asked(std::string_view packet) {
  size_t at = kMessageHeader;
  while (at < packet.size() && packet[at] != 0) at += 1 + size_t{static_cast<unsigned char>(packet[at])};
  return at + 3 <= packet.size() ? be16_at(packet, at + 1) : uint16_t{0};
}

struct Pair {
  Count count;
  uint64_t RecursionCounters::*counter;
};

constexpr Pair kPairs[] = {
    {Count::upstream_retries, &RecursionCounters::retries}, {Count::upstream_lame, &RecursionCounters::lame},
    {Count::upstream_merged, &RecursionCounters::joined},   {Count::upstream_edns_failures, &RecursionCounters::plain},
    {Count::limit_reached, &RecursionCounters::over_limit}, {Count::prefetches, &RecursionCounters::prefetches},
};

}  // namespace

void CountingUpstream::count_question(const UpstreamRequest& request) {
  page_->add(request.server.address.is_v4() ? Count::upstream_queries_v4 : Count::upstream_queries_v6);
  if (request.over_tcp) page_->add(Count::upstream_tcp);
  page_->upstream_types[type_slot(type_asked(request.packet))].add();
}

void CountingUpstream::count_reply(const UpstreamReply& reply) {
  page_->add(Count::upstream_mismatches, reply.mismatches);
  if (reply.status == UpstreamStatus::timed_out) page_->add(Count::upstream_timeouts);
  if (reply.status == UpstreamStatus::unreachable) page_->add(Count::upstream_unreachable);
  if (reply.status != UpstreamStatus::answered) return;
  page_->add_upstream_rtt(std::chrono::duration_cast<std::chrono::microseconds>(reply.took));
  switch (reply.reply.rcode) {
    case rcode::kNoError:
      break;
    case rcode::kNxDomain:
      page_->add(Count::upstream_nxdomain);
      break;
    case rcode::kServFail:
      page_->add(Count::upstream_servfail);
      break;
    case rcode::kFormErr:
      page_->add(Count::upstream_formerr);
      break;
    default:
      page_->add(Count::upstream_other_errors);
  }
}

event::Task<UpstreamReply> CountingUpstream::exchange(const UpstreamRequest& request) {
  if (page_ != nullptr) count_question(request);
  UpstreamReply reply = co_await behind_.exchange(request);
  if (page_ != nullptr) count_reply(reply);
  co_return reply;
}

void CounterFeed::publish(const Recursor& recursor, const AnswerCacheWriter* cache, PageNumbers& page) {
  const RecursionCounters& now = recursor.counters();
  for (const Pair& pair : kPairs) page.add(pair.count, now.*pair.counter - last_.*pair.counter);
  last_ = now;
  uint64_t evictions = recursor.evicted() + (cache != nullptr ? cache->evicted() : 0);
  page.add(Count::cache_evictions, evictions - evictions_);
  evictions_ = evictions;
  page.set(Count::cache_entries, recursor.entries() + (cache != nullptr ? cache->size() : 0));
  page.set(Count::cache_octets, recursor.memory() + (cache != nullptr ? cache->octets() : 0));
}

}  // namespace umaya::named
