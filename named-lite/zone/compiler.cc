#include <algorithm>
#include <array>
#include <unordered_set>
#include <vector>

#include "named-lite/dns/types.h"
#include "named-lite/zone/image_writer.h"

namespace umaya::named {

namespace {

/// A name while the image is being made.
struct BuildNode {
  std::string_view name;  // lower case, whole
  uint64_t hash = 0;
  uint32_t parent = 0;  // index; the apex is its own parent
  uint32_t first = 0;   // its records: [first, first + count) of the sorted order
  uint32_t count = 0;
  uint32_t offset = 0;  // in the image
  uint32_t children = 0;
  uint32_t written = 0;  // index of a record that spells the name, +1
  uint8_t above = 0;     // as in Node
  uint8_t labels = 0;
  uint8_t flags = 0;
};

class Compiler {
 public:
  Compiler(const RecordList& records, uint64_t seed) : list_(records), seed_(seed) {
    copy_lower(apex_, records.apex().wire().data(), records.apex().size());
    size_t size = 64;
    while (size < records.records().size() * 2) size *= 2;
    grow(size);
  }
  std::shared_ptr<ImageMemory> build();
  size_t size() const { return size_; }
  /// The offset of each record's node; 0: outside of the zone.
  std::vector<uint32_t> nodes_of_records() const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  std::string_view apex() const { return {apex_, list_.apex().size()}; }
  void collect_nodes();
  void sort_records();
  void drop_duplicates(BuildNode& node);
  void mark_cuts();
  uint32_t node_for(const SuffixHashes& hashes, uint32_t record);
  uint32_t insert(std::string_view name, uint64_t hash);
  uint32_t lookup(std::string_view name, uint64_t hash) const;
  void grow(size_t size);
  uint64_t most_size() const;
  void write_nodes(ImageWriter& out);
  void write_node(ImageWriter& out, BuildNode& node);
  void write_targets(ImageWriter& out) const;
  std::string_view written_labels(const BuildNode& node) const;
  uint32_t target_node(std::string_view rdata, uint16_t type) const;
  void fill_header();
  std::string_view keep(std::string_view name);

  /// Of the table of names: the tag saves most looks at nodes that are others.
  struct Slot {
    uint32_t tag;
    uint32_t node;  // index + 1; 0: free
  };

  /// Where the place of a target is to be written once it is known.
  struct Target {
    uint32_t at;
    uint32_t record;
  };

