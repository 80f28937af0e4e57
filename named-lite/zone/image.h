// NAME    image - a zone in the form in which questions are answered from it
//
// SYNOPSIS
//     ZoneImage image = compile_zone(records, seed);
//     SuffixHashes hashes(lower_name, image.seed());
//     const Node* node = image.find(lower_name, hashes.hash(hashes.labels()));
//
// DESCRIPTION
//     One block of memory without pointers: everything refers by offset from its beginning, so that the block can lie
//     in a file or memfd and be mapped at any place by any process. It holds
//         mark | nodes, each with its name, its RRset directory and its RRset data | index of names | Header
//     A node is a name that exists: an owner of records, or an empty non-terminal above one (RFC 4592 2.2.2). It keeps
//     what its name has in front of the zone's name. The topmost zone cut or DNAME above it is told by its number of
//     labels, so that no node holds the place of another one but for the targets of NS, MX and SRV.
//     RRset data are whole records in wire form whose owner is a pointer to offset 12, where the question stands in a
//     message, and whose names are compressed against that owner: the usual answer is one copy.
//     The index is a hash table of buckets of one cache line, in pages that a directory lists: a later version of a
//     zone (change_image.h) shares all pages and nodes that did not change and ends with a Header of its own.
//
// OWNERSHIP
//     The image keeps its memory; nodes and views are valid as long as it lives.
//
// ERRORS
//     map() and adopt() refuse what is not an image of this version. They look at the header alone; validate() walks
//     through everything, for images that another program may have written.
//
// LIMITS  4 GiB; 255 types at one name.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "named-lite/dns/name.h"
#include "named-lite/zone/image_memory.h"
#include "named-lite/zone/records.h"

namespace umaya::named {

/// One RRset of a node.
struct RrsetEntry {
  uint16_t type;
  uint16_t count;
  uint32_t data;  ///< offset of the first record
  uint32_t size;  ///< octets of all records
};

/// One name. Behind it lie its labels in front of the zone's name (lower case, then as they were written when that
/// differs), the number of its children when it has any, its RRset directory, and the data.
struct Node {
  static constexpr uint8_t kCut = 1;       ///< a delegation: NS below the apex
  static constexpr uint8_t kHasDname = 2;  ///< what is below is redirected
  static constexpr uint8_t kHasCname = 4;
  static constexpr uint8_t kHasWildcard = 8;   ///< there is a child `*`
  static constexpr uint8_t kHasChildren = 16;  ///< some name lies below
  static constexpr uint8_t kMixedCase = 32;    ///< was written with capitals

  uint8_t flags;
  uint8_t name_size;  ///< octets in front of the zone's name
  uint8_t above;      ///< 1 + labels of the topmost cut (this node included) or DNAME above it; 0: none
  uint8_t rrset_count;

  static constexpr size_t padded(size_t size) { return (size + 3) & ~size_t{3}; }
  /// Lower case, without the zone's name and the root.
  std::string_view labels() const { return {reinterpret_cast<const char*>(this + 1), name_size}; }
  std::string_view written_labels() const {
    size_t skip = (flags & kMixedCase) != 0 ? padded(name_size) : 0;
    return {reinterpret_cast<const char*>(this + 1) + skip, name_size};
  }
  size_t head_size() const {
    size_t names = padded(name_size) * ((flags & kMixedCase) != 0 ? 2 : 1);
    return sizeof(Node) + names + ((flags & kHasChildren) != 0 ? 4 : 0);
  }
  /// Names right below this one.
  uint32_t children() const {
    if ((flags & kHasChildren) == 0) return 0;
    uint32_t count;
    std::memcpy(&count, reinterpret_cast<const char*>(this) + head_size() - 4, sizeof count);
    return count;
  }
  const RrsetEntry* rrsets() const {
    return reinterpret_cast<const RrsetEntry*>(reinterpret_cast<const char*>(this) + head_size());
  }
  /// The RRset of a type; nullptr when the node has none.
  const RrsetEntry* find(uint16_t type) const {
    const RrsetEntry* entry = rrsets();
    for (const RrsetEntry* end = entry + rrset_count; entry != end; ++entry) {
      if (entry->type == type) return entry;
    }
    return nullptr;
  }
};

/// A node's name in wire form.
struct OwnerName {
  uint8_t size = 0;
  char octets[kMaxName];
  operator std::string_view() const { return {octets, size}; }
};

/// One cache line of the index.
struct alignas(64) Bucket {
  static constexpr size_t kSlots = 12;
  uint8_t tags[kSlots];    ///< of the nodes; 0: free
  uint8_t overflowed;      ///< some name found no room here: look into the next bucket, too
  uint8_t unused[3];       ///< 0
  uint32_t nodes[kSlots];  ///< offsets
};

class ZoneImage;
/// Shared: a snapshot of before a reload, a transfer under way and another view may all hold on to one image.
using ImagePtr = std::shared_ptr<const ZoneImage>;

class ZoneImage {
 public:
  static constexpr uint32_t kMagic = 0x4D495A4E;  // "NZIM"
  static constexpr uint32_t kVersion = 2;
  static constexpr size_t kPageBuckets = 64;
  /// An image begins with its mark, so that the offset 0 is no node.
  static constexpr std::string_view kMark = "umaya zone image";

