// NAME    rate_limit - how many equal answers a second go to one network
//
// SYNOPSIS
//     RateLimiter limiter(limits, seed);
//     switch (limiter.judge(address_octets, report, query.type, seconds)) {
//       case RateVerdict::send: …  case RateVerdict::drop: …  case RateVerdict::slip: …   // truncated: ask over TCP
//     }
//
// DESCRIPTION
//     BIND's rate-limit. Answers are equal when they go to one network and are the same set, or "no such name" of one
//     zone, "no data" of one name, a referral at one cut, or any error. Each such account gets its rate every second,
//     holds at most one second of it, and can owe `window` seconds; who owes gets nothing, or, each slip'th time, an
//     answer that is cut to its header, so that a client whose address is forged can still ask over TCP. Only answers
//     over UDP to clients without a valid cookie are to be judged; log_only and exempt_clients are the caller's, too.
//     The table has a fixed size, is keyed with a secret, and forgets the account in its row that is used least.
//
// LIMITS  16 octets for each account. No allocation after the start; the clock is the caller's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "named-lite/answer/answer.h"
#include "named-lite/config/answer_conf.h"

namespace umaya::named {

enum class RateVerdict : unsigned char { send, drop, slip };

class RateLimiter {
 public:
  RateLimiter(const RateLimitConf& limits, uint64_t seed);

  /// address: 4 or 16 octets; now: seconds of a clock that does not go backwards.
  RateVerdict judge(std::string_view address, const AnswerReport& report, uint16_t type, uint32_t now);
  const RateLimitConf& limits() const { return limits_; }
  /// Whether the answer that was judged last is the first that its account could not pay.
  bool begins() const { return begins_; }
  /// The network that an address is counted with: "192.0.2.0/24".
  std::string network_text(std::string_view address) const;

 private:
  static constexpr size_t kWays = 8;
  struct Account {
    uint32_t tag = 0;
    uint32_t second = 0;
    int32_t balance = 0;
    uint32_t refused = 0;
  };

  Account& account(uint64_t key, uint32_t rate, uint32_t now);
  RateVerdict debit(uint64_t key, uint32_t rate, uint32_t now);
  uint32_t rate_of(AnswerKind kind) const;
  struct Octets {
    char octets[16] = {};
  };
  Octets network_of(std::string_view address) const;
  uint64_t network(std::string_view address) const;

  RateLimitConf limits_;
  uint64_t seed_;
  size_t rows_;
  bool begins_ = false;
  std::vector<Account> accounts_;
};

}  // namespace umaya::named
