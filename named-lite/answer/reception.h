// NAME    reception - everything around one answer: cookies, options, class CH, rate limits
//
// SYNOPSIS
//     Reception reception(conf, seed);
//     size_t n = reception.answer(query, packet, arrival, context, out);   // 0: nothing is to be sent
//
// DESCRIPTION
//     What a query process does with a question once the view of the client is known. An answer that is refused by a
//     rate limit becomes nothing or, where it slips, a header with TC, or BADCOOKIE for a client that can learn a
//     cookie (RFC 7873 5.2.3). Over TCP and with a valid cookie nothing is limited. An answer that other name servers
//     gave is written by somebody else between prepare() and limit().
//
// OWNERSHIP
//     One for each thread. No socket, no clock; the limiter of the view is the caller's.
#pragma once

#include "named-lite/answer/chaos.h"
#include "named-lite/answer/cookies.h"
#include "named-lite/answer/edns.h"
#include "named-lite/answer/rate_limit.h"

namespace umaya::named {

struct ReceptionConf {
  EdnsSettings edns;
  ChaosAnswers chaos;
  std::vector<CookieSecret> cookie_secrets;  ///< the first makes cookies; at least one
};

/// How a packet came.
struct Arrival {
  std::string_view address;        ///< of the client: 4 or 16 octets
  uint32_t seconds = 0;            ///< since 1970
  RateLimiter* limiter = nullptr;  ///< of the view; nullptr when it has none or the client is exempt
  bool asks_others = false;        ///< what is not ours is asked of other servers: a refusal or referral is not sent
};

struct RateCounters {
  uint64_t dropped = 0;
  uint64_t slipped = 0;
};

class Reception {
 public:
  Reception(ReceptionConf conf, uint64_t seed);

  /// context: transport, view and what is decided already; its options, turn and report are set here.
  size_t answer(const Query& query, std::string_view packet, const Arrival& arrival, AnswerContext& context,
                std::span<char> out);
  /// Sets options, turn, report and what a client without cookie may have.
  void prepare(const Query& query, const Arrival& arrival, AnswerContext& context);
  /// After prepare() for the same question: what is sent of an answer of this size that stands in out; 0: nothing.
  size_t limit(const Query& query, std::string_view packet, const Arrival& arrival, const AnswerReport& report,
               size_t size, std::span<char> out);
  const RateCounters& counters() const { return counters_; }
  /// Whether with the last answer that limit() was asked for a limit began to act.
  bool limit_begins() const { return limit_begins_; }
  /// Of the question that was answered last.
  CookieState cookie() const { return cookie_.state; }
  /// Whether its client is where it says: it has a valid cookie, or came over TCP.
  bool knows_client() const { return known_; }

 private:
  void apply(const Query& query, AnswerContext& context) const;
  size_t limited(RateVerdict verdict, const Query& query, std::string_view packet, std::span<char> out);

  ReceptionConf conf_;
  Cookies cookies_;
  uint32_t turn_;
  EdnsOptions options_;  // these five: of the question that is being answered
  CookieCheck cookie_;
  bool known_ = false;  // the client is where it says
  bool limit_begins_ = false;
  AnswerReport report_;
  RateCounters counters_;
};

}  // namespace umaya::named
