#include "named-lite/recursion/sieve_map.h"

#include <malloc.h>

#include <cstddef>
#include <cstdlib>

#include "libcommon/base/random.h"
#include "named-lite/recursion/hash.h"

namespace umaya::named {

namespace {

constexpr size_t kFirstSlots = 64;
constexpr size_t kBlockOverhead = 8;  // what the allocator keeps in front of a block
constexpr size_t kRounding = 16;      // and to what it rounds up

}  // namespace

SieveMap::SieveMap(size_t most_bytes) : most_bytes_(most_bytes), seed_(random_u64()), table_(kFirstSlots, nullptr) {}

SieveMap::Entry** SieveMap::slot_of(std::string_view key, uint64_t hash) {
  Entry** slot = &table_[hash & (table_.size() - 1)];
  while (*slot != nullptr && ((*slot)->hash != hash || (*slot)->key() != key)) slot = &(*slot)->next;
  return slot;
}

std::span<char> SieveMap::find(std::string_view key) {
  Entry* entry = *slot_of(key, hash_octets(key, seed_));
  if (entry == nullptr) return {};
  entry->visited = true;
  return entry->value();
}

void SieveMap::unlink(Entry* entry) {
  if (hand_ == entry) hand_ = entry->newer;
  (entry->newer != nullptr ? entry->newer->older : newest_) = entry->older;
  (entry->older != nullptr ? entry->older->newer : oldest_) = entry->newer;
}

void SieveMap::release(Entry** slot) {
  Entry* entry = *slot;
  *slot = entry->next;
  unlink(entry);
  bytes_ -= malloc_usable_size(entry) + kBlockOverhead;
  --size_;
  std::free(entry);
}

void SieveMap::make_room(size_t needed) {
  while (oldest_ != nullptr && bytes() + needed > most_bytes_) {
    if (hand_ == nullptr) hand_ = oldest_;
    if (hand_->visited) {
      hand_->visited = false;
      hand_ = hand_->newer;
      continue;
    }
    ++evicted_;
    release(slot_of(hand_->key(), hand_->hash));
  }
}

void SieveMap::grow() {
  std::vector<Entry*> larger(table_.size() * 2, nullptr);
  for (Entry* entry = oldest_; entry != nullptr; entry = entry->newer) {
    Entry** slot = &larger[entry->hash & (larger.size() - 1)];
    entry->next = *slot;
    *slot = entry;
  }
  table_.swap(larger);
}

std::span<char> SieveMap::put(std::string_view key, std::string_view value) {
  uint64_t hash = hash_octets(key, seed_);
  Entry** slot = slot_of(key, hash);
  bool used = false;
  if (*slot != nullptr) {
    used = (*slot)->visited;
    release(slot);
  }
  size_t size = offsetof(Entry, octets) + key.size() + value.size();
  if (key.size() > UINT16_MAX || size > most_bytes_ / 16) return {};
  if (size_ >= table_.size() && bytes() + table_.size() * sizeof(Entry*) <= most_bytes_) grow();
  make_room(size + kBlockOverhead + kRounding);
  auto* entry = static_cast<Entry*>(std::malloc(size < sizeof(Entry) ? sizeof(Entry) : size));
  if (entry == nullptr) return {};
  *entry = {nullptr, nullptr, newest_, hash, static_cast<uint32_t>(value.size()), static_cast<uint16_t>(key.size()),
            used,    {}};
  value.copy(entry->octets, value.size());
  key.copy(entry->octets + value.size(), key.size());
  (newest_ != nullptr ? newest_->newer : oldest_) = entry;
  newest_ = entry;
  slot = &table_[hash & (table_.size() - 1)];
  entry->next = *slot;
  *slot = entry;
  bytes_ += malloc_usable_size(entry) + kBlockOverhead;
  ++size_;
  return entry->value();
}

bool SieveMap::erase(std::string_view key) {
  Entry** slot = slot_of(key, hash_octets(key, seed_));
  if (*slot == nullptr) return false;
  release(slot);
  return true;
}

void SieveMap::clear() {
  while (oldest_ != nullptr) {
    Entry* entry = oldest_;
    oldest_ = entry->newer;
    std::free(entry);
  }
  newest_ = hand_ = nullptr;
  size_ = bytes_ = 0;
  table_.assign(kFirstSlots, nullptr);
  table_.shrink_to_fit();
}

void SieveMap::filter(const Keep& keep) {
  for (Entry* entry = oldest_; entry != nullptr;) {
    Entry* next = entry->newer;
    if (!keep(entry->key(), entry->value())) release(slot_of(entry->key(), entry->hash));
    entry = next;
  }
}

}  // namespace umaya::named
