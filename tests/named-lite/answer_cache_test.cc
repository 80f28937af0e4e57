#include "named-lite/recursion/answer_cache.h"

#include <sys/mman.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "named-lite/dns/types.h"
#include "named-lite/recursion/answer_body.h"

using namespace umaya;
using namespace umaya::named;

namespace {

std::string wire(const std::string& text) {
  return std::string(Name::from_text(text)->lower().wire());
}

RecursiveAnswer answer_for(const std::string& name, uint32_t ttl, size_t records = 1) {
  AnswerBody body(name);
  RrSet set{name, type::kA, ttl};
  for (size_t i = 0; i < records; ++i)
    set.data.push_back(std::string("\x0a\0", 2) + static_cast<char>(i >> 8) + static_cast<char>(i));
  body.add(Section::answer, set, false);
  RecursiveAnswer answer;
  body.finish(answer);
  return answer;
}

struct Caches {
  std::unique_ptr<AnswerCacheWriter> writer;
  std::unique_ptr<AnswerCache> reader;
  char room[8192];
  AnswerCache::Hit hit;

  explicit Caches(size_t octets = 1 << 20) {
    auto made = AnswerCacheWriter::create(octets);
    REQUIRE(made);
    writer = std::move(*made);
    auto mapped = AnswerCache::map(writer->cache_fd(), writer->marks_fd());
    REQUIRE(mapped);
    reader = std::make_unique<AnswerCache>(std::move(*mapped));
  }
  bool find(const AnswerKey& key, uint32_t now) { return reader->find(key, now, room, hit); }
  uint32_t ttl() const {
    uint32_t value;
    std::memcpy(&value, room + 6, sizeof value);
    return __builtin_bswap32(value);
  }
};

}  // namespace

TEST_CASE("answer cache: a reader finds what was put, with the time that is left", "[recursion]") {
  Caches caches;
  std::string name = wire("www.example.test.");
  AnswerKey key{name, type::kA};
  CHECK_FALSE(caches.find(key, 100));
  RecursiveAnswer answer = answer_for(name, 300);
  answer.authentic = true;
  caches.writer->put(key, answer, 100, 0);
  REQUIRE(caches.find(key, 100));
  CHECK(std::string_view(caches.room, caches.hit.size) == answer.body);
  CHECK(caches.hit.counts[0] == 1);
  CHECK(caches.hit.authentic);
  REQUIRE(caches.find(key, 350));
  CHECK(caches.ttl() == 50);
  CHECK(caches.find(key, 399));
  CHECK_FALSE(caches.find(key, 400));
  CHECK_FALSE(caches.find(key, 99));
}

TEST_CASE("answer cache: type, view and flags make other answers", "[recursion]") {
  Caches caches;
  std::string name = wire("www.example.test.");
  AnswerKey key{name, type::kA};
  caches.writer->put(key, answer_for(name, 300), 1, 0);
  CHECK(caches.find(key, 2));
  CHECK_FALSE(caches.find({name, type::kAaaa}, 2));
  CHECK_FALSE(caches.find({name, type::kA, 1}, 2));
  CHECK_FALSE(caches.find({name, type::kA, 0, true}, 2));
  CHECK_FALSE(caches.find({name, type::kA, 0, false, true}, 2));
  caches.writer->put(key, answer_for(name, 60, 3), 2, 0);  // replaces
  REQUIRE(caches.find(key, 2));
  CHECK(caches.hit.counts[0] == 3);
  CHECK(caches.writer->size() == 1);
  caches.writer->put(key, answer_for(name, 0), 2, 0);  // what has no TTL is not kept, nor is what was there
  CHECK_FALSE(caches.find(key, 2));
}

TEST_CASE("answer cache: an answer that does not fit the room is a miss that says its size", "[recursion]") {
  Caches caches;
  std::string name = wire("www.example.test.");
  RecursiveAnswer answer = answer_for(name, 300, 100);
  caches.writer->put({name, type::kA}, answer, 1, 0);
  AnswerCache::Hit hit;
  char small[512];
  CHECK_FALSE(caches.reader->find({name, type::kA}, 1, small, hit));
  CHECK(hit.size == answer.body.size());
  CHECK(caches.find({name, type::kA}, 1));
  caches.writer->put({name, type::kA}, answer_for(name, 300, 400), 1, 0);  // larger than answers may be
  CHECK_FALSE(caches.find({name, type::kA}, 1));
}

TEST_CASE("answer cache: one use shortly before the end asks for a new answer", "[recursion]") {
  Caches caches;
  std::string name = wire("www.example.test.");
  caches.writer->put({name, type::kA}, answer_for(name, 300), 100, 2);
  REQUIRE(caches.find({name, type::kA}, 397));
  CHECK_FALSE(caches.hit.refresh);
  REQUIRE(caches.find({name, type::kA}, 398));
  CHECK(caches.hit.refresh);
  REQUIRE(caches.find({name, type::kA}, 398));
  CHECK_FALSE(caches.hit.refresh);
}

