// NAME    sieve_map - a table from octets to octets that never holds more than so many of them
//
// SYNOPSIS
//     SieveMap map(64 << 20);
//     map.put(key, value);
//     if (auto found = map.find(key); found.data()) …
//
// DESCRIPTION
//     What is thrown out when there is no more room is chosen by SIEVE: a hand goes from the oldest entry to the
//     newest, spares once each entry that was looked up since the hand passed, and drops the first that was not. New
//     entries go to the young end. Each entry is one block of memory; what the allocator really gives and the table
//     itself are counted.
//
// OWNERSHIP
//     A span that find() or put() gives is valid until the next put(), erase() or clear(). It may be written to.
//
// ERRORS
//     A value larger than a sixteenth of the whole is not kept; put() then gives nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace umaya::named {

class SieveMap {
 public:
  explicit SieveMap(size_t most_bytes);
  SieveMap(const SieveMap&) = delete;
  SieveMap& operator=(const SieveMap&) = delete;
  ~SieveMap() { clear(); }

  /// The value; a span without data when there is none. Counts as a use of the entry.
  std::span<char> find(std::string_view key);
  /// Puts or replaces a value. key: at most 65535 octets.
  std::span<char> put(std::string_view key, std::string_view value);
  bool erase(std::string_view key);
  void clear();
  /// Visits all entries, oldest first; those for which keep gives false are erased.
  using Keep = std::function<bool(std::string_view key, std::span<char> value)>;
  void filter(const Keep& keep);

  size_t size() const { return size_; }
  /// Octets of memory in use.
  size_t bytes() const { return bytes_ + table_.capacity() * sizeof(Entry*); }
  uint64_t evicted() const { return evicted_; }

 private:
  struct Entry {
    Entry* next;  // in the same slot of the table
    Entry* newer;
    Entry* older;
    uint64_t hash;
    uint32_t value_size;
    uint16_t key_size;
    bool visited;
    alignas(8) char octets[8];  // value, then key

    std::span<char> value() { return {octets, value_size}; }
    std::string_view key() const { return {octets + value_size, key_size}; }
  };
  Entry** slot_of(std::string_view key, uint64_t hash);
  void unlink(Entry* entry);
  void release(Entry** slot);
  void make_room(size_t needed);
  void grow();

  size_t most_bytes_;
  uint64_t seed_;
  std::vector<Entry*> table_;  // a power of two of slots
  Entry* newest_ = nullptr;
  Entry* oldest_ = nullptr;
  Entry* hand_ = nullptr;
  size_t size_ = 0;
  size_t bytes_ = 0;
  uint64_t evicted_ = 0;
};

}  // namespace umaya::named
