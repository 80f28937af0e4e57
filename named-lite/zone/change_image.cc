#include "named-lite/zone/change_image.h"

#include <algorithm>
#include <map>
#include <set>

#include "named-lite/dns/types.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/zone/image_records.h"
#include "named-lite/zone/image_writer.h"
#include "named-lite/zone/index_pages.h"

namespace umaya::named {

namespace {

std::string describe(const ZoneRecord& record) {
  return name_text(record.owner) + " " + type_text(record.type);
}

/// A name that changes, as it will be.
struct Edit {
  const Node* before = nullptr;
  std::string written;  ///< wire form, as in the zone
  std::vector<ZoneRecord> records;
  int64_t children = 0;
  uint64_t hash = 0;
  uint32_t offset = 0;  ///< of the new node
  uint8_t labels = 0;
  uint8_t above = 0;
  uint8_t flags = 0;

  bool exists() const { return !records.empty() || children > 0; }
};

/// By name in lower case.
using Edits = std::map<std::string, Edit, std::less<>>;

class Change {
 public:
  Change(const ZoneImage& before, const ZoneChange& change) : before_(before), change_(change) {}

  /// What becomes of the names in question.
  Result<> prepare();
  /// False when a change of a cut or DNAME concerns names that are not in question.
  bool is_local();
  Result<ImagePtr> rebuild() const;
  /// nullptr when there is no room left.
  ImagePtr append();

 private:
  Result<> check_serials() const;
  Edit& edit_of(std::string_view lower);
  Result<> remove(const ZoneRecord& record);
  Result<> add(const ZoneRecord& record);
  bool inside(const ZoneRecord& record) const { return is_at_or_below(record.owner, before_.apex_name()); }
  void grow_tree();
  void prune_tree();
  void set_flags();
  uint64_t most_size() const;
  void write_node(ImageWriter& out, const std::string& name, Edit& edit);
  void write_targets(ImageWriter& out) const;
  bool write_index(IndexPages& pages) const;
  void finish_header(ZoneImage::Header& header, const IndexPages& pages) const;

  struct Target {
    uint32_t at;
    std::string_view rdata;
    uint16_t type;
  };

