#include "named-lite/update/zone_edit.h"

#include <algorithm>
#include <set>

#include "named-lite/dns/types.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/zone/image_lookup.h"

namespace umaya::named {

namespace {

bool is_soa(const ZoneRecord& record) {
  return record.type == type::kSoa;
}

bool contains(const std::vector<ZoneRecord>& records, const ZoneRecord& wanted) {
  return std::any_of(records.begin(), records.end(), [&](const ZoneRecord& each) {
    return each.ttl == wanted.ttl && each.rdata == wanted.rdata && each.type == wanted.type;
  });
}

}  // namespace

ZoneEdit::ZoneEdit(const ZoneImage& image) : image_(image), record_count_(image.header().record_count) {}

const ZoneEdit::Records& ZoneEdit::load(const std::string& lower) const {
  auto known = names_.find(lower);
  if (known != names_.end()) return known->second;
  const Node* node = find_node(image_, lower);
  return names_.emplace(lower, node != nullptr ? node_records(image_, *node) : Records()).first->second;
}

ZoneEdit::Records& ZoneEdit::change(std::string_view owner) {
  std::string lower = lower_of(owner);
  const Records& now = load(lower);
  before_.try_emplace(lower, now);
  return names_[lower];
}

const std::vector<ZoneRecord>& ZoneEdit::records(std::string_view owner) const {
  return load(lower_of(owner));
}

const ZoneRecord& ZoneEdit::soa() const {
  const Records& apex_records = records(apex());
  return *std::find_if(apex_records.begin(), apex_records.end(), is_soa);
}

uint32_t ZoneEdit::serial() const {
  return soa_serial(soa().rdata);
}

size_t ZoneEdit::count(std::string_view owner, uint16_t type) const {
  const Records& all = records(owner);
  return static_cast<size_t>(
      std::count_if(all.begin(), all.end(), [&](const ZoneRecord& record) { return record.type == type; }));
}

bool ZoneEdit::has(std::string_view owner, uint16_t type) const {
  return count(owner, type) > 0;
}

size_t ZoneEdit::types(std::string_view owner) const {
  std::set<uint16_t> types;
  for (const ZoneRecord& record : records(owner)) types.insert(record.type);
  return types.size();
}

void ZoneEdit::begin() {
  before_.clear();
  record_count_before_ = record_count_;
}

void ZoneEdit::add(const ZoneRecord& record) {
  Records& all = change(record.owner);
  bool there = false;
  for (ZoneRecord& each : all) {
    if (each.type != record.type) continue;
    each.ttl = record.ttl;  // RFC 2181 5.2: one TTL for the set
    there = there || same_record(each, record);
  }
  if (there) return;
  all.push_back(record);
  // The name is spelt as it was when it came into the zone.
  if (all.size() > 1) all.back().owner = all.front().owner;
  ++record_count_;
}

void ZoneEdit::remove(const ZoneRecord& record) {
  Records& all = change(record.owner);
  auto found = std::find_if(all.begin(), all.end(), [&](const ZoneRecord& each) { return same_record(each, record); });
  if (found == all.end()) return;
  all.erase(found);
  --record_count_;
}

void ZoneEdit::remove_rrset(std::string_view owner, uint16_t type) {
  record_count_ -= std::erase_if(change(owner), [&](const ZoneRecord& each) { return each.type == type; });
}

void ZoneEdit::replace_soa(const ZoneRecord& soa) {
  Records& all = change(apex());
  auto place = std::find_if(all.begin(), all.end(), is_soa);
  place->ttl = soa.ttl;
  place->rdata = soa.rdata;
}

void ZoneEdit::set_serial(uint32_t serial) {
  Records& all = change(apex());
  set_soa_serial(std::find_if(all.begin(), all.end(), is_soa)->rdata, serial);
}

void ZoneEdit::differences(const Records& before, const Records& after, ZoneChange& out) {
  auto put = [](std::vector<ZoneRecord>& to, const ZoneRecord& record) {
    to.insert(is_soa(record) ? to.begin() : to.end(), record);
  };
  for (const ZoneRecord& record : before) {
    if (!contains(after, record)) put(out.removed, record);
  }
  for (const ZoneRecord& record : after) {
    if (!contains(before, record)) put(out.added, record);
  }
}

bool ZoneEdit::changed() const {
  ZoneChange all;
  for (const auto& [name, records] : before_) differences(records, names_[name], all);
  auto other = [](const ZoneRecord& record) { return !is_soa(record); };
  return std::any_of(all.removed.begin(), all.removed.end(), other) ||
         std::any_of(all.added.begin(), all.added.end(), other);
}

std::optional<ZoneChange> ZoneEdit::commit() {
  ZoneChange out;
  for (const auto& [name, records] : before_) differences(records, names_[name], out);
  before_.clear();
  if (out.removed.empty() && out.added.empty()) return std::nullopt;
  out.from_serial = soa_serial(out.removed.front().rdata);
  out.to_serial = soa_serial(out.added.front().rdata);
  return out;
}

void ZoneEdit::roll_back() {
  for (auto& [name, records] : before_) names_[name] = std::move(records);
  before_.clear();
  record_count_ = record_count_before_;
}

}  // namespace umaya::named
