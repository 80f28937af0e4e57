#include "named-lite/zone/image.h"

#include <algorithm>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace umaya::named {

namespace {

/// Bit n is set when slot n has this tag.
uint32_t slots_with(const Bucket& bucket, uint8_t tag) {
  constexpr uint32_t kAll = (1u << Bucket::kSlots) - 1;
#ifdef __SSE2__
  __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(&bucket));
  __m128i same = _mm_cmpeq_epi8(tags, _mm_set1_epi8(static_cast<char>(tag)));
  return static_cast<uint32_t>(_mm_movemask_epi8(same)) & kAll;
#else
  uint32_t found = 0;
  for (uint32_t i = 0; i < Bucket::kSlots; ++i) found |= static_cast<uint32_t>(bucket.tags[i] == tag) << i;
  return found & kAll;
#endif
}

Result<> check_header(const ImageMemory& memory, size_t size) {
  constexpr size_t kLeast = ZoneImage::kMark.size() + sizeof(Node) + sizeof(Bucket) + sizeof(ZoneImage::Header);
  if (size < kLeast || size > memory.capacity() || size > UINT32_MAX || size % 8 != 0 ||
      std::memcmp(memory.data(), ZoneImage::kMark.data(), ZoneImage::kMark.size()) != 0) {
    return permanent("this is not the image of a zone");
  }
  size_t body = size - sizeof(ZoneImage::Header);
  ZoneImage::Header header;
  std::memcpy(&header, memory.data() + body, sizeof header);
  if (header.magic != ZoneImage::kMagic || header.version != ZoneImage::kVersion || header.size != size) {
    return permanent("the image of the zone is of another version or cut off");
  }
  uint64_t pages = (uint64_t{header.bucket_count} + ZoneImage::kPageBuckets - 1) / ZoneImage::kPageBuckets;
  bool sound = header.bucket_count > 0 && header.directory % 4 == 0 && header.directory + pages * 4 <= body &&
               header.apex % 4 == 0 && header.apex >= ZoneImage::kMark.size() && header.apex + sizeof(Node) <= body &&
               header.nodes_end <= body && header.apex_size > 0 && header.apex_size <= kMaxName;
  for (uint64_t page = 0; sound && page < pages; ++page) {
    uint32_t offset;
    std::memcpy(&offset, memory.data() + header.directory + page * 4, sizeof offset);
    uint64_t buckets =
        std::min<uint64_t>(ZoneImage::kPageBuckets, header.bucket_count - page * ZoneImage::kPageBuckets);
    sound = offset % sizeof(Bucket) == 0 && offset + buckets * sizeof(Bucket) <= body;
  }
  if (!sound) return permanent("the image of the zone is damaged");
  return {};
}

}  // namespace

ZoneImage::ZoneImage(std::shared_ptr<const ImageMemory> memory, size_t size)
    : memory_(std::move(memory)),
      base_(memory_->data()),
      header_(reinterpret_cast<const Header*>(base_ + size - sizeof(Header))),
      directory_(reinterpret_cast<const uint32_t*>(base_ + header_->directory)),
      apex_size_(header_->apex_size) {}

Result<ImagePtr> ZoneImage::adopt(std::shared_ptr<const ImageMemory> memory, size_t size) {
  UMAYA_CHECK(check_header(*memory, size));
  return std::make_shared<const ZoneImage>(std::move(memory), size);
}

Result<ImagePtr> ZoneImage::map(int fd, uint64_t offset, size_t size) {
  UMAYA_TRY(std::shared_ptr<const ImageMemory> memory, ImageMemory::map(fd, offset, size));
  return adopt(std::move(memory), size);
}

OwnerName ZoneImage::joined(std::string_view labels, std::string_view apex) {
  OwnerName name;
  std::memcpy(name.octets, labels.data(), labels.size());
  std::memcpy(name.octets + labels.size(), apex.data(), apex.size());
  name.size = static_cast<uint8_t>(labels.size() + apex.size());
  return name;
}

/// The offset of the node with this hash for which is_name() holds; 0 when there is none.
template <class IsName>
uint32_t ZoneImage::probe(uint64_t hash, IsName is_name) const {
  size_t number = home(hash);
  uint8_t wanted = tag(hash);
  for (size_t seen = 0; seen < header_->bucket_count; ++seen) {
    const Bucket& here = bucket(number);
    for (uint32_t found = slots_with(here, wanted); found != 0; found &= found - 1) {
      uint32_t offset = here.nodes[__builtin_ctz(found)];
      if (is_name(*at(offset))) return offset;
    }
    if (here.overflowed == 0) return 0;
    if (++number == header_->bucket_count) number = 0;
  }
  return 0;
}

