#include "named-lite/answer/rate_limit.h"

#include <catch2/catch.hpp>
#include <string>

using namespace umaya::named;

namespace {

std::string address(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c), static_cast<char>(d)};
}

/// Limits of which a test says some.
struct Some {
  uint32_t responses = 0, nodata = 0, nxdomains = 0, errors = 0, all = 0, window = 15, slip = 2;
  int ipv4_prefix = 24, ipv6_prefix = 56;

  operator RateLimitConf() const {
    RateLimitConf conf;
    conf.enabled = true;
    conf.responses_per_second = responses;
    conf.nodata_per_second = nodata;
    conf.nxdomains_per_second = nxdomains;
    conf.errors_per_second = errors;
    conf.all_per_second = all;
    conf.window = window;
    conf.slip = slip;
    conf.ipv4_prefix = ipv4_prefix;
    conf.ipv6_prefix = ipv6_prefix;
    return conf;
  }
};

struct Sent {
  int sent = 0, slipped = 0, dropped = 0;
};

Sent ask(RateLimiter& limiter, const std::string& client, const AnswerReport& report, uint32_t second, int times,
         uint16_t type = 1) {
  Sent result;
  for (int i = 0; i < times; ++i) {
    switch (limiter.judge(client, report, type, second)) {
      case RateVerdict::send:
        ++result.sent;
        break;
      case RateVerdict::slip:
        ++result.slipped;
        break;
      case RateVerdict::drop:
        ++result.dropped;
        break;
    }
  }
  return result;
}

constexpr AnswerReport kPositive{AnswerKind::positive, 77, false};

}  // namespace

TEST_CASE("rate limit: equal answers to one network are limited to the rate, every second one slips", "[named][rate]") {
  RateLimiter limiter(Some{.responses = 5}, 1);
  Sent first = ask(limiter, address(192, 0, 2, 1), kPositive, 100, 1000);
  CHECK(first.sent == 5);
  CHECK(first.slipped + first.dropped == 995);
  CHECK(first.slipped == 497);
  CHECK(ask(limiter, address(192, 0, 2, 200), kPositive, 100, 10).sent == 0);  // the same /24
  CHECK(ask(limiter, address(192, 0, 3, 1), kPositive, 100, 10).sent == 5);    // another
}

TEST_CASE("rate limit: what differs has its own account", "[named][rate]") {
  RateLimiter limiter(Some{.responses = 5, .nodata = 4, .nxdomains = 3, .errors = 2}, 1);
  std::string client = address(192, 0, 2, 1);
  CHECK(ask(limiter, client, kPositive, 1, 10, 1).sent == 5);
  CHECK(ask(limiter, client, kPositive, 1, 10, 28).sent == 5);
  CHECK(ask(limiter, client, {AnswerKind::positive, 78, false}, 1, 10).sent == 5);
  CHECK(ask(limiter, client, {AnswerKind::no_data, 77, false}, 1, 10, 1).sent == 4);
  CHECK(ask(limiter, client, {AnswerKind::no_data, 77, false}, 1, 10, 28).sent == 0);  // whatever the type
  CHECK(ask(limiter, client, {AnswerKind::no_name, 77, false}, 1, 10).sent == 3);
  CHECK(ask(limiter, client, {AnswerKind::error, 1, false}, 1, 10).sent == 2);
  CHECK(ask(limiter, client, {AnswerKind::error, 2, false}, 1, 10).sent == 0);
  CHECK(ask(limiter, client, {AnswerKind::referral, 77, false}, 1, 1000).sent == 1000);  // no limit is set
}

TEST_CASE("rate limit: a flood is owed for the window and then forgiven", "[named][rate]") {
  RateLimiter limiter(Some{.responses = 10, .window = 5, .slip = 0}, 1);
  std::string client = address(192, 0, 2, 1);
  CHECK(ask(limiter, client, kPositive, 100, 1000).sent == 10);
  for (uint32_t second = 101; second < 105; ++second) CHECK(ask(limiter, client, kPositive, second, 1).sent == 0);
  CHECK(ask(limiter, client, kPositive, 107, 1).sent == 1);
  CHECK(ask(limiter, client, kPositive, 200, 1000).sent == 10);  // never more than one second's worth
}

TEST_CASE("rate limit: a rate below the limit is never touched", "[named][rate]") {
  RateLimiter limiter(Some{.responses = 5}, 1);
  for (uint32_t second = 0; second < 100; ++second) {
    CHECK(ask(limiter, address(192, 0, 2, 1), kPositive, second, 5).sent == 5);
  }
}

TEST_CASE("rate limit: slip 0 drops all, slip 1 truncates all", "[named][rate]") {
  RateLimiter never(Some{.responses = 1, .slip = 0}, 1);
  CHECK(ask(never, address(192, 0, 2, 1), kPositive, 1, 100).slipped == 0);
  RateLimiter always(Some{.responses = 1, .slip = 1}, 1);
  CHECK(ask(always, address(192, 0, 2, 1), kPositive, 1, 100).slipped == 99);
}

TEST_CASE("rate limit: all-per-second counts different answers to one network together", "[named][rate]") {
  RateLimiter limiter(Some{.responses = 5, .all = 20}, 1);
  int sent = 0;
  for (uint64_t source = 0; source < 1000; ++source) {
    sent += ask(limiter, address(192, 0, 2, 1), {AnswerKind::positive, source, false}, 1, 1).sent;
  }
  CHECK(sent == 20);
}

TEST_CASE("rate limit: prefixes are taken by the bit", "[named][rate]") {
  RateLimiter limiter(Some{.responses = 1, .ipv4_prefix = 22, .ipv6_prefix = 44}, 1);
  CHECK(ask(limiter, address(10, 0, 0, 1), kPositive, 1, 1).sent == 1);
  CHECK(ask(limiter, address(10, 0, 3, 255), kPositive, 1, 1).sent == 0);
  CHECK(ask(limiter, address(10, 0, 4, 0), kPositive, 1, 1).sent == 1);
  std::string v6("\x20\x01\x0d\xb8\x00\x0f\0\0\0\0\0\0\0\0\0\1", 16);
  CHECK(ask(limiter, v6, kPositive, 1, 1).sent == 1);
  v6[6] = '\x55';  // bits 48 on
  CHECK(ask(limiter, v6, kPositive, 1, 1).sent == 0);
  v6[5] = '\x1f';  // bit 43
  CHECK(ask(limiter, v6, kPositive, 1, 1).sent == 1);
}

TEST_CASE("rate limit: a million networks do not free the one that floods", "[named][rate]") {
  RateLimiter limiter(Some{.responses = 5, .slip = 0}, 12345);
  std::string flooded = address(192, 0, 2, 1);
  int sent = 0;
  for (uint32_t n = 0; n < 1000000; ++n) {
    limiter.judge(address(static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n), 1),
                  kPositive, 1, 50);
    if (n % 100 == 0) sent += ask(limiter, flooded, kPositive, 50, 1).sent;
  }
  CHECK(sent <= 10);  // of 10000 questions
}