  /// The last octets of an image.
  struct Header {
    uint32_t magic;
    uint32_t version;
    uint64_t seed;
    uint32_t size;          ///< of the image, this header included
    uint32_t directory;     ///< offsets of the pages of the index
    uint32_t bucket_count;  ///< the last page may hold fewer than kPageBuckets
    uint32_t apex;
    uint32_t apex_size;  ///< octets of the zone's name
    uint32_t nodes_end;  ///< compiled nodes lie from the mark to here
    uint32_t node_count;
    uint32_t record_count;
    uint32_t serial;
    uint32_t negative_ttl;  ///< the lesser of the SOA's TTL and its minimum (RFC 2308 3)
    uint32_t changes;       ///< how many changes were applied since it was compiled
    uint32_t garbage;       ///< octets that this version does not need any more
    uint32_t faults;        ///< kTooLarge, kTooManyTypes
    uint32_t unused;        ///< 0
    char apex_name[256];    ///< lower case
  };
  static constexpr uint32_t kTooLarge = 1, kTooManyTypes = 2;

  /// How many octets stay free behind a large zone for its changes; what is not touched takes no memory.
  static constexpr uint64_t room_for_changes(uint64_t size) {
    constexpr uint64_t kLeast = 4 << 20;
    constexpr uint64_t kMost = UINT32_MAX;
    return size < ImageMemory::kLarge ? 0 : std::min(std::max(size / 2, kLeast), kMost - std::min(size, kMost));
  }

  /// For who has just written an image into the first octets of memory; everybody else uses adopt() or map().
  ZoneImage(std::shared_ptr<const ImageMemory> memory, size_t size);
  /// An image that lies in the first octets of memory.
  static Result<ImagePtr> adopt(std::shared_ptr<const ImageMemory> memory, size_t size);
  /// An image in an open file or memfd (see ImageMemory::map); the descriptor may be closed afterwards.
  static Result<ImagePtr> map(int fd, uint64_t offset, size_t size);

  const Header& header() const { return *header_; }
  uint64_t seed() const { return header_->seed; }
  /// The whole image: what map() needs.
  std::string_view bytes() const { return {base_, header_->size}; }
  /// The memory that it lies in; its fd(), when there is one, holds bytes() from offset 0.
  const ImageMemory& memory() const { return *memory_; }
  const std::shared_ptr<const ImageMemory>& shared_memory() const { return memory_; }

  const Node& apex() const { return *at(header_->apex); }
  /// Lower case, wire form.
  std::string_view apex_name() const { return {header_->apex_name, apex_size_}; }
  const Node* at(uint32_t offset) const { return reinterpret_cast<const Node*>(base_ + offset); }
  uint32_t offset_of(const Node& node) const {
    return static_cast<uint32_t>(reinterpret_cast<const char*>(&node) - base_);
  }
  /// Octets of a node's whole name.
  size_t name_size(const Node& node) const { return node.name_size + apex_size_; }
  /// A node's whole name in lower case.
  OwnerName name(const Node& node) const { return joined(node.labels(), apex_name()); }
  /// As it was written in the zone, but for the zone's own name.
  OwnerName written_name(const Node& node) const { return joined(node.written_labels(), apex_name()); }
  /// Whether this is the node's name; name: lower case, at or below the apex.
  bool is_name(const Node& node, std::string_view name) const {
    return name.size() == name_size(node) && std::memcmp(node.labels().data(), name.data(), node.name_size) == 0;
  }

