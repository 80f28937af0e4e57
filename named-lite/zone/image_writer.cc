#include "named-lite/zone/image_writer.h"

#include <algorithm>

#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr size_t kNodesPerBucket = 9;

size_t buckets_for(size_t nodes) {
  return std::max<size_t>(1, (nodes + kNodesPerBucket - 1) / kNodesPerBucket);
}

constexpr std::string_view kWildcard("\1*", 2);

}  // namespace

size_t ImageWriter::most_index_size(size_t nodes) {
  size_t buckets = buckets_for(nodes);
  return ZoneImage::kMark.size() + 2 * sizeof(Bucket) + buckets * sizeof(Bucket) +
         (buckets / ZoneImage::kPageBuckets + 2) * 4 + sizeof(ZoneImage::Header);
}

ImageWriter::ImageWriter(char* base, std::string_view apex) : base_(base), apex_(apex) {
  put(ZoneImage::kMark);
}

uint32_t ImageWriter::begin_node(const NodePlan& plan) {
  align(4);
  node_ = at_;
  name_ = plan.name;
  is_wildcard_ = name_.starts_with(kWildcard);
  std::string_view labels = name_.substr(0, name_.size() - apex_.size());
  Node node{plan.flags, static_cast<uint8_t>(labels.size()), plan.above, 0};
  bool mixed = plan.written_labels != labels;
  if (mixed) node.flags |= Node::kMixedCase;
  if (plan.children > 0) node.flags |= Node::kHasChildren;
  put({reinterpret_cast<const char*>(&node), sizeof node});
  put(labels);
  align(4);
  if (mixed) put(plan.written_labels);
  align(4);
  if (plan.children > 0) put({reinterpret_cast<const char*>(&plan.children), 4});
  return static_cast<uint32_t>(node_);
}

void ImageWriter::begin_sets(size_t count) {
  base_[node_ + offsetof(Node, rrset_count)] = static_cast<char>(count);
  entry_ = at_;
  at_ += count * sizeof(RrsetEntry);
}

uint32_t ImageWriter::begin_set(uint16_t type, uint32_t ttl, size_t records) {
  uint32_t targets = 0;
  if (target_offset(type) >= 0) {
    align(4);
    targets = position();
    at_ += 4 * records;
  }
  set_ = {type, static_cast<uint16_t>(std::min<size_t>(records, UINT16_MAX)), position(), 0};
  const char head[12] = {'\xC0',
                         '\x0C',
                         static_cast<char>(type >> 8),
                         static_cast<char>(type),
                         0,
                         rr_class::kIn,
                         static_cast<char>(ttl >> 24),
                         static_cast<char>(ttl >> 16),
                         static_cast<char>(ttl >> 8),
                         static_cast<char>(ttl),
                         0,
                         0};
  std::memcpy(head_, head, sizeof head);
  layout_ = type_layout(type);
  if (layout_.find('n') == std::string_view::npos) layout_ = {};
  return targets;
}

void ImageWriter::add_record(std::string_view rdata) {
  size_t start = at_;
  put({head_, sizeof head_});
  if (layout_.empty()) {
    put(rdata);
  } else {
    put_compressed(rdata);
  }
  size_t size = at_ - start - sizeof head_;
  base_[start + 10] = static_cast<char>(size >> 8);
  base_[start + 11] = static_cast<char>(size);
}

void ImageWriter::end_set() {
  set_.size = position() - set_.data;
  std::memcpy(base_ + entry_, &set_, sizeof set_);
  entry_ += sizeof set_;
}

void ImageWriter::end_node() {
  align(4);
}

