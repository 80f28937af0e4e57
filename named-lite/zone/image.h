// NAME    image - a zone in the form in which questions are answered from it
//
// SYNOPSIS
//     ZoneImage image = compile_zone(records, seed);
//     SuffixHashes hashes(lower_name, seed);
//     const Node* node = image.find(lower_name, hashes.hash(hashes.labels()));
//
// DESCRIPTION
//     One block of memory without pointers: everything refers by offset from its beginning, so that the block can be
//     written to a file and mapped again at any place. It holds
//         header | hash index of names | nodes, each with its RRset directory and its name | RRset data
//     A node is a name that exists: an owner of records, or an empty non-terminal above one (RFC 4592 2.2.2). `above`
//     leads to the topmost zone cut or DNAME on the way to the apex, `wildcard` to the child `*`.
//     RRset data are whole records in wire form whose owner is a pointer to offset 12, where the question stands in a
//     message, and whose names are compressed against that owner: the usual answer is one copy. Before the data
//     of types with a target lie the node offsets of the targets, for the additional section.
//
// OWNERSHIP
//     The image owns its memory; nodes and views are valid as long as it lives.
//
// LIMITS  4 GiB.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "named-lite/dns/name.h"
#include "named-lite/zone/records.h"

namespace umaya::named {

/// One RRset of a node.
struct RrsetEntry {
  uint16_t type;
  uint16_t count;
  uint32_t data;  ///< offset of the first record
  uint32_t size;  ///< octets of all records
};

/// One name; followed by rrset_count entries and the lower-case name.
struct Node {
  static constexpr uint8_t kCut = 1;       ///< a delegation: NS below the apex
  static constexpr uint8_t kHasDname = 2;  ///< what is below is redirected
  static constexpr uint8_t kHasCname = 4;

  uint32_t above;     ///< offset of the topmost cut (this node included) or DNAME above it; 0: none
  uint32_t wildcard;  ///< offset of the child `*`; 0: none
  uint16_t rrset_count;
  uint8_t flags;
  uint8_t name_size;

  const RrsetEntry* rrsets() const { return reinterpret_cast<const RrsetEntry*>(this + 1); }
  std::string_view name() const { return {reinterpret_cast<const char*>(rrsets() + rrset_count), name_size}; }
  /// The RRset of a type; nullptr when the node has none.
  const RrsetEntry* find(uint16_t type) const {
    for (const RrsetEntry* entry = rrsets(); entry != rrsets() + rrset_count; ++entry) {
      if (entry->type == type) return entry;
    }
    return nullptr;
  }
};

class ZoneImage {
 public:
  static constexpr uint32_t kMagic = 0x4D495A4E;  // "NZIM"
  static constexpr uint32_t kVersion = 1;

  struct Header {
    uint32_t magic;
    uint32_t version;
    uint64_t seed;
    uint32_t size;
    uint32_t slot_mask;
    uint32_t slots;
    uint32_t apex;
    uint32_t node_count;
    uint32_t record_count;
    uint32_t serial;
    uint32_t negative_ttl;  ///< the lesser of the SOA's TTL and its minimum (RFC 2308 3)
  };
  struct Slot {
    uint32_t tag;   ///< upper half of the hash
    uint32_t node;  ///< 0: free
  };

  explicit ZoneImage(std::string bytes);

  const Header& header() const { return *reinterpret_cast<const Header*>(base_); }
  const Node& apex() const { return *at(header().apex); }
  const Node* at(uint32_t offset) const { return reinterpret_cast<const Node*>(base_ + offset); }
  /// All nodes one after the other: the first (the apex), and the one behind a node, header().node_count in all.
  uint32_t first_node() const {
    return header().slots + (header().slot_mask + 1) * static_cast<uint32_t>(sizeof(Slot));
  }
  uint32_t node_after(const Node& node) const {
    size_t size = sizeof(Node) + node.rrset_count * sizeof(RrsetEntry) + node.name_size;
    return offset_of(node) + static_cast<uint32_t>((size + 3) & ~size_t{3});
  }
  uint32_t offset_of(const Node& node) const {
    return static_cast<uint32_t>(reinterpret_cast<const char*>(&node) - base_);
  }
  /// The node of a name in lower case; hash: SuffixHashes of that name with this image's seed.
  const Node* find(std::string_view name, uint64_t hash) const;
  /// Brings the slot of a hash near, for batches.
  void prefetch(uint64_t hash) const { __builtin_prefetch(slots() + (hash & header().slot_mask)); }
  std::string_view data(const RrsetEntry& entry) const { return {base_ + entry.data, entry.size}; }
  /// Node offset of the name in the data of record i of an NS, MX or SRV set; 0 when the zone does not hold it.
  uint32_t target(const RrsetEntry& entry, size_t i) const;
  size_t memory() const { return bytes_.size(); }

 private:
  const Slot* slots() const { return reinterpret_cast<const Slot*>(base_ + header().slots); }
  std::string bytes_;
  const char* base_;
};

/// Where the target name stands in the data of a type that asks for additional addresses; nothing for other types.
inline int target_offset(uint16_t type) {
  switch (type) {
    case 2:
      return 0;  // NS
    case 15:
      return 2;  // MX
    case 33:
      return 6;  // SRV
    default:
      return -1;
  }
}

/// Compiles the records at or below the apex; others are left out. An image may be served only when check_zone() found
/// no error: it relies on one SOA at the apex.
ZoneImage compile_zone(const RecordList& records, uint64_t seed);

}  // namespace umaya::named
