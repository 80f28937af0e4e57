#include <algorithm>
#include <unordered_set>
#include <vector>

#include "named-lite/dns/types.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

namespace {

/// A name while the image is being made.
struct BuildNode {
  std::string_view name;  // lower case
  uint64_t hash = 0;
  uint32_t parent = 0;  // index; the apex is its own parent
  uint32_t first = 0;   // its records: [first, first + count) of the sorted order
  uint32_t count = 0;
  uint32_t offset = 0;  // in the image
  uint32_t wildcard = UINT32_MAX;
  uint32_t above = UINT32_MAX;
  uint8_t flags = 0;
};

class Compiler {
 public:
  Compiler(const RecordList& records, uint64_t seed) : list_(records), seed_(seed) { grow(); }
  std::string build();

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  void collect_nodes();
  void sort_records();
  void drop_duplicates(BuildNode& node);
  void mark_cuts();
  uint32_t node_for(std::string_view lower);
  uint32_t insert(std::string_view name, uint64_t hash);
  uint32_t lookup(std::string_view name, uint64_t hash) const;
  void grow();
  void lay_out();
  void write_slots(std::string& out) const;
  void write_node(std::string& out, uint32_t index);
  void write_rrset(std::string& out, const BuildNode& node, size_t begin, size_t end, RrsetEntry& entry);
  void compress_rdata(std::string& out, const BuildNode& node, std::string_view layout, std::string_view rdata) const;
  void compress_name(std::string& out, const BuildNode& node, std::string_view name) const;
  uint32_t target_node(std::string_view rdata, uint16_t type) const;
  std::string_view keep(std::string_view name);

  const RecordList& list_;
  uint64_t seed_;
  std::vector<BuildNode> nodes_;
  std::vector<uint32_t> table_;   // node index + 1
  std::vector<uint32_t> owners_;  // node of each record
  std::vector<uint32_t> order_;   // records by node, then type
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_left_ = 0;
  char* block_at_ = nullptr;
  ZoneImage::Header header_{};
};

/// Copies a name to where it stays until the image is done.
std::string_view Compiler::keep(std::string_view name) {
  constexpr size_t kBlock = 1 << 20;
  if (name.size() > block_left_) {
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlock));
    block_at_ = blocks_.back().get();
    block_left_ = kBlock;
  }
  std::memcpy(block_at_, name.data(), name.size());
  std::string_view kept(block_at_, name.size());
  block_at_ += name.size();
  block_left_ -= name.size();
  return kept;
}

uint32_t Compiler::lookup(std::string_view name, uint64_t hash) const {
  size_t mask = table_.size() - 1;
  for (size_t i = hash & mask; table_[i] != 0; i = (i + 1) & mask) {
    const BuildNode& node = nodes_[table_[i] - 1];
    if (node.hash == hash && node.name == name) return table_[i] - 1;
  }
  return kNone;
}

void Compiler::grow() {
  table_.assign(table_.empty() ? 64 : table_.size() * 2, 0);
  size_t mask = table_.size() - 1;
  for (uint32_t n = 0; n < nodes_.size(); ++n) {
    size_t i = nodes_[n].hash & mask;
    while (table_[i] != 0) i = (i + 1) & mask;
    table_[i] = n + 1;
  }
}

uint32_t Compiler::insert(std::string_view name, uint64_t hash) {
  if ((nodes_.size() + 1) * 2 > table_.size()) grow();
  auto index = static_cast<uint32_t>(nodes_.size());
  BuildNode node;
  node.name = keep(name);
  node.hash = hash;
  nodes_.push_back(node);
  size_t mask = table_.size() - 1;
  size_t i = hash & mask;
  while (table_[i] != 0) i = (i + 1) & mask;
  table_[i] = index + 1;
  return index;
}