TEST_CASE("answer cache: D49 it is as large as it is, and what is used stays", "[recursion]") {
  Caches caches;
  std::string kept = wire("kept.example.test.");
  caches.writer->put({kept, type::kA}, answer_for(kept, 3000), 1, 0);
  for (int i = 0; i < 100'000; ++i) {
    std::string name = wire("n" + std::to_string(i) + ".example.test.");
    caches.writer->put({name, type::kA}, answer_for(name, 3000, 1 + static_cast<size_t>(i % 7) * 8), 1, 0);
    if (i % 50 == 0) REQUIRE(caches.find({kept, type::kA}, 1));
    if (i % 1000 == 0) REQUIRE(caches.find({name, type::kA}, 1));
  }
  CHECK(caches.writer->evicted() > 50'000);
  CHECK(caches.writer->size() > 1200);
}

TEST_CASE("answer cache: large answers get room when small ones have taken it all", "[recursion]") {
  Caches caches;
  for (int i = 0; i < 20'000; ++i) {
    std::string name = wire("n" + std::to_string(i) + ".example.test.");
    caches.writer->put({name, type::kA}, answer_for(name, 3000), 1, 0);
  }
  for (int i = 0; i < 20; ++i) {
    std::string name = wire("large" + std::to_string(i) + ".example.test.");
    caches.writer->put({name, type::kA}, answer_for(name, 3000, 200), 1, 0);
    CHECK(caches.find({name, type::kA}, 1));
  }
}

TEST_CASE("answer cache: flushing forgets a name, a tree, everything", "[recursion]") {
  Caches caches;
  for (const char* text : {"a.test.", "b.a.test.", "c.b.a.test.", "d.test."}) {
    std::string name = wire(text);
    caches.writer->put({name, type::kA}, answer_for(name, 300), 1, 0);
  }
  CHECK(caches.writer->flush(wire("a.test."), RrsetCache::Range::name) == 1);
  CHECK(caches.writer->flush(wire("a.test."), RrsetCache::Range::tree) == 2);
  CHECK(caches.find({wire("d.test."), type::kA}, 1));
  caches.writer->clear();
  CHECK_FALSE(caches.find({wire("d.test."), type::kA}, 1));
  CHECK(caches.writer->size() == 0);
}

TEST_CASE("answer cache: readers cannot write to it", "[recursion]") {
  Caches caches;
  size_t size = size_t{1} << 20;
  CHECK(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, caches.writer->cache_fd().get(), 0) == MAP_FAILED);
  CHECK(::write(caches.writer->cache_fd().get(), "x", 1) < 0);
}

TEST_CASE("answer cache: a reader beside the writer never takes half an answer", "[recursion]") {
  Caches caches;
  constexpr int kNames = 3000;
  std::vector<std::string> names;
  for (int i = 0; i < kNames; ++i) names.push_back(wire("n" + std::to_string(i) + ".example.test."));
  std::atomic<bool> stop{false};
  size_t hits = 0;
  size_t wrong = 0;
  std::thread reading([&] {
    char room[8192];
    AnswerCache::Hit hit;
    for (size_t i = 0; !stop; i = (i + 7) % kNames) {
      if (!caches.reader->find({names[i], type::kA}, 5, room, hit)) continue;
      ++hits;
      // Record k ends in k, and all lie behind one another.
      bool whole = hit.size == size_t{hit.counts[0]} * 16;
      for (size_t k = 0; whole && k < hit.counts[0]; ++k) {
        whole = static_cast<unsigned char>(room[16 * k + 15]) == (k & 0xFF) && room[16 * k] == '\xc0';
      }
      if (!whole) ++wrong;
    }
  });
  for (size_t round = 0; round < 100; ++round) {
    for (size_t i = 0; i < kNames; ++i) {
      caches.writer->put({names[i], type::kA}, answer_for(names[i], 3000, 1 + (i + round) % 60), 5, 0);
    }
  }
  stop = true;
  reading.join();
  CHECK(hits > 1000);
  CHECK(wrong == 0);
}

TEST_CASE("answer cache: what a hit costs", "[.speed]") {
  Caches caches(16 << 20);
  std::vector<std::string> names;
  for (int i = 0; i < 20'000; ++i) {
    names.push_back(wire("host" + std::to_string(i) + ".example.test."));
    caches.writer->put({names.back(), type::kA}, answer_for(names.back(), 3000), 1, 0);
  }
  size_t found = 0;
  auto cpu = [] {
    timespec used;
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * 1'000'000'000 + used.tv_nsec;
  };
  auto begin = cpu();
  for (size_t i = 0; i < 2'000'000; ++i) found += caches.find({names[i * 7919 % names.size()], type::kA}, 2) ? 1 : 0;
  WARN((cpu() - begin) / 2'000'000 << " ns of CPU a question, " << found / 20'000 << " % hits");
}
