#include "authd/password_cache.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::authd;
using namespace std::chrono_literals;

namespace {
const TimePoint kStart = TimePoint() + std::chrono::hours(1000);
}

TEST_CASE("password cache: A13 an entry is good for its user, service, stored password and password only",
          "[authd][cache]") {
  PasswordCache cache(60s);
  cache.keep({"alice@example.com", "pop3", "stored", "secret"}, kStart);
  CHECK(cache.knows({"alice@example.com", "pop3", "stored", "secret"}, kStart));
  CHECK(!cache.knows({"alice@example.org", "pop3", "stored", "secret"}, kStart));
  CHECK(!cache.knows({"alice@example.com", "smtp", "stored", "secret"}, kStart));
  CHECK(!cache.knows({"alice@example.com", "pop3", "other", "secret"}, kStart));
  CHECK(!cache.knows({"alice@example.com", "pop3", "stored", "Secret"}, kStart));
  // Bytes that move from one part to the next are another question.
  CHECK(!cache.knows({"alice@example.co", "mpop3", "stored", "secret"}, kStart));
  CHECK(!cache.knows({"alice@example.com", "pop3", "store", "dsecret"}, kStart));
  CHECK(!cache.knows({"alice@example.com", "pop3s", "tored", "secret"}, kStart));
  CHECK(framed({"a", "bc"}) != framed({"ab", "c"}));
  CHECK(framed({"1:a", ""}) != framed({"", "1:a"}));
}

TEST_CASE("password cache: A13 entries end with their time and when they are dropped", "[authd][cache]") {
  PasswordCache cache(60s);
  cache.keep({"alice", "pop3", "s", "p"}, kStart);
  CHECK(cache.knows({"alice", "pop3", "s", "p"}, kStart + 59s));
  CHECK(!cache.knows({"alice", "pop3", "s", "p"}, kStart + 60s));
  CHECK(cache.size() == 0);
  cache.keep({"alice", "pop3", "s", "p"}, kStart);
  cache.clear();
  CHECK(!cache.knows({"alice", "pop3", "s", "p"}, kStart));
  PasswordCache off(0s);
  off.keep({"alice", "pop3", "s", "p"}, kStart);
  CHECK(!off.knows({"alice", "pop3", "s", "p"}, kStart));
}

TEST_CASE("password cache: A13 memory is bounded, and two caches share nothing", "[authd][cache]") {
  PasswordCache cache(60s);
  for (size_t i = 0; i < 2 * PasswordCache::kMostEntries; ++i) {
    cache.keep({std::to_string(i), "pop3", "s", "p"}, kStart);
  }
  CHECK(cache.size() == PasswordCache::kMostEntries);
  CHECK(cache.knows({std::to_string(2 * PasswordCache::kMostEntries - 1), "pop3", "s", "p"}, kStart));
  CHECK(!cache.knows({"0", "pop3", "s", "p"}, kStart));
  CHECK(PasswordCache(60s).mark_of("alice", "p") != cache.mark_of("alice", "p"));
  CHECK(cache.mark_of("alice", "p") == cache.mark_of("alice", "p"));
}