/// The node of a name, made together with the empty non-terminals above it.
uint32_t Compiler::node_for(std::string_view lower) {
  SuffixHashes hashes(lower, seed_);
  size_t labels = hashes.labels();
  size_t apex_labels = label_count(list_.apex().wire());
  uint32_t found = kNone;
  size_t have = labels + 1;
  while (found == kNone && have > apex_labels) {
    --have;
    found = lookup(hashes.suffix(have), hashes.hash(have));
  }
  for (size_t at = found == kNone ? apex_labels : have + 1; at <= labels; ++at) {
    uint32_t parent = found;
    found = insert(hashes.suffix(at), hashes.hash(at));
    nodes_[found].parent = parent == kNone ? found : parent;
    if (parent != kNone && nodes_[found].name.starts_with(std::string_view("\1*", 2))) nodes_[parent].wildcard = found;
  }
  return found;
}

void Compiler::collect_nodes() {
  char lower[kMaxName];
  copy_lower(lower, list_.apex().wire().data(), list_.apex().size());
  node_for({lower, list_.apex().size()});
  owners_.reserve(list_.records().size());
  const Record* before = nullptr;
  for (const Record& record : list_.records()) {
    uint32_t node = 0;
    if (before != nullptr && before->owner == record.owner) {
      node = owners_.back();
    } else {
      std::string_view owner = list_.owner(record);
      copy_lower(lower, owner.data(), owner.size());
      std::string_view name(lower, owner.size());
      node = is_at_or_below(name, list_.apex().wire()) ? node_for(name) : kNone;
    }
    owners_.push_back(node);
    if (node != kNone) ++nodes_[node].count;
    before = &record;
  }
}

void Compiler::sort_records() {
  uint32_t next = 0;
  for (BuildNode& node : nodes_) {
    node.first = next;
    next += node.count;
  }
  std::vector<uint32_t> cursor(nodes_.size());
  for (size_t n = 0; n < nodes_.size(); ++n) cursor[n] = nodes_[n].first;
  order_.resize(next);
  for (uint32_t r = 0; r < owners_.size(); ++r) {
    if (owners_[r] != kNone) order_[cursor[owners_[r]]++] = r;
  }
  for (BuildNode& node : nodes_) {
    if (node.count < 2) continue;
    auto begin = order_.begin() + node.first;
    std::stable_sort(begin, begin + node.count,
                     [&](uint32_t a, uint32_t b) { return list_.records()[a].type < list_.records()[b].type; });
    drop_duplicates(node);
  }
}

/// A record that is there twice counts once (RFC 2181 5).
void Compiler::drop_duplicates(BuildNode& node) {
  std::unordered_set<std::string_view> seen;
  uint32_t kept = node.first;
  for (uint32_t r = node.first; r < node.first + node.count; ++r) {
    const Record& record = list_.records()[order_[r]];
    if (r == node.first || record.type != list_.records()[order_[r - 1]].type) seen.clear();
    if (seen.insert(list_.rdata(record)).second) order_[kept++] = order_[r];
  }
  node.count = kept - node.first;
}

/// Parents stand before their children in nodes_, so one pass passes the cuts down.
void Compiler::mark_cuts() {
  for (uint32_t n = 0; n < nodes_.size(); ++n) {
    BuildNode& node = nodes_[n];
    for (uint32_t r = node.first; r < node.first + node.count; ++r) {
      uint16_t type = list_.records()[order_[r]].type;
      if (type == type::kNs && n != 0) node.flags |= Node::kCut;
      if (type == type::kDname) node.flags |= Node::kHasDname;
      if (type == type::kCname) node.flags |= Node::kHasCname;
    }
    if (n != 0) {
      const BuildNode& parent = nodes_[node.parent];
      node.above = parent.above;
      if (node.above == kNone && (parent.flags & Node::kHasDname) != 0) node.above = node.parent;
    }
    if (node.above == kNone && (node.flags & Node::kCut) != 0) node.above = n;
  }
}

size_t rrset_count(const RecordList& list, const std::vector<uint32_t>& order, const BuildNode& node) {
  size_t count = 0;
  for (uint32_t r = node.first; r < node.first + node.count; ++r) {
    if (r == node.first || list.records()[order[r]].type != list.records()[order[r - 1]].type) ++count;
  }
  return count;
}

