#include <vector>

#include "named-lite/dns/types.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

namespace {

/// Walks through an image whose header is sound.
class ImageCheck {
 public:
  explicit ImageCheck(const ZoneImage& image)
      : image_(image), base_(image.bytes().data()), end_(image.header().size - sizeof(ZoneImage::Header)) {}
  bool run();

 private:
  bool name(std::string_view wire, std::string_view apex) const;
  bool node(uint32_t offset);
  bool set(const Node& node, const RrsetEntry& entry);
  bool record(const Node& node, uint16_t type, std::string_view data, size_t at, size_t size) const;
  bool compressed_name(const Node& node, std::string_view rdata, size_t& at) const;
  bool flags(const Node& node) const;
  bool places() const;
  bool order() const;

  const ZoneImage& image_;
  const char* base_;
  size_t end_;  // of what nodes may use
  std::vector<bool> nodes_;
  std::vector<uint32_t> targets_;
  size_t count_ = 0;
};

/// Labels of 1 to 63 octets that end exactly here; apex: what follows them.
bool ImageCheck::name(std::string_view labels, std::string_view apex) const {
  if (labels.size() + apex.size() > kMaxName) return false;
  while (!labels.empty()) {
    size_t length = static_cast<unsigned char>(labels[0]);
    if (length == 0 || length > kMaxLabel || 1 + length > labels.size()) return false;
    for (size_t i = 1; i <= length; ++i) {
      if (labels[i] >= 'A' && labels[i] <= 'Z') return false;
    }
    labels.remove_prefix(1 + length);
  }
  return true;
}

bool ImageCheck::compressed_name(const Node& node, std::string_view rdata, size_t& at) const {
  OwnerName owner = image_.name(node);
  size_t size = 0;
  while (at < rdata.size()) {
    size_t length = static_cast<unsigned char>(rdata[at]);
    if (length >= 0xC0) {
      if (at + 2 > rdata.size()) return false;
      size_t target = (length & 0x3F) << 8 | static_cast<unsigned char>(rdata[at + 1]);
      at += 2;
      size_t label = 12;
      while (label < target && label - 12 + 1 < owner.size)
        label += 1 + static_cast<unsigned char>(owner.octets[label - 12]);
      return label == target && label - 12 + 1 < owner.size && size + owner.size - (target - 12) <= kMaxName;
    }
    if (length > kMaxLabel) return false;
    at += 1 + length;
    size += 1 + length;
    if (size > kMaxName) return false;
    if (length == 0) return at <= rdata.size();
  }
  return false;
}

bool ImageCheck::record(const Node& node, uint16_t type, std::string_view data, size_t at, size_t size) const {
  constexpr std::string_view kOwner("\xC0\x0C", 2);
  std::string_view head = data.substr(at, 12);
  if (!head.starts_with(kOwner) || static_cast<unsigned char>(head[2]) != type >> 8 ||
      static_cast<unsigned char>(head[3]) != (type & 0xFF)) {
    return false;
  }
  std::string_view rdata = data.substr(at + 12, size);
  size_t field = 0;
  for (char kind : type_layout(type)) {
    if (kind == 'n' || kind == 'N') {
      if (!compressed_name(node, rdata, field)) return false;
    } else if (kind == 'w' || kind == 'b' || kind == '4' || kind == '6' || kind == 'd' || kind == 't') {
      field += kind == 'w' ? 2 : kind == 'b' ? 1 : kind == '6' ? 16 : 4;
    } else {
      return true;  // nothing that readers walk over lies behind
    }
    if (field > rdata.size()) return false;
  }
  return type_layout(type).empty() || field == rdata.size();
}

bool ImageCheck::set(const Node& node, const RrsetEntry& entry) {
  if (entry.count == 0 || entry.data > end_ || entry.size > end_ - entry.data) return false;
  std::string_view data = image_.data(entry);
  size_t at = 0;
  for (size_t i = 0; i < entry.count; ++i) {
    if (data.size() - at < 12) return false;
    size_t size =
        static_cast<size_t>(static_cast<unsigned char>(data[at + 10])) << 8 | static_cast<unsigned char>(data[at + 11]);
    if (data.size() - at - 12 < size || !record(node, entry.type, data, at, size)) return false;
    at += 12 + size;
  }
  if (at != data.size()) return false;
  if (target_offset(entry.type) < 0) return true;
  size_t places = 4 * size_t{entry.count};
  if (entry.data < places || (entry.data - places) % 4 != 0) return false;
  for (size_t i = 0; i < entry.count; ++i) {
    uint32_t target;
    std::memcpy(&target, base_ + entry.data - places + 4 * i, sizeof target);
    if (target > ZoneImage::kMissing) targets_.push_back(target);
  }
  return true;
}

bool ImageCheck::flags(const Node& node) const {
  bool is_apex = &node == &image_.apex();
  return ((node.flags & Node::kCut) == 0 || node.find(type::kNs) != nullptr) &&
         ((node.flags & Node::kHasDname) == 0 || node.find(type::kDname) != nullptr) &&
         ((node.flags & Node::kHasCname) == 0 || node.find(type::kCname) != nullptr) &&
         (!is_apex || (node.find(type::kSoa) != nullptr && node.name_size == 0));
}

bool ImageCheck::node(uint32_t offset) {
  if (offset % 4 != 0 || offset < ZoneImage::kMark.size() || offset > end_ - sizeof(Node)) return false;
  if (nodes_[offset / 4]) return false;  // a name is there once
  nodes_[offset / 4] = true;
  ++count_;
  const Node& node = *image_.at(offset);
  size_t head = node.head_size();
  if (head > end_ - offset || node.rrset_count * sizeof(RrsetEntry) > end_ - offset - head) return false;
  if (!name(node.labels(), image_.apex_name())) return false;
  for (size_t i = 0; i < node.name_size; ++i) {
    char written = node.written_labels()[i];
    char lower;
    copy_lower(&lower, &written, 1);
    if (lower != node.labels()[i]) return false;
  }
  for (size_t i = 0; i < node.rrset_count; ++i) {
    if (!set(node, node.rrsets()[i])) return false;
  }
  return flags(node);
}

/// Each node is found by its name, and so is what its flags promise.
bool ImageCheck::places() const {
  for (size_t slot = 0; slot < nodes_.size(); ++slot) {
    if (!nodes_[slot]) continue;
    const Node& node = *image_.at(static_cast<uint32_t>(slot * 4));
    OwnerName name = image_.name(node);
    SuffixHashes hashes(name, image_.seed());
    uint64_t hash = hashes.hash(hashes.labels());
    if (image_.find(name, hash) != &node) return false;
    if ((node.flags & Node::kHasWildcard) != 0 && image_.wildcard(name, hash) == nullptr) return false;
    if (node.above == 0) continue;
    const Node* above = image_.above(node, hashes);
    if (above == nullptr || (above->flags & (Node::kCut | Node::kHasDname)) == 0) return false;
  }
  for (uint32_t target : targets_) {
    if (image_.header().changes == 0 && (target % 4 != 0 || target / 4 >= nodes_.size() || !nodes_[target / 4]))
      return false;
  }
  return true;
}

/// Going from node to node ends, and meets all of them.
bool ImageCheck::order() const {
  size_t met = 0;
  uint64_t cursor = 0;
  while (true) {
    // A compiled image is walked by size: each step must lead to a node that the index knows.
    size_t at = cursor == 0 ? ZoneImage::kMark.size() : cursor;
    bool by_size = image_.header().changes == 0 && at < image_.header().nodes_end;
    if (by_size && (at % 4 != 0 || at / 4 >= nodes_.size() || !nodes_[at / 4])) return false;
    uint64_t before = cursor;
    const Node* node = image_.next(cursor);
    if (node == nullptr) return met == count_;
    if (cursor <= before || ++met > count_) return false;
    if (met == 1 && node != &image_.apex()) return false;
  }
}

bool ImageCheck::run() {
  const ZoneImage::Header& header = image_.header();
  std::string_view apex(header.apex_name, header.apex_size);
  if (apex.back() != 0 || !name(apex.substr(0, apex.size() - 1), std::string_view("\0", 1))) return false;
  nodes_.assign(end_ / 4 + 1, false);
  bool apex_seen = false;
  for (size_t number = 0; number < header.bucket_count; ++number) {
    const Bucket& bucket = image_.bucket(number);
    for (size_t slot = 0; slot < Bucket::kSlots; ++slot) {
      if (bucket.tags[slot] == 0) continue;
      if (!node(bucket.nodes[slot])) return false;
      if (bucket.nodes[slot] == header.apex) apex_seen = true;
    }
  }
  return apex_seen && count_ == header.node_count && places() && order();
}

}  // namespace

bool ZoneImage::validate() const {
  return ImageCheck(*this).run();
}

}  // namespace umaya::named