  /// The node of a name in lower case at or below the apex; hash: SuffixHashes of that name with this image's seed.
  const Node* find(std::string_view name, uint64_t hash) const;
  /// The child `*` of a node that has one; name, hash: the node's.
  const Node* wildcard(std::string_view name, uint64_t hash) const;
  /// The node that `above` of a node tells; hashes: of a name at or below that node. nullptr: none.
  const Node* above(const Node& node, const SuffixHashes& hashes) const {
    return node.above == 0 ? nullptr : find_above(node, hashes);
  }
  /// Brings the index of a hash near, and then the node that it leads to, for batches.
  void prefetch(uint64_t hash) const { __builtin_prefetch(&bucket(home(hash))); }
  void prefetch_node(uint64_t hash) const;

  /// All nodes, the apex first: begin with a cursor of 0; nullptr at the end.
  const Node* next(uint64_t& cursor) const;

  std::string_view data(const RrsetEntry& entry) const { return {base_ + entry.data, entry.size}; }
  /// Before the data of a set with targets lies an offset for each: 0 is outside of the zone, kMissing a name that the
  /// zone could have but has not.
  static constexpr uint32_t kMissing = 1;
  /// The node that record i of an NS, MX or SRV set names; nullptr when the zone does not hold it.
  const Node* target(const Node& owner, const RrsetEntry& entry, size_t i) const;
  /// A name in the data of a set, from data[at] on, in wire form without compression.
  Name expand(const Node& owner, std::string_view data, size_t at) const;

  /// Whether every offset leads to a well-formed thing inside of the image.
  bool validate() const;

  // For whoever writes images.
  size_t home(uint64_t hash) const { return (hash >> 32) * header_->bucket_count >> 32; }
  static uint8_t tag(uint64_t hash) {
    auto low = static_cast<uint8_t>(hash);
    return low != 0 ? low : 1;
  }
  const Bucket& bucket(size_t number) const {
    uint32_t page = directory_[number / kPageBuckets];
    return reinterpret_cast<const Bucket*>(base_ + page)[number % kPageBuckets];
  }

 private:
  const Node* find_above(const Node& node, const SuffixHashes& hashes) const;
  static OwnerName joined(std::string_view labels, std::string_view apex);
  template <class IsName>
  uint32_t probe(uint64_t hash, IsName is_name) const;

  std::shared_ptr<const ImageMemory> memory_;
  const char* base_;
  const Header* header_;
  const uint32_t* directory_;
  size_t apex_size_;
};

/// Where the target name stands in the data of a type that asks for additional addresses; -1 for other types.
inline int target_offset(uint16_t type) {
  switch (type) {
    case 2:  // NS
    case 3:  // MD
    case 4:  // MF
    case 7:  // MB
      return 0;
    case 15:  // MX
    case 18:  // AFSDB
    case 21:  // RT
    case 36:  // KX
    case 64:  // SVCB
    case 65:  // HTTPS
      return 2;
    case 33:  // SRV
      return 6;
    default:
      return -1;
  }
}
/// That name alone, in the data of a record; empty when it is none.
inline std::string_view target_name(uint16_t type, std::string_view rdata) {
  std::string_view rest = rdata.substr(std::min(rdata.size(), static_cast<size_t>(target_offset(type))));
  return rest.substr(0, wire_name_size(rest));
}

/// Compiles the records at or below the apex; others are left out. An image may be served only when check_zone() found
/// no error: it relies on one SOA at the apex. nodes: where to put the offset of each record's node, 0 for what was
/// left out.
ZoneImage compile_zone(const RecordList& records, uint64_t seed, std::vector<uint32_t>* nodes = nullptr);

}  // namespace umaya::named