constexpr uint32_t align4(uint32_t n) {
  return (n + 3) & ~3u;
}

void Compiler::lay_out() {
  uint32_t slots = 16;
  while (slots < nodes_.size() * 3 / 2) slots *= 2;
  header_.slots = align4(sizeof(ZoneImage::Header));
  header_.slot_mask = slots - 1;
  uint32_t at = header_.slots + slots * static_cast<uint32_t>(sizeof(ZoneImage::Slot));
  for (BuildNode& node : nodes_) {
    node.offset = at;
    at +=
        static_cast<uint32_t>(sizeof(Node) + rrset_count(list_, order_, node) * sizeof(RrsetEntry) + node.name.size());
    at = align4(at);
  }
  header_.size = at;
}

void Compiler::write_slots(std::string& out) const {
  auto* slots = reinterpret_cast<ZoneImage::Slot*>(out.data() + header_.slots);
  for (const BuildNode& node : nodes_) {
    uint32_t i = static_cast<uint32_t>(node.hash) & header_.slot_mask;
    while (slots[i].node != 0) i = (i + 1) & header_.slot_mask;
    slots[i] = {static_cast<uint32_t>(node.hash >> 32), node.offset};
  }
}

/// Names are compressed against the owner at offset 12. A leading `*` label is never pointed to: in a synthesized
/// answer other labels stand there.
void Compiler::compress_name(std::string& out, const BuildNode& node, std::string_view name) const {
  char lower[kMaxName];
  copy_lower(lower, name.data(), name.size());
  std::string_view rest(lower, name.size());
  size_t at = 0;
  while (rest.size() > 1) {
    if (rest.size() <= node.name.size() && node.name.ends_with(rest)) {
      size_t start = node.name.size() - rest.size();
      // The match must begin at a label of the owner.
      std::string_view label = node.name;
      while (label.size() > rest.size()) label = parent_of(label);
      bool whole_wildcard = start == 0 && node.name.starts_with(std::string_view("\1*", 2));
      if (label.size() == rest.size() && !whole_wildcard) {
        auto pointer = static_cast<uint16_t>(0xC000 | (12 + start));
        out.push_back(static_cast<char>(pointer >> 8));
        out.push_back(static_cast<char>(pointer));
        return;
      }
    }
    size_t length = 1 + static_cast<size_t>(static_cast<unsigned char>(rest[0]));
    out.append(name.substr(at, length));
    at += length;
    rest.remove_prefix(length);
  }
  out.push_back('\0');
}

