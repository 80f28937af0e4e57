// What the caches of recursion take from the system under very many different answers. UMAYA_CACHE_ANSWERS says how
// many; 10000000 is what attacks.md asks for.
#include <malloc.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "libcommon/base/strings.h"
#include "named-lite/dns/types.h"
#include "named-lite/recursion/answer_body.h"
#include "named-lite/recursion/answer_cache.h"

using namespace umaya;
using namespace umaya::named;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool kCountsMemory = false;  // freed memory is kept apart for a while
#else
constexpr bool kCountsMemory = true;
#endif

size_t resident_octets() {
  size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

uint64_t answers_wanted() {
  const char* text = std::getenv("UMAYA_CACHE_ANSWERS");
  return (text != nullptr ? parse_uint(text) : std::nullopt).value_or(400'000);
}

/// A name of another length, with another number of addresses, each time.
Entry entry_of(const std::string& owner, uint64_t number) {
  RrSet set{owner, type::kA, 3600};
  for (uint64_t i = 0; i <= number % 7; ++i) {
    uint64_t octets = number * 8 + i;
    set.data.emplace_back(reinterpret_cast<const char*>(&octets), 4);
  }
  Entry entry;
  entry.outcome = Outcome::found;
  entry.trust = Trust::authoritative;
  entry.ttl = entry.original_ttl = 3600;
  entry.sets.push_back(std::move(set));
  return entry;
}

}  // namespace

TEST_CASE("cache memory: D49 what the caches take stays within a fifth of their limit under very many answers",
          "[recursion][attacks]") {
  constexpr size_t kLimit = size_t{32} << 20;
  const uint64_t wanted = answers_wanted();
  malloc_trim(0);
  const size_t before = resident_octets();
  // The shares that recursion_settings_of() gives them.
  auto answers = AnswerCacheWriter::create(kLimit / 4);
  REQUIRE(answers);
  RrsetCache sets(kLimit - kLimit / 4);
  const TimePoint now = monotonic_now();
  size_t most = 0;
  for (uint64_t i = 0; i < wanted; ++i) {
    std::string text = std::string(1 + i % 29, 'a') + std::to_string(i) + ".far.test.";
    std::string owner(Name::from_text(text)->lower().wire());
    Entry entry = entry_of(owner, i);
    sets.put(0, owner, type::kA, entry, now);
    AnswerBody body(owner);
    body.add(Section::answer, entry.sets[0], false);
    RecursiveAnswer answer;
    body.finish(answer);
    (*answers)->put({owner, type::kA}, answer, 1, 0);
    if (i % 20'000 == 0) most = std::max(most, resident_octets() - before);
  }
  most = std::max(most, resident_octets() - before);
  CHECK(sets.bytes() <= kLimit - kLimit / 4);
  CHECK(sets.evicted() > 0);
  CHECK((*answers)->evicted() > 0);
  CHECK(sets.find(0,
                  Name::from_text(std::string(1 + (wanted - 1) % 29, 'a') + std::to_string(wanted - 1) + ".far.test.")
                      ->lower()
                      .wire(),
                  type::kA, now));
  WARN(wanted << " answers: " << most / 1024 << " KiB resident at most, limit " << kLimit / 1024 << " KiB");
  if (kCountsMemory) CHECK(most <= kLimit / 5 * 6);
}
