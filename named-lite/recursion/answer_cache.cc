#include "named-lite/recursion/answer_cache.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "named-lite/recursion/hash.h"

namespace umaya::named {

using namespace answer_cache;

static constexpr size_t kLine = 64;  // of the processor's cache

SharedMapping::~SharedMapping() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

namespace answer_cache {

uint64_t hash_of(const AnswerKey& key, uint64_t seed) {
  uint64_t rest = uint64_t{key.type} << 32 | uint64_t{key.view} << 16 | flags_of(key);
  return hash_octets(key.name, mix_words(rest ^ seed, seed | 1));
}

uint8_t flags_of(const AnswerKey& key) {
  return static_cast<uint8_t>((key.dnssec_ok ? kDnssecOk : 0) | (key.checking_disabled ? kCheckingDisabled : 0));
}

Result<SharedMapping> map_shared(const Fd& fd, int protection) {
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return sys_error("answer cache");
  auto size = static_cast<size_t>(status.st_size);
  void* base = size == 0 ? MAP_FAILED : ::mmap(nullptr, size, protection, MAP_SHARED, fd.get(), 0);
  if (base == MAP_FAILED) return sys_error("map the answer cache");
  return SharedMapping(static_cast<char*>(base), size);
}

}  // namespace answer_cache

Result<AnswerCache> AnswerCache::map(const Fd& cache, const Fd& marks) {
  AnswerCache made;
  UMAYA_TRY(made.cache_, map_shared(cache, PROT_READ));
  UMAYA_TRY(made.marks_, map_shared(marks, PROT_READ | PROT_WRITE));
  Header header;
  if (made.cache_.size() < sizeof header) return permanent("the answer cache is too small");
  std::memcpy(&header, made.cache_.data(), sizeof header);
  bool power_of_two = header.slots >= kWays && (header.slots & (header.slots - 1)) == 0;
  if (header.magic != kMagic || header.version != kVersion || !power_of_two || slots_end(header.slots) > header.data ||
      header.data > made.cache_.size() || made.marks_.size() < header.slots) {
    return permanent("the answer cache is of another version");
  }
  made.slots_ = header.slots;
  made.data_ = header.data;
  made.seed_ = header.seed;
  return made;
}

const Slot& AnswerCache::slot_at(uint32_t slot) const {
  return reinterpret_cast<const Slot*>(cache_.data() + slots_offset(slots_))[slot];
}

/// Of those in which a key may be.
uint32_t AnswerCache::first_slot(uint64_t hash) const {
  return static_cast<uint32_t>(hash) & (slots_ - 1) & ~static_cast<uint32_t>(kWays - 1);
}

const Tag& AnswerCache::tag_at(uint32_t slot) const {
  return reinterpret_cast<const Tag*>(cache_.data() + kTagsOffset)[slot];
}

void AnswerCache::prefetch(std::span<const AnswerKey> keys) const {
  constexpr uint32_t kNone = UINT32_MAX;
  std::array<uint64_t, kMostAhead> hashes;
  std::array<uint32_t, kMostAhead> slots;
  size_t count = std::min(keys.size(), kMostAhead);
  for (size_t i = 0; i < count; ++i) {
    hashes[i] = hash_of(keys[i], seed_);
    __builtin_prefetch(&tag_at(first_slot(hashes[i])));
  }
  for (size_t i = 0; i < count; ++i) {
    uint32_t first = first_slot(hashes[i]);
    slots[i] = kNone;
    for (uint32_t slot = first; slot < first + kWays; ++slot) {
      if (tag_at(slot).load(std::memory_order_relaxed) == tag_of(hashes[i])) slots[i] = slot;
    }
    if (slots[i] != kNone) __builtin_prefetch(&slot_at(slots[i]));
  }
  for (size_t i = 0; i < count; ++i) {
    if (slots[i] == kNone) continue;
    uint32_t offset = slot_at(slots[i]).offset.load(std::memory_order_relaxed);
    if (size_t{offset} + kLine >= cache_.size()) continue;
    __builtin_prefetch(cache_.data() + offset);
    __builtin_prefetch(cache_.data() + offset + kLine);
    __builtin_prefetch(marks_.data() + slots[i]);
  }
}

bool AnswerCache::find(const AnswerKey& key, uint32_t now, std::span<char> out, Hit& hit) const {
  hit.size = 0;
  uint64_t hash = hash_of(key, seed_);
  uint32_t first = first_slot(hash);
  uint32_t tag = tag_of(hash);
  for (uint32_t slot = first; slot < first + kWays; ++slot) {
    if (tag_at(slot).load(std::memory_order_relaxed) == tag && take(slot, key, now, out, hit)) return true;
  }
  return false;
}

namespace {

/// Lowers the TTLs in a body that was copied. False when an offset leads out of it.
bool lower_ttls(const char* offsets, size_t count, uint32_t age, std::span<char> body) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t at;
    std::memcpy(&at, offsets + 2 * i, sizeof at);
    if (size_t{at} + 4 > body.size()) return false;
    uint32_t ttl;
    std::memcpy(&ttl, body.data() + at, sizeof ttl);
    ttl = __builtin_bswap32(ttl);
    ttl = __builtin_bswap32(ttl > age ? ttl - age : 0);
    std::memcpy(body.data() + at, &ttl, sizeof ttl);
  }
  return true;
}

}  // namespace

