// NAME    recursion_counting - counts questions to other name servers, and what the resolver has done
//
// DESCRIPTION
//     CountingUpstream stands before the sockets and counts each question and its answer in a page of statistics as it
//     happens. CounterFeed adds to the page what a resolver has counted itself since the last time.
//
// OWNERSHIP
//     The upstream behind and the page outlive these objects; without a page nothing is counted.
#pragma once

#include "named-lite/recursion/answer_cache.h"
#include "named-lite/recursion/recursor.h"
#include "named-lite/recursion/upstream.h"
#include "named-lite/statistics/page.h"

namespace umaya::named {

class CountingUpstream : public Upstream {
 public:
  CountingUpstream(Upstream& behind, PageNumbers* page) : behind_(behind), page_(page) {}
  event::Task<UpstreamReply> exchange(const UpstreamRequest& request) override;

 private:
  void count_question(const UpstreamRequest& request);
  void count_reply(const UpstreamReply& reply);

  Upstream& behind_;
  PageNumbers* page_;
};

class CounterFeed {
 public:
  /// cache: null when there is none.
  void publish(const Recursor& recursor, const AnswerCacheWriter* cache, PageNumbers& page);

 private:
  RecursionCounters last_;
  uint64_t evictions_ = 0;
};

}  // namespace umaya::named