const Node* ZoneImage::find(std::string_view name, uint64_t hash) const {
  size_t size = name.size() - apex_size_;
  uint32_t offset = probe(hash, [&](const Node& node) {
    return node.name_size == size && std::memcmp(node.labels().data(), name.data(), size) == 0;
  });
  return offset != 0 ? at(offset) : nullptr;
}

const Node* ZoneImage::wildcard(std::string_view name, uint64_t hash) const {
  constexpr std::string_view kLabel("\1*", 2);
  std::string_view rest = name.substr(0, name.size() - apex_size_);
  uint32_t offset = probe(SuffixHashes::child(hash, kLabel), [&](const Node& node) {
    std::string_view labels = node.labels();
    return labels.starts_with(kLabel) && labels.substr(kLabel.size()) == rest;
  });
  return offset != 0 ? at(offset) : nullptr;
}

const Node* ZoneImage::find_above(const Node& node, const SuffixHashes& hashes) const {
  if (node.above - 1u > hashes.labels()) return nullptr;
  size_t labels = node.above - 1u;
  std::string_view name = hashes.suffix(labels);
  if (name.size() < apex_size_) return nullptr;
  return find(name, hashes.hash(labels));
}

void ZoneImage::prefetch_node(uint64_t hash) const {
  const Bucket& here = bucket(home(hash));
  uint32_t found = slots_with(here, tag(hash));
  if (found == 0) return;
  const char* node = base_ + here.nodes[__builtin_ctz(found)];
  __builtin_prefetch(node);
  __builtin_prefetch(node + 64);
}

/// Compiled images: in the order of the file. Changed ones: the apex, then in the order of the index.
const Node* ZoneImage::next(uint64_t& cursor) const {
  if (header_->changes == 0) {
    if (cursor == 0) cursor = kMark.size();
    if (cursor >= header_->nodes_end) return nullptr;
    const Node* node = at(static_cast<uint32_t>(cursor));
    const RrsetEntry* last = node->rrsets() + node->rrset_count;
    size_t end = static_cast<size_t>(reinterpret_cast<const char*>(last) - base_);
    if (node->rrset_count > 0) end = size_t{last[-1].data} + last[-1].size;
    cursor = Node::padded(end);
    return node;
  }
  if (cursor == 0) {
    cursor = 1;
    return &apex();
  }
  for (; cursor <= uint64_t{header_->bucket_count} * Bucket::kSlots; ++cursor) {
    const Bucket& here = bucket((cursor - 1) / Bucket::kSlots);
    size_t slot = (cursor - 1) % Bucket::kSlots;
    if (here.tags[slot] == 0 || here.nodes[slot] == header_->apex) continue;
    ++cursor;
    return at(here.nodes[slot]);
  }
  return nullptr;
}

Name ZoneImage::expand(const Node& owner, std::string_view data, size_t at) const {
  char wire[2 * kMaxName];
  size_t size = 0;
  while (true) {
    auto length = static_cast<unsigned char>(data[at]);
    if (length >= 0xC0) {
      size_t from = (static_cast<size_t>(length & 0x3F) << 8 | static_cast<unsigned char>(data[at + 1])) - 12;
      OwnerName name = this->name(owner);
      std::memcpy(wire + size, name.octets + from, name.size - from);
      size += name.size - from;
      break;
    }
    std::memcpy(wire + size, data.data() + at, 1 + static_cast<size_t>(length));
    size += 1 + static_cast<size_t>(length);
    at += 1 + static_cast<size_t>(length);
    if (length == 0) break;
  }
  return Name::from_wire({wire, size});
}

const Node* ZoneImage::target(const Node& owner, const RrsetEntry& entry, size_t i) const {
  uint32_t offset;
  std::memcpy(&offset, base_ + entry.data - 4 * (entry.count - i), sizeof offset);
  if (offset == 0) return nullptr;
  if (header_->changes == 0) return offset != kMissing ? at(offset) : nullptr;
  // A change may have moved, made or removed the node.
  std::string_view data = this->data(entry);
  size_t record = 0;
  for (; i > 0; --i) {
    record += 12 + (static_cast<size_t>(static_cast<unsigned char>(data[record + 10])) << 8 |
                    static_cast<unsigned char>(data[record + 11]));
  }
  Name name = expand(owner, data, record + 12 + static_cast<size_t>(target_offset(entry.type))).lower();
  SuffixHashes hashes(name.wire(), seed());
  return find(name.wire(), hashes.hash(hashes.labels()));
}

}  // namespace umaya::named