bool AnswerCache::take(uint32_t number, const AnswerKey& key, uint32_t now, std::span<char> out, Hit& hit) const {
  const Slot& slot = slot_at(number);
  uint32_t sequence = slot.sequence.load(std::memory_order_acquire);
  uint32_t offset = slot.offset.load(std::memory_order_relaxed);
  uint32_t size = slot.size.load(std::memory_order_relaxed);
  uint32_t stored = slot.stored.load(std::memory_order_relaxed);
  uint32_t expires = slot.expires.load(std::memory_order_relaxed);
  uint32_t refresh = slot.refresh.load(std::memory_order_relaxed);
  if ((sequence & 1) != 0 || now >= expires || now < stored) return false;
  if (offset < data_ || size < sizeof(AnswerHead) || uint64_t{offset} + size > cache_.size()) return false;
  const char* at = cache_.data() + offset;
  AnswerHead head;
  std::memcpy(&head, at, sizeof head);
  size_t offsets = sizeof head + head.name_size;
  size_t body = offsets + size_t{2} * head.ttl_count;
  if (body + head.body_size != size) return false;
  if (head.type != key.type || head.view != key.view || (head.flags & ~kAuthentic) != flags_of(key) ||
      std::string_view(at + sizeof head, head.name_size) != key.name) {
    return false;
  }
  bool fits = head.body_size <= out.size();
  if (fits) {
    std::memcpy(out.data(), at + body, head.body_size);
    fits = lower_ttls(at + offsets, head.ttl_count, now - stored, out.first(head.body_size));
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  if (slot.sequence.load(std::memory_order_relaxed) != sequence) return false;
  hit.size = head.body_size;
  hit.rcode = head.rcode;
  std::memcpy(hit.counts, head.counts, sizeof hit.counts);
  hit.extended_error = head.extended_error;
  hit.authentic = (head.flags & kAuthentic) != 0;
  if (!fits) return false;
  auto& mark = reinterpret_cast<std::atomic<uint8_t>*>(marks_.data())[number];
  uint8_t marked = mark.load(std::memory_order_relaxed);
  if ((marked & kUsed) == 0) mark.fetch_or(kUsed, std::memory_order_relaxed);
  hit.refresh = expires - now <= refresh && (marked & kRefreshed) == 0 &&
                (mark.fetch_or(kRefreshed, std::memory_order_relaxed) & kRefreshed) == 0;
  return true;
}

}  // namespace umaya::named