  const RecordList& list_;
  uint64_t seed_;
  char apex_[kMaxName];
  size_t apex_labels_ = 0;
  std::vector<BuildNode> nodes_;
  std::vector<Slot> table_;
  std::vector<uint32_t> owners_;  // node of each record
  std::vector<uint32_t> order_;   // records by node, then type
  std::vector<Target> targets_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_left_ = 0;
  char* block_at_ = nullptr;
  ZoneImage::Header header_{};
  size_t size_ = 0;
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
  auto tag = static_cast<uint32_t>(hash >> 32);
  for (size_t i = hash & mask; table_[i].node != 0; i = (i + 1) & mask) {
    if (table_[i].tag != tag) continue;
    const BuildNode& node = nodes_[table_[i].node - 1];
    if (node.hash == hash && node.name == name) return table_[i].node - 1;
  }
  return kNone;
}

void Compiler::grow(size_t size) {
  table_.assign(size, {0, 0});
  size_t mask = size - 1;
  for (uint32_t n = 0; n < nodes_.size(); ++n) {
    size_t i = nodes_[n].hash & mask;
    while (table_[i].node != 0) i = (i + 1) & mask;
    table_[i] = {static_cast<uint32_t>(nodes_[n].hash >> 32), n + 1};
  }
}

uint32_t Compiler::insert(std::string_view name, uint64_t hash) {
  if ((nodes_.size() + 1) * 3 / 2 > table_.size()) grow(table_.size() * 2);
  auto index = static_cast<uint32_t>(nodes_.size());
  BuildNode node;
  node.name = keep(name);
  node.hash = hash;
  nodes_.push_back(node);
  size_t mask = table_.size() - 1;
  size_t i = hash & mask;
  while (table_[i].node != 0) i = (i + 1) & mask;
  table_[i] = {static_cast<uint32_t>(hash >> 32), index + 1};
  return index;
}

/// The node of a name, made together with the empty non-terminals above it.
uint32_t Compiler::node_for(const SuffixHashes& hashes, uint32_t record) {
  size_t labels = hashes.labels();
  size_t apex_labels = apex_labels_;
  uint32_t found = kNone;
  size_t have = labels + 1;
  while (found == kNone && have > apex_labels) {
    --have;
    found = lookup(hashes.suffix(have), hashes.hash(have));
  }
  for (size_t at = found == kNone ? apex_labels : have + 1; at <= labels; ++at) {
    uint32_t parent = found;
    found = insert(hashes.suffix(at), hashes.hash(at));
    BuildNode& node = nodes_[found];
    node.labels = static_cast<uint8_t>(at);
    node.parent = parent == kNone ? found : parent;
    node.written = record;
    if (parent == kNone) continue;
    ++nodes_[parent].children;
    if (node.name.starts_with(std::string_view("\1*", 2))) nodes_[parent].flags |= Node::kHasWildcard;
  }
  return found;
}

/// Names are hashed some ahead of being looked up, so that memory has time to bring what the table says of them.
void Compiler::collect_nodes() {
  constexpr size_t kAhead = 16;
  apex_labels_ = label_count(apex());
  node_for(SuffixHashes(apex(), seed_), 0);
  const std::vector<Record>& records = list_.records();
  owners_.reserve(records.size());
  nodes_.reserve(records.size() / 2);
  std::array<std::array<char, kMaxName>, kAhead> lower;
  std::vector<SuffixHashes> hashes;
  hashes.reserve(kAhead);
  for (size_t begin = 0; begin < records.size(); begin += kAhead) {
    size_t end = std::min(begin + kAhead, records.size());
    hashes.clear();
    for (size_t r = begin; r < end; ++r) {
      if (r > 0 && records[r].owner == records[r - 1].owner) continue;
      std::string_view owner = list_.owner(records[r]);
      char* to = lower[hashes.size()].data();
      copy_lower(to, owner.data(), owner.size());
      hashes.emplace_back(std::string_view(to, owner.size()), seed_);
      __builtin_prefetch(&table_[hashes.back().hash(hashes.back().labels()) & (table_.size() - 1)]);
    }
    size_t next = 0;
    for (size_t r = begin; r < end; ++r) {
      bool again = r > 0 && records[r].owner == records[r - 1].owner;
      uint32_t node = again ? owners_.back() : kNone;
      if (!again) {
        const SuffixHashes& name = hashes[next++];
        if (is_at_or_below(name.suffix(name.labels()), apex())) node = node_for(name, static_cast<uint32_t>(r) + 1);
      }
      owners_.push_back(node);
      if (node != kNone) ++nodes_[node].count;
    }
  }
}

void Compiler::sort_records() {
  uint32_t next = 0;
  for (BuildNode& node : nodes_) {
    node.first = next;
    next += node.count;
    node.count = 0;
  }
  order_.resize(next);
  for (uint32_t r = 0; r < owners_.size(); ++r) {
    if (owners_[r] == kNone) continue;
    BuildNode& node = nodes_[owners_[r]];
    order_[node.first + node.count++] = r;
  }
  for (BuildNode& node : nodes_) {
    if (node.count < 2) continue;
    auto begin = order_.begin() + node.first;
    auto less = [&](uint32_t a, uint32_t b) { return list_.records()[a].type < list_.records()[b].type; };
    if (!std::is_sorted(begin, begin + node.count, less)) std::stable_sort(begin, begin + node.count, less);
    drop_duplicates(node);
  }
}

/// A record that is there twice counts once (RFC 2181 5).
void Compiler::drop_duplicates(BuildNode& node) {
  constexpr uint32_t kFew = 8;
  std::unordered_set<std::string_view> seen;
  uint32_t kept = node.first;
  uint32_t set = node.first;  // where the set at hand begins among what is kept
  for (uint32_t r = node.first; r < node.first + node.count; ++r) {
    const Record& record = list_.records()[order_[r]];
    if (kept == node.first || record.type != list_.records()[order_[kept - 1]].type) {
      seen.clear();
      set = kept;
    }
    std::string_view data = list_.rdata(record);
    bool again = false;
    if (node.count <= kFew) {
      for (uint32_t k = set; k < kept && !again; ++k) again = list_.rdata(list_.records()[order_[k]]) == data;
    } else {
      again = !seen.insert(data).second;
    }
    if (!again) order_[kept++] = order_[r];
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
      if (node.above == 0 && (parent.flags & Node::kHasDname) != 0)
        node.above = static_cast<uint8_t>(parent.labels + 1);
    }
    if (node.above == 0 && (node.flags & Node::kCut) != 0) node.above = static_cast<uint8_t>(node.labels + 1);
  }
}

/// More octets than the image can have.
uint64_t Compiler::most_size() const {
  uint64_t size = ImageWriter::most_index_size(nodes_.size());
  for (const BuildNode& node : nodes_) size += ImageWriter::kMostNodeHead + 2 * node.name.size();
  for (const Record& record : list_.records()) size += ImageWriter::kMostRecordHead + record.rdata_size;
  return size;
}

/// As the first record that has the name wrote it.
std::string_view Compiler::written_labels(const BuildNode& node) const {
  if (node.written == 0) return node.name.substr(0, node.name.size() - apex().size());
  std::string_view owner = list_.owner(list_.records()[node.written - 1]);
  owner.remove_prefix(owner.size() - node.name.size());
  return owner.substr(0, node.name.size() - apex().size());
}

uint32_t Compiler::target_node(std::string_view rdata, uint16_t type) const {
  std::string_view name = target_name(type, rdata);
  if (name.empty()) return 0;
  char lower[kMaxName];
  copy_lower(lower, name.data(), name.size());
  std::string_view wire(lower, name.size());
  if (!is_at_or_below(wire, apex())) return 0;
  SuffixHashes hashes(wire, seed_);
  uint32_t index = lookup(wire, hashes.hash(hashes.labels()));
  return index == kNone ? ZoneImage::kMissing : nodes_[index].offset;
}

void Compiler::write_node(ImageWriter& out, BuildNode& node) {
  node.offset = out.begin_node({.name = node.name,
                                .written_labels = written_labels(node),
                                .flags = node.flags,
                                .above = node.above,
                                .children = node.children});
  uint32_t end = node.first + node.count;
  size_t sets = 0;
  for (uint32_t r = node.first; r < end; ++r) {
    if (r == node.first || list_.records()[order_[r]].type != list_.records()[order_[r - 1]].type) ++sets;
  }
  if (sets > ImageWriter::kMostTypes) {
    header_.faults |= ZoneImage::kTooManyTypes;
    sets = 0;
    end = node.first;
  }
  out.begin_sets(sets);
  for (uint32_t r = node.first, after = r; r < end; r = after) {
    uint16_t type = list_.records()[order_[r]].type;
    while (after < end && list_.records()[order_[after]].type == type) ++after;
    // All records of a set carry one TTL (RFC 2181 5.2); the checker warned if they differ.
    uint32_t targets = out.begin_set(type, list_.records()[order_[r]].ttl, after - r);
    for (uint32_t i = r; i < after; ++i) {
      if (targets != 0) targets_.push_back({targets + 4 * (i - r), order_[i]});
      out.add_record(list_.rdata(list_.records()[order_[i]]));
    }
    out.end_set();
  }
  out.end_node();
}

void Compiler::write_nodes(ImageWriter& out) {
  for (BuildNode& node : nodes_) write_node(out, node);
  header_.nodes_end = out.position();
  for (const Target& each : targets_) {
    const Record& record = list_.records()[each.record];
    out.set_u32(each.at, target_node(list_.rdata(record), record.type));
  }
  out.begin_index(nodes_.size(), header_);
  constexpr size_t kAhead = 12;
  for (size_t n = 0; n < nodes_.size(); ++n) {
    if (n + kAhead < nodes_.size()) out.prefetch_index(nodes_[n + kAhead].hash);
    out.add_to_index(nodes_[n].hash, nodes_[n].offset);
  }
  out.end_index(header_);
}

void Compiler::fill_header() {
  header_.seed = seed_;
  header_.apex = nodes_[0].offset;
  header_.node_count = static_cast<uint32_t>(nodes_.size());
  header_.record_count = static_cast<uint32_t>(list_.records().size());
  for (const Record& record : list_.records()) {
    if (record.type != type::kSoa || !same_name(list_.owner(record), apex())) continue;
    set_soa_fields(header_, list_.rdata(record), record.ttl);
    break;
  }
}

std::vector<uint32_t> Compiler::nodes_of_records() const {
  std::vector<uint32_t> offsets(owners_.size());
  for (size_t r = 0; r < owners_.size(); ++r) offsets[r] = owners_[r] == kNone ? 0 : nodes_[owners_[r]].offset;
  return offsets;
}

std::shared_ptr<ImageMemory> Compiler::build() {
  collect_nodes();
  uint64_t most = most_size();
  if (most > UINT32_MAX - ImageWriter::kMostRecordHead) {
    // Nothing of it is kept, so that the image is a small one that says what is wrong.
    nodes_.resize(1);
    std::fill(owners_.begin(), owners_.end(), kNone);
    nodes_[0].count = nodes_[0].children = 0;
    nodes_[0].flags = 0;
    grow(64);
    header_.faults |= ZoneImage::kTooLarge;
    most = ImageWriter::most_index_size(1) + ImageWriter::kMostNodeHead + 2 * kMaxName;
  }
  sort_records();
  mark_cuts();
  most += ZoneImage::room_for_changes(most);
  auto memory = ImageMemory::create(static_cast<size_t>(most));
  ImageWriter out(memory->writable(), apex());
  write_nodes(out);
  fill_header();
  size_ = out.end_image(header_);
  return memory;
}

}  // namespace

ZoneImage compile_zone(const RecordList& records, uint64_t seed, std::vector<uint32_t>* nodes) {
  Compiler compiler(records, seed);
  std::shared_ptr<ImageMemory> memory = compiler.build();
  if (nodes != nullptr) *nodes = compiler.nodes_of_records();
  memory->claim(0, compiler.size());
  return ZoneImage(std::move(memory), compiler.size());
}

}  // namespace umaya::named
