#include <unordered_set>

#include "libcommon/base/strings.h"
#include "named-lite/check/zone_check.h"
#include "named-lite/dns/types.h"
#include "named-lite/zone/checker.h"
#include "named-lite/zone/image_records.h"

namespace umaya::named {

namespace {

bool is_host_octet(char c) {
  return ascii_alnum(c) || c == '-';
}

}  // namespace

char bad_host_octet(std::string_view wire) {
  for (; wire.size() > 1; wire = parent_of(wire)) {
    std::string_view label = wire.substr(1, static_cast<unsigned char>(wire[0]));
    if (label == "*") continue;
    for (char c : label) {
      if (!is_host_octet(c)) return c;
    }
  }
  return 0;
}

const Node* CheckedZone::node_of(std::string_view wire) const {
  char lower[kMaxName];
  copy_lower(lower, wire.data(), wire.size());
  std::string_view name(lower, wire.size());
  if (!is_at_or_below(name, image.apex_name())) return nullptr;
  SuffixHashes hashes(name, image.seed());
  return image.find(name, hashes.hash(hashes.labels()));
}

const Node* CheckedZone::encloser_of(std::string_view wire) const {
  char lower[kMaxName];
  copy_lower(lower, wire.data(), wire.size());
  std::string_view name(lower, wire.size());
  if (!is_at_or_below(name, image.apex_name())) return nullptr;
  SuffixHashes hashes(name, image.seed());
  for (size_t labels = hashes.labels();; --labels) {
    const Node* node = image.find(hashes.suffix(labels), hashes.hash(labels));
    if (node != nullptr || labels == 0) return node;
  }
}

bool CheckedZone::is_apex(std::string_view wire) const {
  return wire.size() == list.apex().size() && same_name(wire, list.apex().wire());
}

void CheckedZone::error(const Record& record, std::string what, std::string cure) const {
  problems.error(list.place(record), std::move(what), std::move(cure));
}

void CheckedZone::warn(const Record& record, std::string what, std::string cure) const {
  Place place = list.place(record);
  place.column = record.column;
  problems.warning(std::move(place), std::move(what), std::move(cure));
}

void CheckedZone::report(CheckAction action, const Record& record, std::string what, std::string cure) const {
  if (action == CheckAction::warn) warn(record, std::move(what), std::move(cure));
  if (action == CheckAction::fail) error(record, std::move(what), std::move(cure));
}

void RecordChecks::soa(const Record& record) {
  const RecordList& list = zone_.list;
  if (!zone_.is_apex(list.owner(record))) {
    return zone_.error(
        record,
        "SOA belongs to the name of the zone, " + list.apex().text() + ", not to " + name_text(list.owner(record)),
        "@ IN SOA " + rdata_text(record.type, list.rdata(record), list.apex()));
  }
  if (soa_ != nullptr) return zone_.error(record, "a second SOA: take one of the two away");
  soa_ = &record;
  std::string_view mailbox = list.rdata(record);
  while (mailbox[0] != 0) mailbox = parent_of(mailbox);
  mailbox.remove_prefix(1);
  std::string_view label = mailbox.substr(1, static_cast<unsigned char>(mailbox[0]));
  size_t at = label.find('@');
  if (at == std::string_view::npos) return;
  std::string right = name_text(mailbox);
  right.replace(right.find("\\@"), 2, ".");
  std::string_view primary = list.rdata(record).substr(0, list.rdata(record).size() - mailbox.size());
  zone_.warn(record,
             "a mail address in a zone has a dot in place of the @: \"" + std::string(label) + "\" is one label here",
             "@ IN SOA " + zone_.text(primary) + " " + right + " …");
}

void RecordChecks::owner_name(const Record& record) const {
  const RecordList& list = zone_.list;
  bool host = record.type == type::kA || record.type == type::kAaaa || record.type == type::kMx;
  char bad = host ? bad_host_octet(list.owner(record)) : 0;
  if (bad == 0) return;
  std::string name = zone_.text(list.owner(record));
  std::string cure;
  if (bad == '_') {
    cure = record_text(list, record);
    for (size_t i = 0; i < name.size(); ++i) cure[i] = cure[i] == '_' ? '-' : cure[i];
  }
  zone_.report(zone_.policy.names, record,
               "a host name holds letters, digits and hyphens only, not \"" + printable({&bad, 1}) + "\": " + name,
               cure);
}

void RecordChecks::cname(const Record& record, const Node& node) const {
  std::string owner = zone_.text(zone_.list.owner(record));
  const RrsetEntry* entry = node.find(type::kCname);
  if (entry != nullptr && entry->count > 1) {
    zone_.error(record, "two CNAME at " + owner + ": an alias leads to one name");
  }
  for (size_t i = 0; i < node.rrset_count; ++i) {
    uint16_t other = node.rrsets()[i].type;
    bool allowed = other == type::kCname || other == type::kRrsig || other == type::kNsec || other == 25;
    if (allowed) continue;
    zone_.error(record, "CNAME and " + type_text(other) + " at " + owner +
                            ": an alias has no other data (RFC 1034 3.6.2); give the alias another name, or in place "
                            "of the CNAME the address of its target");
    break;
  }
}

/// Notes which set a record belongs to, so that sets of several records can be looked at as a whole.
void RecordChecks::remember(const Record& record, const Node& node) {
  const RrsetEntry* entry = node.find(record.type);
  if (entry == nullptr) return;
  size_t place = static_cast<size_t>(reinterpret_cast<const char*>(entry) - zone_.image.bytes().data()) / sizeof *entry;
  if (first_.empty()) first_.resize(zone_.image.header().nodes_end / sizeof *entry + 1);
  auto number = static_cast<uint32_t>(&record - zone_.list.records().data());
  if (first_[place] == 0) {
    first_[place] = number + 1;
    // One that is alone needs no more; the first of several is added with the second.
    if (entry->size > kMostSetSize) sets_[entry].push_back(&record), order_.push_back(entry);
    return;
  }
  auto& records = sets_[entry];
  if (records.empty()) {
    order_.push_back(entry);
    records.push_back(&zone_.list.records()[first_[place] - 1]);
  }
  records.push_back(&record);
}

void RecordChecks::set(const RrsetEntry& entry, const std::vector<const Record*>& records) const {
  constexpr size_t kFew = 32;
  const RecordList& list = zone_.list;
  const Record& first = *records[0];
  if (entry.size > kMostSetSize) {
    zone_.error(first, "the records of type " + type_text(first.type) + " at " + zone_.text(list.owner(first)) +
                           " need " + std::to_string(entry.size) + " octets: no answer can hold more than 64 KiB");
  }
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < records.size(); ++i) {
    const Record& record = *records[i];
    if (record.ttl != first.ttl) {
      zone_.warn(record, "records of one name and type need one TTL: " + std::to_string(first.ttl) +
                             " of the first is used for " + record_text(list, record));
    }
    bool again = false;
    if (records.size() > kFew) {
      again = !seen.insert(list.rdata(record)).second;
    } else {
      for (size_t k = 0; k < i && !again; ++k) {
        again = same_rdata(record.type, list.rdata(*records[k]), list.rdata(record));
      }
    }
    if (!again || record.type == type::kSoa) continue;
    zone_.report(zone_.policy.dup_records, record,
                 "this record stands there twice: take one away (" + record_text(list, record) + ")");
  }
}