/// Names are compressed against the owner at offset 12. A leading `*` label is never pointed to: in a synthesized
/// answer other labels stand there.
void ImageWriter::put_name(std::string_view name) {
  char lower[kMaxName];
  copy_lower(lower, name.data(), name.size());
  std::string_view rest(lower, name.size());
  std::string_view label = name_;  // the suffix of the owner that may be the same
  for (size_t at = 0; rest.size() > 1;) {
    while (label.size() > rest.size()) label = parent_of(label);
    bool whole_wildcard = is_wildcard_ && label.size() == name_.size();
    if (label == rest && !whole_wildcard) {
      auto pointer = static_cast<uint16_t>(0xC000 | (12 + name_.size() - rest.size()));
      const char octets[2] = {static_cast<char>(pointer >> 8), static_cast<char>(pointer)};
      return put({octets, 2});
    }
    size_t length = 1 + static_cast<size_t>(static_cast<unsigned char>(rest[0]));
    put(name.substr(at, length));
    at += length;
    rest.remove_prefix(length);
  }
  put(std::string_view("\0", 1));
}

void ImageWriter::put_compressed(std::string_view rdata) {
  size_t at = 0;
  for (char kind : layout_) {
    size_t size = 0;
    switch (kind) {
      case 'n': {
        size_t end = at;
        while (rdata[end] != 0) end += 1 + static_cast<size_t>(static_cast<unsigned char>(rdata[end]));
        put_name(rdata.substr(at, end + 1 - at));
        at = end + 1;
        continue;
      }
      case 'w':
        size = 2;
        break;
      case 'd':
      case 't':
        size = 4;
        break;
      default:
        size = rdata.size() - at;
        break;  // no compressible name follows other fields
    }
    put(rdata.substr(at, size));
    at += size;
  }
}

void ImageWriter::begin_index(size_t nodes, ZoneImage::Header& header) {
  align(sizeof(Bucket));
  bucket_count_ = buckets_for(nodes);
  buckets_ = reinterpret_cast<Bucket*>(base_ + at_);
  header.bucket_count = static_cast<uint32_t>(bucket_count_);
  at_ += bucket_count_ * sizeof(Bucket);
}

bool ImageWriter::enter(Bucket& bucket, uint8_t tag, uint32_t node) {
  for (size_t slot = 0; slot < Bucket::kSlots; ++slot) {
    if (bucket.tags[slot] != 0) continue;
    bucket.tags[slot] = tag;
    bucket.nodes[slot] = node;
    return true;
  }
  bucket.overflowed = 1;
  return false;
}

void ImageWriter::add_to_index(uint64_t hash, uint32_t node) {
  size_t number = (hash >> 32) * bucket_count_ >> 32;
  while (!enter(buckets_[number], ZoneImage::tag(hash), node)) {
    if (++number == bucket_count_) number = 0;
  }
}

void ImageWriter::end_index(ZoneImage::Header& header) {
  header.directory = position();
  auto first = static_cast<uint32_t>(reinterpret_cast<char*>(buckets_) - base_);
  for (size_t done = 0; done < bucket_count_; done += ZoneImage::kPageBuckets) {
    set_u32(position(), first + static_cast<uint32_t>(done * sizeof(Bucket)));
    at_ += 4;
  }
}

size_t ImageWriter::end_image(ZoneImage::Header header) {
  align(8);
  header.magic = ZoneImage::kMagic;
  header.version = ZoneImage::kVersion;
  header.size = static_cast<uint32_t>(at_ + sizeof header);
  header.apex_size = static_cast<uint32_t>(apex_.size());
  std::memset(header.apex_name, 0, sizeof header.apex_name);
  std::memcpy(header.apex_name, apex_.data(), apex_.size());
  put({reinterpret_cast<const char*>(&header), sizeof header});
  return at_;
}

void set_soa_fields(ZoneImage::Header& header, std::string_view soa, uint32_t ttl) {
  auto number = [&](size_t from_end) {
    uint32_t value;
    std::memcpy(&value, soa.data() + soa.size() - from_end, sizeof value);
    return __builtin_bswap32(value);
  };
  header.serial = number(20);
  header.negative_ttl = std::min(ttl, number(4));
}

}  // namespace umaya::named
