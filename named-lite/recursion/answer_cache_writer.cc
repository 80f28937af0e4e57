#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "libcommon/base/random.h"
#include "named-lite/dns/name.h"
#include "named-lite/recursion/answer_cache.h"

namespace umaya::named {

using namespace answer_cache;

namespace {

constexpr size_t kPageSize = 16384;
constexpr std::array<uint32_t, 10> kSizes{128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096};
constexpr uint32_t kMostPieces = kPageSize / kSizes[0];  // of a page
constexpr uint8_t kNoClass = 0xFF;
constexpr size_t kLeastSize = size_t{1} << 20;
constexpr size_t kOctetsForSlot = 256;  // of answers, so that slots do not become scarce first

Result<Fd> shared_memory(const char* name, size_t size) {
  Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return sys_error("memfd_create");
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return sys_error("answer cache");
  return fd;
}

/// The class whose pieces are just large enough.
size_t class_of(size_t size) {
  return static_cast<size_t>(std::lower_bound(kSizes.begin(), kSizes.end(), size) - kSizes.begin());
}

uint32_t slots_for(size_t octets) {
  uint32_t slots = kWays;
  while (slots < octets / kOctetsForSlot && slots < (1u << 26)) slots *= 2;
  return slots;
}

/// A change of a slot: readers that look at it meanwhile take nothing.
class SlotChange {
 public:
  explicit SlotChange(Slot& slot) : slot_(slot), sequence_(slot.sequence.load(std::memory_order_relaxed)) {
    slot_.sequence.store(sequence_ + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
  }
  SlotChange(const SlotChange&) = delete;
  SlotChange& operator=(const SlotChange&) = delete;
  ~SlotChange() { slot_.sequence.store(sequence_ + 2, std::memory_order_release); }

 private:
  Slot& slot_;
  uint32_t sequence_;
};

}  // namespace

Result<std::unique_ptr<AnswerCacheWriter>> AnswerCacheWriter::create(size_t octets) {
  octets = std::clamp<size_t>(octets, kLeastSize, size_t{UINT32_MAX} - kPageSize) / kPageSize * kPageSize;
  std::unique_ptr<AnswerCacheWriter> made(new AnswerCacheWriter);
  made->slots_ = slots_for(octets);
  made->data_ = static_cast<uint32_t>((slots_end(made->slots_) + kPageSize - 1) / kPageSize * kPageSize);
  UMAYA_TRY(made->cache_fd_, shared_memory("answers", octets));
  UMAYA_TRY(made->marks_fd_, shared_memory("answer-marks", made->slots_));
  UMAYA_TRY(made->cache_, map_shared(made->cache_fd_, PROT_READ | PROT_WRITE));
  UMAYA_TRY(made->marks_, map_shared(made->marks_fd_, PROT_READ | PROT_WRITE));
  // From now on others may map it to read only.
  if (::fcntl(made->cache_fd_.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) !=
          0 ||
      ::fcntl(made->marks_fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return sys_error("seal the answer cache");
  }
  made->seed_ = random_u64();
  Header header{kMagic, kVersion, made->slots_, made->data_, made->seed_};
  std::memcpy(made->cache_.data(), &header, sizeof header);
  auto pages = static_cast<uint32_t>((octets - made->data_) / kPageSize);
  made->unused_pages_ = pages;
  made->page_class_.assign(pages, kNoClass);
  made->pieces_.resize(size_t{pages} * kMostPieces);
  made->slot_piece_.assign(made->slots_, kNone);
  made->slot_traits_.assign(made->slots_, 0);
  made->classes_.resize(kSizes.size());
  return made;
}

Slot& AnswerCacheWriter::slot_at(uint32_t slot) const {
  return reinterpret_cast<Slot*>(cache_.data() + slots_offset(slots_))[slot];
}

Tag& AnswerCacheWriter::tag_at(uint32_t slot) const {
  return reinterpret_cast<Tag*>(cache_.data() + kTagsOffset)[slot];
}

std::atomic<uint8_t>& AnswerCacheWriter::mark_at(uint32_t slot) const {
  return reinterpret_cast<std::atomic<uint8_t>*>(marks_.data())[slot];
}

char* AnswerCacheWriter::piece_at(uint32_t piece) const {
  uint32_t page = piece / kMostPieces;
  size_t offset = size_t{page} * kPageSize + size_t{piece % kMostPieces} * kSizes[page_class_[page]];
  return cache_.data() + data_ + offset;
}

/// Forgets the answer of a slot; its piece is free.
void AnswerCacheWriter::drop(uint32_t slot) {
  uint32_t number = slot_piece_[slot];
  if (number == kNone) return;
  tag_at(slot).store(0, std::memory_order_relaxed);
  {
    Slot& shared = slot_at(slot);
    SlotChange change(shared);
    shared.expires.store(0, std::memory_order_relaxed);
  }
  // Readers that began before see the new number before they see what is written to the piece from now on.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  slot_piece_[slot] = kNone;
  if ((std::exchange(slot_traits_[slot], uint8_t{0}) & kOwnData) != 0) --own_count_;
  Piece& piece = pieces_[number];
  SizeClass& of = classes_[page_class_[number / kMostPieces]];
  if (of.hand == number) of.hand = piece.newer;
  (piece.newer != kNone ? pieces_[piece.newer].older : of.newest) = piece.older;
  (piece.older != kNone ? pieces_[piece.older].newer : of.oldest) = piece.newer;
  piece = {};
  of.free.push_back(number);
  --count_;
}

void AnswerCacheWriter::evict_one(SizeClass& of) {
  while (of.oldest != kNone) {
    if (of.hand == kNone) of.hand = of.oldest;
    const Piece& piece = pieces_[of.hand];
    if ((mark_at(piece.slot).load(std::memory_order_relaxed) & kUsed) == 0) break;
    mark_at(piece.slot).fetch_and(static_cast<uint8_t>(~kUsed), std::memory_order_relaxed);
    of.hand = piece.newer;
  }
  ++evicted_;
  drop(pieces_[of.hand].slot);
}

void AnswerCacheWriter::give_page(uint32_t page, size_t size_class) {
  page_class_[page] = static_cast<uint8_t>(size_class);
  SizeClass& of = classes_[size_class];
  ++of.pages;
  for (uint32_t i = 0; i < kPageSize / kSizes[size_class]; ++i) of.free.push_back(page * kMostPieces + i);
}

/// Takes a page from the class that has most of them.
uint32_t AnswerCacheWriter::empty_a_page() {
  auto richest = std::max_element(classes_.begin(), classes_.end(),
                                  [](const SizeClass& a, const SizeClass& b) { return a.pages < b.pages; });
  auto index = static_cast<uint8_t>(richest - classes_.begin());
  auto pages = static_cast<uint32_t>(page_class_.size());
  auto page = static_cast<uint32_t>(random_below(pages));
  while (page_class_[page] != index) page = (page + 1) % pages;
  for (uint32_t i = 0; i < kPageSize / kSizes[index]; ++i) {
    uint32_t slot = pieces_[page * kMostPieces + i].slot;
    if (slot == kNone) continue;
    ++evicted_;
    drop(slot);
  }
  std::erase_if(richest->free, [&](uint32_t piece) { return piece / kMostPieces == page; });
  --richest->pages;
  page_class_[page] = kNoClass;
  return page;
}

uint32_t AnswerCacheWriter::take_piece(size_t size_class) {
  SizeClass& of = classes_[size_class];
  if (of.free.empty() && unused_pages_ > 0) {
    give_page(static_cast<uint32_t>(page_class_.size()) - unused_pages_--, size_class);
  }
  // A class that has next to nothing gets a page of another one; else its own oldest answers go.
  if (of.free.empty() && of.pages <= page_class_.size() / 64) give_page(empty_a_page(), size_class);
  if (of.free.empty()) evict_one(of);
  uint32_t piece = of.free.back();
  of.free.pop_back();
  return piece;
}

bool AnswerCacheWriter::holds(uint32_t slot, const AnswerKey& key) const {
  if (slot_piece_[slot] == kNone) return false;
  const char* at = piece_at(slot_piece_[slot]);
  AnswerHead head;
  std::memcpy(&head, at, sizeof head);
  return head.type == key.type && head.view == key.view && (head.flags & ~kAuthentic) == flags_of(key) &&
         std::string_view(at + sizeof head, head.name_size) == key.name;
}

/// The slot of the key, or the one of its neighbours that is free or can best be spared.
uint32_t AnswerCacheWriter::slot_for(const AnswerKey& key, uint64_t hash) {
  auto first = static_cast<uint32_t>(hash) & (slots_ - 1) & ~static_cast<uint32_t>(kWays - 1);
  uint32_t best = first;
  uint64_t best_worth = UINT64_MAX;
  for (uint32_t slot = first; slot < first + kWays; ++slot) {
    if (holds(slot, key)) return slot;
    bool used = (mark_at(slot).load(std::memory_order_relaxed) & kUsed) != 0;
    uint64_t worth = slot_piece_[slot] == kNone
                         ? 0
                         : 1 + (uint64_t{used} << 32) + slot_at(slot).expires.load(std::memory_order_relaxed);
    if (worth >= best_worth) continue;
    best = slot;
    best_worth = worth;
  }
  if (slot_piece_[best] != kNone) ++evicted_;
  return best;
}

void AnswerCacheWriter::put(const AnswerKey& key, const RecursiveAnswer& answer, uint32_t now, uint32_t refresh) {
  uint64_t hash = hash_of(key, seed_);
  uint32_t number = slot_for(key, hash);
  drop(number);
  size_t size = sizeof(AnswerHead) + key.name.size() + 2 * answer.ttl_offsets.size() + answer.body.size();
  if (answer.ttl == 0 || size > kMostAnswerOctets) return;
  uint32_t piece = take_piece(class_of(size));
  AnswerHead head{answer.rcode,
                  {answer.counts[0], answer.counts[1], answer.counts[2]},
                  answer.extended_error,
                  static_cast<uint16_t>(answer.ttl_offsets.size()),
                  static_cast<uint16_t>(answer.body.size()),
                  key.type,
                  key.view,
                  static_cast<uint8_t>(flags_of(key) | (answer.authentic ? kAuthentic : 0)),
                  static_cast<uint8_t>(key.name.size())};
  char* at = piece_at(piece);
  std::memcpy(at, &head, sizeof head);
  at = std::copy(key.name.begin(), key.name.end(), at + sizeof head);
  for (uint16_t offset : answer.ttl_offsets) {
    std::memcpy(at, &offset, sizeof offset);
    at += sizeof offset;
  }
  std::copy(answer.body.begin(), answer.body.end(), at);
  mark_at(number).store(0, std::memory_order_relaxed);
  Slot& slot = slot_at(number);
  {
    SlotChange change(slot);
    slot.offset.store(static_cast<uint32_t>(piece_at(piece) - cache_.data()), std::memory_order_relaxed);
    slot.size.store(static_cast<uint32_t>(size), std::memory_order_relaxed);
    slot.stored.store(now, std::memory_order_relaxed);
    slot.expires.store(now + answer.ttl, std::memory_order_relaxed);
    slot.refresh.store(refresh, std::memory_order_relaxed);
  }
  tag_at(number).store(tag_of(hash), std::memory_order_release);
  slot_piece_[number] = piece;
  slot_traits_[number] =
      static_cast<uint8_t>((answer.has_aliases ? kAliases : 0) | (answer.has_own_data ? kOwnData : 0));
  if (answer.has_own_data) ++own_count_;
  SizeClass& of = classes_[page_class_[piece / kMostPieces]];
  pieces_[piece] = {number, kNone, of.newest};
  (of.newest != kNone ? pieces_[of.newest].newer : of.oldest) = piece;
  of.newest = piece;
  ++count_;
}

void AnswerCacheWriter::clear() {
  for (uint32_t slot = 0; slot < slots_; ++slot) drop(slot);
}

size_t AnswerCacheWriter::flush(std::string_view name, RrsetCache::Range range) {
  size_t flushed = 0;
  for (uint32_t slot = 0; slot < slots_; ++slot) {
    if (slot_piece_[slot] == kNone) continue;
    const char* at = piece_at(slot_piece_[slot]);
    AnswerHead head;
    std::memcpy(&head, at, sizeof head);
    std::string_view owner(at + sizeof head, head.name_size);
    bool asked = range == RrsetCache::Range::tree ? is_at_or_below(owner, name) : owner == name;
    if (asked) ++flushed;
    if (asked || (slot_traits_[slot] & kAliases) != 0) drop(slot);
  }
  return flushed;
}

void AnswerCacheWriter::flush_own() {
  for (uint32_t slot = 0; slot < slots_ && own_count_ > 0; ++slot) {
    if ((slot_traits_[slot] & kOwnData) != 0) drop(slot);
  }
}

size_t AnswerCacheWriter::octets() const {
  return (page_class_.size() - unused_pages_) * kPageSize;
}

}  // namespace umaya::named
