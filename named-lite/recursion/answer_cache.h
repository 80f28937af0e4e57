// NAME    answer_cache - finished answers, written by one process and read by others without a lock
//
// SYNOPSIS
//     UMAYA_TRY(auto writer, AnswerCacheWriter::create(16 << 20));         // the recursion process
//     writer.put(key, answer, now);
//     send(writer.cache_fd(), writer.marks_fd());
//
//     UMAYA_TRY(auto cache, AnswerCache::map(cache_fd, marks_fd));         // a query process
//     AnswerCache::Hit hit;
//     if (cache.find(key, now, room, hit)) …                               // the body stands in room, TTLs lowered
//
// DESCRIPTION
//     One memfd holds a table of slots and the answers in pieces of memory of fixed sizes, without pointers; readers
//     map it read only. A slot has a sequence number that is odd while the writer changes it: a reader copies first and
//     looks at the number again afterwards, so that what it took is either whole or a miss. A second, small memfd has
//     one octet for each slot that readers set when they use it, and nothing else: SIEVE chooses what must go by them.
//     A hit is one probe of a few neighbouring slots, one copy, and the TTLs; nothing is allocated and no system call
//     is made.
//     Readers trust nothing that stands in the cache but as octets to be sent: every length and offset is checked
//     against the room before it is used.
//
// OWNERSHIP
//     Writer and reader own their mappings and descriptors.
//
// LIMITS
//     The size given at the beginning; answers up to kMostAnswerOctets. TTLs in the body are those of when it was put.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "named-lite/dns/name.h"
#include "named-lite/recursion/recursor.h"