  const ZoneImage& before_;
  const ZoneChange& change_;
  Edits edits_;
  std::vector<Target> targets_;
  int64_t records_ = 0;  // more than before
};

Edit& Change::edit_of(std::string_view lower) {
  auto at = edits_.find(lower);
  if (at != edits_.end()) return at->second;
  Edit edit;
  SuffixHashes hashes(lower, before_.seed());
  edit.hash = hashes.hash(hashes.labels());
  edit.labels = static_cast<uint8_t>(hashes.labels());
  edit.before = before_.find(lower, edit.hash);
  edit.written = lower;
  if (edit.before != nullptr) {
    edit.written = std::string_view(before_.written_name(*edit.before));
    edit.records = records_at(before_, *edit.before);
    edit.children = edit.before->children();
    edit.flags = edit.before->flags;
    edit.above = edit.before->above;
  }
  return edits_.emplace(lower, std::move(edit)).first->second;
}

Result<> Change::remove(const ZoneRecord& record) {
  if (!inside(record)) return permanent(describe(record) + " is outside of the zone");
  auto& records = edit_of(lower_of(record.owner)).records;
  auto at = std::find_if(records.begin(), records.end(), [&](const ZoneRecord& each) {
    return each.type == record.type && same_rdata(record.type, each.rdata, record.rdata);
  });
  if (at == records.end()) {
    return permanent(describe(record) + " is to be removed, and is not there");
  }
  records.erase(at);
  --records_;
  return {};
}

Result<> Change::add(const ZoneRecord& record) {
  if (!inside(record)) return permanent(describe(record) + " is outside of the zone");
  Edit& edit = edit_of(lower_of(record.owner));
  for (const ZoneRecord& each : edit.records) {
    if (each.type == record.type && same_rdata(record.type, each.rdata, record.rdata)) {
      return permanent(describe(record) + " is to be added, and is there already");
    }
  }
  // RFC 2181 5.2: the records of a set have one TTL, that of what came last.
  for (ZoneRecord& each : edit.records) {
    if (each.type == record.type) each.ttl = record.ttl;
  }
  if (edit.before == nullptr && edit.records.empty()) edit.written = record.owner;
  edit.records.push_back(record);
  ++records_;
  return {};
}

/// Names that come need those above them.
void Change::grow_tree() {
  std::vector<std::string> made;
  for (const auto& [name, edit] : edits_) {
    if (edit.before == nullptr && !edit.records.empty()) made.push_back(name);
  }
  std::set<std::string> known(made.begin(), made.end());
  for (size_t i = 0; i < made.size(); ++i) {
    std::string name = made[i];
    std::string above(parent_of(name));
    std::string written = edits_.find(name)->second.written;
    Edit& parent = edit_of(above);
    ++parent.children;
    if (parent.before != nullptr || !known.insert(above).second) continue;
    if (parent.records.empty()) parent.written = parent_of(written);
    made.push_back(above);
  }
}

/// Names without records and children go, and perhaps those above them.
void Change::prune_tree() {
  std::vector<std::string> names;
  for (const auto& [name, edit] : edits_) names.push_back(name);
  std::set<std::string> gone;
  for (std::string name : names) {
    while (name.size() > before_.apex_name().size()) {
      const Edit& edit = edits_.find(name)->second;
      if (edit.before == nullptr || edit.exists() || !gone.insert(name).second) break;
      name = parent_of(name);
      --edit_of(name).children;
    }
  }
}

/// From above to below, so that a name knows what stands above it.
void Change::set_flags() {
  constexpr std::string_view kWildcard("\1*", 2);
  std::vector<std::pair<size_t, std::string_view>> order;
  for (const auto& [name, edit] : edits_) order.emplace_back(edit.labels, name);
  std::sort(order.begin(), order.end());
  for (const auto& [labels, name] : order) {
    Edit& edit = edits_.find(name)->second;
    bool is_apex = name == before_.apex_name();
    edit.flags = static_cast<uint8_t>(edit.flags & Node::kHasWildcard);
    for (const ZoneRecord& record : edit.records) {
      if (record.type == type::kNs && !is_apex) edit.flags |= Node::kCut;
      if (record.type == type::kDname) edit.flags |= Node::kHasDname;
      if (record.type == type::kCname) edit.flags |= Node::kHasCname;
    }
    if (is_apex) continue;
    // A parent is in question when this name is new; else it told before what it tells now (see is_local()).
    std::string_view above = parent_of(name);
    auto parent = edits_.find(above);
    if (parent != edits_.end()) {
      edit.above = parent->second.above;
      if (edit.above == 0 && (parent->second.flags & Node::kHasDname) != 0) edit.above = static_cast<uint8_t>(labels);
      if (name.starts_with(kWildcard)) {
        parent->second.flags = static_cast<uint8_t>(parent->second.flags & ~Node::kHasWildcard);
        if (edit.exists()) parent->second.flags |= Node::kHasWildcard;
      }
    } else if (edit.above == labels + 1) {
      edit.above = 0;  // its own cut, which may go
    }
    if (edit.above == 0 && (edit.flags & Node::kCut) != 0) edit.above = static_cast<uint8_t>(labels + 1);
  }
}

bool Change::is_local() {
  constexpr uint8_t kKinds = Node::kCut | Node::kHasDname;
  return std::all_of(edits_.begin(), edits_.end(), [&](const auto& each) {
    const Edit& edit = each.second;
    if (edit.before == nullptr || edit.before->children() == 0) return true;
    return (edit.before->flags & kKinds) == (edit.flags & kKinds);
  });
}

/// The change leads from this version to one with the serial that it says, and puts one SOA in the place of another.
Result<> Change::check_serials() const {
  if (change_.from_serial != before_.header().serial) {
    return permanent("the change begins at serial " + std::to_string(change_.from_serial) + ", the zone has " +
                     std::to_string(before_.header().serial));
  }
  std::string_view apex = before_.apex_name();
  auto is_soa = [](const ZoneRecord& each) { return each.type == type::kSoa; };
  for (const auto* records : {&change_.removed, &change_.added}) {
    auto soa = std::find_if(records->begin(), records->end(), is_soa);
    bool one = std::count_if(records->begin(), records->end(), is_soa) == 1 && same_name(soa->owner, apex);
    if (!one) return permanent("the change does not put one SOA in the place of another");
    if (records == &change_.added && soa_serial(soa->rdata) != change_.to_serial) {
      return permanent("the change's serial is not that of its SOA");
    }
  }
  return {};
}

Result<> Change::prepare() {
  UMAYA_CHECK(check_serials());
  for (const ZoneRecord& record : change_.removed) UMAYA_CHECK(remove(record));
  for (const ZoneRecord& record : change_.added) UMAYA_CHECK(add(record));
  for (auto& [name, edit] : edits_) {
    std::stable_sort(edit.records.begin(), edit.records.end(),
                     [](const ZoneRecord& a, const ZoneRecord& b) { return a.type < b.type; });
  }
  grow_tree();
  prune_tree();
  set_flags();
  return {};
}

Result<ImagePtr> Change::rebuild() const {
  RecordList list(Name::from_wire(before_.apex_name()));
  uint16_t file = list.add_file({});
  auto put = [&](const std::vector<ZoneRecord>& records, std::string_view owner) {
    if (records.empty() || list.is_full()) return;
    list.set_owner(owner);
    for (const ZoneRecord& each : records) list.add(each.type, each.ttl, each.rdata, file, 0, 0);
  };
  uint64_t cursor = 0;
  while (const Node* node = before_.next(cursor)) {
    auto edit = edits_.find(std::string_view(before_.name(*node)));
    if (edit == edits_.end()) {
      if (!list.is_full()) add_records(before_, *node, list, file);
    } else {
      put(edit->second.records, edit->second.written);
    }
  }
  for (const auto& [name, edit] : edits_) {
    if (edit.before == nullptr) put(edit.records, edit.written);
  }
  if (list.is_full()) return permanent("the zone would be larger than 4 GiB");
  auto image = std::make_shared<const ZoneImage>(compile_zone(list, before_.seed()));
  if (image->header().faults != 0) return permanent("the zone would be larger than 4 GiB, or one name have 256 types");
  return image;
}

uint64_t Change::most_size() const {
  uint64_t pages = (before_.header().bucket_count + ZoneImage::kPageBuckets - 1) / ZoneImage::kPageBuckets;
  constexpr uint64_t kPage = ZoneImage::kPageBuckets * sizeof(Bucket);
  uint64_t size = sizeof(ZoneImage::Header) + 64 + pages * 4;
  for (const auto& [name, edit] : edits_) {
    size += ImageWriter::kMostNodeHead + 2 * name.size() + 2 * kPage;
    for (const ZoneRecord& each : edit.records) size += ImageWriter::kMostRecordHead + each.rdata.size();
  }
  return size;
}

void Change::write_node(ImageWriter& out, const std::string& name, Edit& edit) {
  std::string_view written = edit.written;
  uint32_t start = out.begin_node({.name = name,
                                   .written_labels = written.substr(0, name.size() - before_.apex_name().size()),
                                   .flags = edit.flags,
                                   .above = edit.above,
                                   .children = static_cast<uint32_t>(edit.children)});
  const std::vector<ZoneRecord>& records = edit.records;
  size_t sets = 0;
  for (size_t r = 0; r < records.size(); ++r) sets += r == 0 || records[r].type != records[r - 1].type;
  out.begin_sets(sets);
  for (size_t r = 0, after = 0; r < records.size(); r = after) {
    while (after < records.size() && records[after].type == records[r].type) ++after;
    uint32_t targets = out.begin_set(records[r].type, records[r].ttl, after - r);
    for (size_t i = r; i < after; ++i) {
      if (targets != 0)
        targets_.push_back({targets + static_cast<uint32_t>(4 * (i - r)), records[i].rdata, records[i].type});
      out.add_record(records[i].rdata);
    }
    out.end_set();
  }
  out.end_node();
  edit.offset = start;
}

/// Names of the zone are looked for when an answer needs them: see ZoneImage::target().
void Change::write_targets(ImageWriter& out) const {
  for (const Target& each : targets_) {
    std::string_view name = target_name(each.type, each.rdata);
    if (!name.empty() && is_at_or_below(name, before_.apex_name())) out.set_u32(each.at, ZoneImage::kMissing);
  }
}

/// False when there is no room for the pages.
bool Change::write_index(IndexPages& pages) const {
  for (const auto& [name, edit] : edits_) {
    uint32_t former = edit.before != nullptr ? before_.offset_of(*edit.before) : 0;
    bool stays = edit.exists() || name == before_.apex_name();
    if (!pages.exchange(edit.hash, former, stays ? edit.offset : 0)) return false;
  }
  return true;
}

void Change::finish_header(ZoneImage::Header& header, const IndexPages& pages) const {
  int64_t nodes = 0;
  uint64_t garbage = pages.garbage() + sizeof(ZoneImage::Header);
  for (const auto& [name, edit] : edits_) {
    bool stays = edit.exists() || name == before_.apex_name();
    nodes += (stays ? 1 : 0) - (edit.before != nullptr ? 1 : 0);
    if (edit.before == nullptr) continue;
    const RrsetEntry* last = edit.before->rrsets() + edit.before->rrset_count;
    uint32_t end = edit.before->rrset_count > 0
                       ? last[-1].data + last[-1].size
                       : static_cast<uint32_t>(reinterpret_cast<const char*>(last) - before_.bytes().data());
    garbage += end - before_.offset_of(*edit.before);
  }
  const Edit* apex = nullptr;
  if (auto at = edits_.find(before_.apex_name()); at != edits_.end()) apex = &at->second;
  header.node_count = static_cast<uint32_t>(header.node_count + nodes);
  header.record_count = static_cast<uint32_t>(header.record_count + records_);
  header.changes = before_.header().changes + 1;
  header.garbage = static_cast<uint32_t>(std::min<uint64_t>(header.garbage + garbage, UINT32_MAX));
  if (apex == nullptr) return;
  header.apex = apex->offset;
  for (const ZoneRecord& each : apex->records) {
    if (each.type == type::kSoa) set_soa_fields(header, each.rdata, each.ttl);
  }
}

ImagePtr Change::append() {
  // A fuller index would lead through long chains.
  constexpr uint64_t kMostPerBucket = Bucket::kSlots - 1;
  uint64_t nodes = uint64_t{before_.header().node_count} + edits_.size();
  if (nodes > uint64_t{before_.header().bucket_count} * kMostPerBucket) return nullptr;
  for (const auto& [name, edit] : edits_) {
    std::set<uint16_t> types;
    for (const ZoneRecord& each : edit.records) types.insert(each.type);
    if (types.size() > ImageWriter::kMostTypes) return nullptr;  // which says what is wrong
  }
  const ImageMemory& memory = before_.memory();
  size_t start = before_.bytes().size();
  uint64_t most = start + most_size();
  if (most > UINT32_MAX || memory.writable() == nullptr || !memory.claim(start, static_cast<size_t>(most))) {
    return nullptr;
  }
  ImageWriter out(memory.writable(), before_.apex_name(), start);
  for (auto& [name, edit] : edits_) {
    if (edit.exists() || name == before_.apex_name()) write_node(out, name, edit);
  }
  write_targets(out);
  ZoneImage::Header header = before_.header();
  IndexPages pages(before_, memory.writable(), out.position(), static_cast<size_t>(most));
  if (!write_index(pages)) return nullptr;
  finish_header(header, pages);
  header.directory = pages.write_directory();
  ImageWriter last(memory.writable(), before_.apex_name(), pages.position());
  size_t size = last.end_image(header);
  memory.settle(size);
  return std::make_shared<const ZoneImage>(before_.shared_memory(), size);
}

}  // namespace

Result<ImagePtr> apply_change(const ImagePtr& before, const ZoneChange& change, size_t large_zone) {
  Change plan(*before, change);
  UMAYA_CHECK(plan.prepare());
  if (before->header().record_count >= large_zone && plan.is_local()) {
    if (ImagePtr next = plan.append()) return next;
  }
  return plan.rebuild();
}

bool should_be_merged(const ZoneImage& image) {
  // Long before the room behind it is used up, so that there is time to do it (ZoneImage::room_for_changes).
  constexpr uint32_t kLeast = 1 << 20;
  const ZoneImage::Header& header = image.header();
  return header.garbage > std::max(kLeast, (header.size - std::min(header.size, header.garbage)) / 4);
}

ImagePtr merged(const ZoneImage& image) {
  return std::make_shared<const ZoneImage>(compile_zone(records_of(image), image.seed()));
}

}  // namespace umaya::named