void Compiler::compress_rdata(std::string& out, const BuildNode& node, std::string_view layout,
                              std::string_view rdata) const {
  size_t at = 0;
  for (char kind : layout) {
    size_t size = 0;
    switch (kind) {
      case 'n': {
        size_t end = at;
        while (rdata[end] != 0) end += 1 + static_cast<unsigned char>(rdata[end]);
        compress_name(out, node, rdata.substr(at, end + 1 - at));
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
    out.append(rdata.substr(at, size));
    at += size;
  }
}

uint32_t Compiler::target_node(std::string_view rdata, uint16_t type) const {
  std::string_view name = rdata.substr(static_cast<size_t>(target_offset(type)));
  char lower[kMaxName];
  copy_lower(lower, name.data(), name.size());
  std::string_view wire(lower, name.size());
  if (!is_at_or_below(wire, list_.apex().wire())) return 0;
  SuffixHashes hashes(wire, seed_);
  uint32_t index = lookup(wire, hashes.hash(hashes.labels()));
  return index == kNone ? 0 : nodes_[index].offset;
}

void Compiler::write_rrset(std::string& out, const BuildNode& node, size_t begin, size_t end, RrsetEntry& entry) {
  const Record& first = list_.records()[order_[begin]];
  entry.type = first.type;
  if (target_offset(first.type) >= 0) {
    out.resize(align4(static_cast<uint32_t>(out.size())));
    for (size_t r = begin; r < end; ++r) {
      uint32_t target = target_node(list_.rdata(list_.records()[order_[r]]), first.type);
      out.append(reinterpret_cast<const char*>(&target), sizeof target);
    }
  }
  entry.data = static_cast<uint32_t>(out.size());
  std::string_view layout = type_layout(first.type);
  bool compressible = layout.find('n') != std::string_view::npos;
  for (size_t r = begin; r < end; ++r) {
    const Record& record = list_.records()[order_[r]];
    // All records of a set carry one TTL (RFC 2181 5.2); the checker warned if they differ.
    char head[12] = {'\xC0',
                     '\x0C',
                     static_cast<char>(record.type >> 8),
                     static_cast<char>(record.type),
                     0,
                     1,
                     static_cast<char>(first.ttl >> 24),
                     static_cast<char>(first.ttl >> 16),
                     static_cast<char>(first.ttl >> 8),
                     static_cast<char>(first.ttl),
                     0,
                     0};
    size_t start = out.size();
    out.append(head, sizeof head);
    if (compressible) {
      compress_rdata(out, node, layout, list_.rdata(record));
    } else {
      out.append(list_.rdata(record));
    }
    size_t size = out.size() - start - sizeof head;
    out[start + 10] = static_cast<char>(size >> 8);
    out[start + 11] = static_cast<char>(size);
  }
  entry.count = static_cast<uint16_t>(std::min<size_t>(end - begin, UINT16_MAX));
  entry.size = static_cast<uint32_t>(out.size()) - entry.data;
}

void Compiler::write_node(std::string& out, uint32_t index) {
  const BuildNode& node = nodes_[index];
  Node head{};
  head.above = node.above == kNone ? 0 : nodes_[node.above].offset;
  head.wildcard = node.wildcard == kNone ? 0 : nodes_[node.wildcard].offset;
  head.flags = node.flags;
  head.name_size = static_cast<uint8_t>(node.name.size());
  uint32_t at = node.offset + static_cast<uint32_t>(sizeof head);
  for (uint32_t begin = node.first, end = begin; begin < node.first + node.count; begin = end) {
    uint16_t type = list_.records()[order_[begin]].type;
    while (end < node.first + node.count && list_.records()[order_[end]].type == type) ++end;
    RrsetEntry entry{};
    write_rrset(out, node, begin, end, entry);
    std::memcpy(out.data() + at, &entry, sizeof entry);
    at += static_cast<uint32_t>(sizeof entry);
    ++head.rrset_count;
  }
  std::memcpy(out.data() + at, node.name.data(), node.name.size());
  std::memcpy(out.data() + node.offset, &head, sizeof head);
}

std::string Compiler::build() {
  collect_nodes();
  sort_records();
  mark_cuts();
  lay_out();
  std::string out;
  out.reserve(header_.size + list_.records().size() * 24);
  out.resize(header_.size);
  write_slots(out);
  for (uint32_t n = 0; n < nodes_.size(); ++n) write_node(out, n);
  header_.magic = ZoneImage::kMagic;
  header_.version = ZoneImage::kVersion;
  header_.seed = seed_;
  header_.size = static_cast<uint32_t>(out.size());
  header_.apex = nodes_[0].offset;
  header_.node_count = static_cast<uint32_t>(nodes_.size());
  header_.record_count = static_cast<uint32_t>(list_.records().size());
  for (const Record& record : list_.records()) {
    if (record.type != type::kSoa || !same_name(list_.owner(record), list_.apex().wire())) continue;
    std::string_view tail = list_.rdata(record).substr(record.rdata_size - 20u);
    auto number = [&](size_t at) {
      uint32_t value;
      std::memcpy(&value, tail.data() + at, 4);
      return __builtin_bswap32(value);
    };
    header_.serial = number(0);
    header_.negative_ttl = std::min(record.ttl, number(16));
  }
  std::memcpy(out.data(), &header_, sizeof header_);
  out.shrink_to_fit();
  return out;
}

}  // namespace

ZoneImage compile_zone(const RecordList& records, uint64_t seed) {
  return ZoneImage(Compiler(records, seed).build());
}

}  // namespace umaya::named