namespace umaya::named {

/// What an answer is kept under.
struct AnswerKey {
  std::string_view name;  ///< wire form, lower case
  uint16_t type = 0;
  uint16_t view = 0;
  bool dnssec_ok = false;
  bool checking_disabled = false;
};

namespace answer_cache {

inline constexpr size_t kMostAnswerOctets = 4096;  // name, offsets and body together
inline constexpr uint32_t kMagic = 0x43414E55;     // "UNAC"
inline constexpr uint32_t kVersion = 1;
inline constexpr size_t kWays = 8;  // slots in which a key may stand

struct Header {
  uint32_t magic;
  uint32_t version;
  uint32_t slots;  // a power of two
  uint32_t data;   // offset of the first page
  uint64_t seed;
};

/// Part of the hash of a slot's key, 0: free. They stand by themselves, so that those of all slots in which a key may
/// be are one line of the processor's cache.
using Tag = std::atomic<uint32_t>;

/// All but the sequence is written while that is odd.
struct Slot {
  std::atomic<uint32_t> sequence;
  std::atomic<uint32_t> offset;  // of the answer
  std::atomic<uint32_t> size;
  std::atomic<uint32_t> stored;   // seconds of the monotonic clock
  std::atomic<uint32_t> expires;  // the same
  std::atomic<uint32_t> refresh;  // seconds before the end at which it is to be fetched anew; 0: never
  uint32_t unused[2];
};
static_assert(sizeof(Slot) == 32);

/// Before the key, the offsets and the body.
struct AnswerHead {
  uint16_t rcode;
  uint16_t counts[3];
  uint16_t extended_error;
  uint16_t ttl_count;
  uint16_t body_size;
  uint16_t type;
  uint16_t view;
  uint8_t flags;  // of the key, and kAuthentic
  uint8_t name_size;
};

inline constexpr size_t kTagsOffset = 64;
inline constexpr size_t slots_offset(uint32_t slots) {
  return kTagsOffset + slots * sizeof(Tag);
}
inline constexpr size_t slots_end(uint32_t slots) {
  return slots_offset(slots) + slots * sizeof(Slot);
}
inline constexpr uint8_t kDnssecOk = 1, kCheckingDisabled = 2, kAuthentic = 4;  // of AnswerHead::flags
inline constexpr uint8_t kUsed = 1, kRefreshed = 2;                             // of the marks

uint64_t hash_of(const AnswerKey& key, uint64_t seed);
uint8_t flags_of(const AnswerKey& key);
inline uint32_t tag_of(uint64_t hash) {
  return static_cast<uint32_t>(hash >> 32) | 1;
}

}  // namespace answer_cache

/// A mapping of a descriptor, undone at the end.
class SharedMapping {
 public:
  SharedMapping() = default;
  SharedMapping(char* base, size_t size) : base_(base), size_(size) {}
  SharedMapping(SharedMapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SharedMapping& operator=(SharedMapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SharedMapping();
  char* data() const { return base_; }
  size_t size() const { return size_; }

 private:
  char* base_ = nullptr;
  size_t size_ = 0;
};

namespace answer_cache {
Result<SharedMapping> map_shared(const Fd& fd, int protection);
}  // namespace answer_cache

class AnswerCache {
 public:
  struct Hit {
    uint16_t rcode = 0;
    uint16_t counts[3] = {0, 0, 0};
    uint16_t extended_error = extended_error::kNone;
    bool authentic = false;
    size_t size = 0;       ///< of the body
    bool refresh = false;  ///< soon over, and in use: tell the recursion process (once for each answer)
  };

  static Result<AnswerCache> map(const Fd& cache, const Fd& marks);

  /// Copies the body to the beginning of out. now: seconds of the monotonic clock. False: not known, or it does not
  /// fit (hit then says what it is, and what size it needs; the size is 0 otherwise).
  bool find(const AnswerKey& key, uint32_t now, std::span<char> out, Hit& hit) const;
  static constexpr size_t kMostAhead = 64;
  /// Brings what find() will look at near, for a batch of keys: the memory is waited for once instead of once for each.
  void prefetch(std::span<const AnswerKey> keys) const;

 private:
  AnswerCache() = default;
  bool take(uint32_t slot, const AnswerKey& key, uint32_t now, std::span<char> out, Hit& hit) const;
  const answer_cache::Slot& slot_at(uint32_t slot) const;
  const answer_cache::Tag& tag_at(uint32_t slot) const;
  uint32_t first_slot(uint64_t hash) const;

  SharedMapping cache_;
  SharedMapping marks_;
  uint32_t slots_ = 0;
  uint32_t data_ = 0;
  uint64_t seed_ = 0;
};

class AnswerCacheWriter {
 public:
  static Result<std::unique_ptr<AnswerCacheWriter>> create(size_t octets);
  AnswerCacheWriter(const AnswerCacheWriter&) = delete;
  AnswerCacheWriter& operator=(const AnswerCacheWriter&) = delete;

  /// For readers: it can be mapped read only.
  const Fd& cache_fd() const { return cache_fd_; }
  const Fd& marks_fd() const { return marks_fd_; }
  /// Puts or replaces; an answer without TTL or too large is not kept. refresh: seconds before its end at which a use
  /// asks for a new one, 0: never.
  void put(const AnswerKey& key, const RecursiveAnswer& answer, uint32_t now, uint32_t refresh);
  void clear();
  /// Forgets the answers to questions for a name (lower case), or for it and what is below; how many there were.
  /// Answers with aliases go, too: they may have led there.
  size_t flush(std::string_view name, RrsetCache::Range range);
  /// Forgets the answers that hold data of zones of ours, which have changed.
  void flush_own();
  size_t size() const { return count_; }
  /// Octets that can hold answers and do.
  size_t octets() const;
  uint64_t evicted() const { return evicted_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint8_t kAliases = 1, kOwnData = 2;
  /// A piece of a page. Pieces in use are in their class's list, oldest to newest.
  struct Piece {
    uint32_t slot = kNone;  // kNone: free
    uint32_t newer = kNone;
    uint32_t older = kNone;
  };
  struct SizeClass {
    std::vector<uint32_t> free{};
    uint32_t newest = kNone;
    uint32_t oldest = kNone;
    uint32_t hand = kNone;
    uint32_t pages = 0;
  };

  AnswerCacheWriter() = default;
  answer_cache::Slot& slot_at(uint32_t slot) const;
  answer_cache::Tag& tag_at(uint32_t slot) const;
  std::atomic<uint8_t>& mark_at(uint32_t slot) const;
  char* piece_at(uint32_t piece) const;
  uint32_t take_piece(size_t size_class);
  void give_page(uint32_t page, size_t size_class);
  uint32_t empty_a_page();
  void evict_one(SizeClass& of);
  void drop(uint32_t slot);
  uint32_t slot_for(const AnswerKey& key, uint64_t hash);
  bool holds(uint32_t slot, const AnswerKey& key) const;

  Fd cache_fd_;
  Fd marks_fd_;
  SharedMapping cache_;
  SharedMapping marks_;
  uint32_t slots_ = 0;
  uint32_t data_ = 0;
  uint64_t seed_ = 0;
  std::vector<Piece> pieces_;         // kMostPieces for each page
  std::vector<uint32_t> slot_piece_;  // of each slot
  std::vector<uint8_t> slot_traits_;  // kAliases, kOwnData
  std::vector<uint8_t> page_class_;
  std::vector<SizeClass> classes_;
  uint32_t unused_pages_ = 0;  // at the end
  size_t count_ = 0;
  size_t own_count_ = 0;  // with kOwnData
  uint64_t evicted_ = 0;
};

}  // namespace umaya::named