void RecordChecks::sets() const {
  for (const RrsetEntry* entry : order_) set(*entry, sets_.at(entry));
}

void RecordChecks::record(const Record& record, const Node* node) {
  const RecordList& list = zone_.list;
  if (node == nullptr) {
    return zone_.warn(record,
                      name_text(list.owner(record)) + " is not in the zone " + list.apex().text() +
                          " and is left out: it belongs into a zone of its own (or a final dot is one too many)");
  }
  if (record.type == type::kSoa) soa(record);
  if (record.type == type::kNs) {
    if (zone_.is_apex(list.owner(record))) {
      ++apex_ns_;
    } else if (misplaced_ns_ == nullptr) {
      misplaced_ns_ = &record;
    }
  }
  owner_name(record);
  remember(record, *node);
  if (record.type == type::kCname) cname(record, *node);
  if (target_offset(record.type) >= 0) targets_.target(record);
  if (record.type == type::kCname) targets_.alias(record);
}

void RecordChecks::apex() const {
  const RecordList& list = zone_.list;
  Place whole{list.records().empty() ? list.file(0) : list.place(list.records()[0]).file, 0, 0};
  if (soa_ == nullptr) {
    zone_.problems.error(whole, "the zone " + list.apex().text() + " has no SOA: it comes first",
                         "@ IN SOA ns1 hostmaster 1 3600 900 604800 300");
  }
  if (apex_ns_ > 0) return;
  if (misplaced_ns_ == nullptr) {
    zone_.problems.error(whole, "the zone " + list.apex().text() + " has no name server (NS) at its own name",
                         "@ IN NS ns1");
    return;
  }
  const Record& ns = *misplaced_ns_;
  zone_.error(ns,
              "NS stands at " + zone_.text(list.owner(ns)) +
                  ", but the name of the zone, @, has none: as written it "
                  "gives " +
                  name_text(list.owner(ns)) + " away to another server",
              "@ IN NS " + zone_.text(list.rdata(ns)));
}

const Node* RecordChecks::node_for(size_t number) {
  const Record& record = zone_.list.records()[number];
  if (!nodes_.empty()) return nodes_[number] == 0 ? nullptr : zone_.image.at(nodes_[number]);
  if (before_ == nullptr || before_->owner != record.owner) node_ = zone_.node_of(zone_.list.owner(record));
  before_ = &record;
  return node_;
}

void RecordChecks::run() {
  const ZoneImage::Header& header = zone_.image.header();
  if ((header.faults & ZoneImage::kTooLarge) != 0) {
    return zone_.problems.error({zone_.list.file(0), 0, 0}, "the zone is too large: it would need more than 4 GiB");
  }
  if ((header.faults & ZoneImage::kTooManyTypes) != 0) {
    zone_.problems.error({zone_.list.file(0), 0, 0}, "some name has records of more than 255 types");
  }
  for (size_t i = 0; i < zone_.list.records().size(); ++i) record(zone_.list.records()[i], node_for(i));
  sets();
  apex();
}

void check_zone(const RecordList& records, const ZoneImage& image, Problems& problems, const CheckPolicy& policy,
                std::span<const uint32_t> nodes) {
  CheckedZone zone{records, image, problems, policy};
  RecordChecks(zone, nodes).run();
  if ((image.header().faults & ZoneImage::kTooLarge) == 0) WholeChecks(zone).run();
}

void check_reverse(const RecordList& records, const ZoneImage& image, Problems& problems, const CheckPolicy& policy) {
  CheckedZone zone{records, image, problems, policy};
  WholeChecks(zone).reverse();
}

}  // namespace umaya::named
