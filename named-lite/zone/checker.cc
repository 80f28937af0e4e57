#include "named-lite/zone/checker.h"

#include "libcommon/base/strings.h"
#include "named-lite/dns/types.h"
#include "named-lite/zone/record_text.h"

namespace umaya::named {

namespace {

class Checker {
 public:
  Checker(const RecordList& list, const ZoneImage& image, Problems& problems)
      : list_(list), image_(image), problems_(problems) {}
  void run();

 private:
  void record(const Record& record);
  void soa(const Record& record);
  void owner_name(const Record& record);
  void set(const Record& record);
  void target(const Record& record);
  void alias(const Record& record);
  void apex();
  const Node* node_of(std::string_view wire) const;
  std::string alias_target(std::string_view alias) const;
  std::string record_with_target(const Record& record, const std::string& target) const;
  std::string_view target_name(const Record& record) const {
    return list_.rdata(record).substr(static_cast<size_t>(target_offset(record.type)));
  }
  std::string text(std::string_view wire) const { return relative_text(wire, list_.apex()); }
  void error(const Record& record, std::string what, std::string cure = {}) {
    problems_.error(list_.place(record), std::move(what), std::move(cure));
  }
  void warn(const Record& record, std::string what, std::string cure = {}) {
    Place place = list_.place(record);
    place.column = record.column;
    problems_.warning(std::move(place), std::move(what), std::move(cure));
  }

  const RecordList& list_;
  const ZoneImage& image_;
  Problems& problems_;
  const Record* soa_ = nullptr;
  const Record* misplaced_ns_ = nullptr;  // an NS for a host, in a zone whose apex may have none
  const Node* node_ = nullptr;            // of the record at hand; nullptr outside the zone
  uint32_t node_owner_ = UINT32_MAX;
  size_t apex_ns_ = 0;
};

const Node* Checker::node_of(std::string_view wire) const {
  char lower[kMaxName];
  copy_lower(lower, wire.data(), wire.size());
  std::string_view name(lower, wire.size());
  if (!is_at_or_below(name, list_.apex().wire())) return nullptr;
  SuffixHashes hashes(name, image_.seed());
  return image_.find(name, hashes.hash(hashes.labels()));
}

bool is_host_octet(char c) {
  return ascii_alnum(c) || c == '-';
}

/// The first octet that no host name may hold (RFC 1123 2.1), 0 when there is none. `*` alone is a wildcard.
char bad_host_octet(std::string_view wire) {
  bool first = true;
  for (; wire.size() > 1; wire = parent_of(wire), first = false) {
    std::string_view label = wire.substr(1, static_cast<unsigned char>(wire[0]));
    if (first && label == "*") continue;
    for (char c : label) {
      if (!is_host_octet(c)) return c;
    }
  }
  return 0;
}

/// A name whose first labels are the four numbers of an IPv4 address.
bool looks_like_address(std::string_view wire) {
  for (int i = 0; i < 4; ++i, wire = parent_of(wire)) {
    if (wire.size() <= 1) return false;
    auto number = parse_uint(wire.substr(1, static_cast<unsigned char>(wire[0])));
    if (!number || *number > 255) return false;
  }
  return true;
}

void Checker::soa(const Record& record) {
  if (!same_name(list_.owner(record), list_.apex().wire())) {
    return error(
        record,
        "SOA belongs to the name of the zone, " + list_.apex().text() + ", not to " + name_text(list_.owner(record)),
        "@ IN SOA " + rdata_text(record.type, list_.rdata(record), list_.apex()));
  }
  if (soa_ != nullptr) return error(record, "a second SOA: take one of the two away");
  soa_ = &record;
  std::string_view mailbox = list_.rdata(record);
  while (mailbox[0] != 0) mailbox = parent_of(mailbox);
  mailbox.remove_prefix(1);
  std::string_view label = mailbox.substr(1, static_cast<unsigned char>(mailbox[0]));
  size_t at = label.find('@');
  if (at == std::string_view::npos) return;
  std::string right = name_text(mailbox);
  right.replace(right.find("\\@"), 2, ".");
  warn(record, "a mail address in a zone has a dot in place of the @: \"" + std::string(label) + "\" is one label here",
       "@ IN SOA " + text(list_.rdata(record).substr(0, list_.rdata(record).size() - mailbox.size())) + " " + right +
           " …");
}

void Checker::owner_name(const Record& record) {
  bool host = record.type == type::kA || record.type == type::kAaaa || record.type == type::kMx;
  char bad = host ? bad_host_octet(list_.owner(record)) : 0;
  if (bad == 0) return;
  std::string name = text(list_.owner(record));
  std::string cure;
  if (bad == '_') {
    cure = record_text(list_, record);
    for (size_t i = 0; i < name.size(); ++i) cure[i] = cure[i] == '_' ? '-' : cure[i];
  }
  warn(record, "a host name holds letters, digits and hyphens only, not \"" + printable({&bad, 1}) + "\": " + name,
       cure);
}

/// What concerns the whole set of a name and type: seen once, at its first record.
void Checker::set(const Record& record) {
  if (node_ == nullptr) return;
  const RrsetEntry* entry = node_->find(record.type);
  if (entry == nullptr) return;
  if (entry->count == UINT16_MAX) error(record, "more than 65534 records of one type at one name");
  uint32_t ttl;
  std::memcpy(&ttl, image_.data(*entry).data() + 6, sizeof ttl);
  if (__builtin_bswap32(ttl) != record.ttl) {
    warn(record, "records of one name and type need one TTL: " + std::to_string(__builtin_bswap32(ttl)) +
                     " of the first is used for " + record_text(list_, record));
  }
  if (record.type != type::kCname) return;
  if (entry->count > 1) {
    error(record, "two CNAME at " + text(list_.owner(record)) + ": an alias leads to one name");
  }
  for (size_t i = 0; i < node_->rrset_count; ++i) {
    uint16_t other = node_->rrsets()[i].type;
    bool allowed = other == type::kCname || other == type::kRrsig || other == type::kNsec || other == 25;
    if (allowed) continue;
    error(record, "CNAME and " + type_text(other) + " at " + text(list_.owner(record)) +
                      ": an alias has no other data (RFC 1034 3.6.2); give the alias another name, or in place of the "
                      "CNAME the address of its target");
    break;
  }
}

/// Where a CNAME of this zone leads; looked for in the list, since this is for a message only.
std::string Checker::alias_target(std::string_view alias) const {
  for (const Record& each : list_.records()) {
    if (each.type == type::kCname && same_name(list_.owner(each), alias)) return text(list_.rdata(each));
  }
  return "its target";
}

std::string Checker::record_with_target(const Record& record, const std::string& target) const {
  std::string line = record_text(list_, record);
  return line.substr(0, line.rfind(' ') + 1) + target;
}

void Checker::target(const Record& record) {
  std::string_view name = target_name(record);
  std::string type(type_text(record.type));
  if (name.size() == 1) return;  // "." says that there is none (RFC 7505, RFC 2782)
  if (looks_like_address(name)) {
    std::string_view rest = name;
    for (int i = 0; i < 4; ++i) rest = parent_of(rest);
    std::string address = name_text(std::string(name.substr(0, name.size() - rest.size())) + std::string(1, 0));
    address.pop_back();
    return warn(record, type + " names a host, not an address: give " + address + " a name and write that name here");
  }
  if (char bad = bad_host_octet(name); bad != 0) {
    warn(record, type + " names a host, and a host name has no \"" + printable({&bad, 1}) + "\": " + text(name));
  }
  if (!is_at_or_below(name, list_.apex().wire())) return;
  const Node* node = node_of(name);
  if (node != nullptr && (node->flags & Node::kHasCname) != 0) {
    std::string right = alias_target(name);
    return warn(record,
                type + " names " + text(name) + ", which is an alias (RFC 2181 10.3): name " + right + " itself",
                record_with_target(record, right));
  }
  if (node != nullptr && node->above != 0 && node->find(type::kA) == nullptr && node->find(type::kAaaa) == nullptr &&
      record.type == type::kMx) {
    return;  // in a zone below: known there
  }
  bool has_address = node != nullptr && (node->find(type::kA) != nullptr || node->find(type::kAaaa) != nullptr);
  bool by_wildcard = node == nullptr && (image_.apex().flags & Node::kHasWildcard) != 0;
  if (has_address || by_wildcard) return;
  warn(record, type + " names " + name_text(name) + ", which has no address in this zone (is a final dot missing?)",
       text(name) + " IN A …");
}

void Checker::alias(const Record& record) {
  std::string_view name = list_.rdata(record);
  if (!is_at_or_below(name, list_.apex().wire())) return;
  for (std::string_view ancestor = name; ancestor.size() >= list_.apex().size(); ancestor = parent_of(ancestor)) {
    const Node* node = node_of(ancestor);
    if (node == nullptr) continue;
    if (ancestor.size() == name.size() || (node->flags & Node::kHasWildcard) != 0 || node->above != 0) return;
    break;
  }
  warn(record, "the alias leads to " + name_text(name) + ", a name that does not exist");
}

void Checker::record(const Record& record) {
  if (node_owner_ != record.owner) {
    node_owner_ = record.owner;
    node_ = node_of(list_.owner(record));
    if (node_ == nullptr) {
      error(record, name_text(list_.owner(record)) + " is not in the zone " + list_.apex().text() +
                        ": it belongs into a zone of its own (or a final dot is one too many)");
    }
  }
  if (record.type == type::kSoa) soa(record);
  if (record.type == type::kNs) {
    if (same_name(list_.owner(record), list_.apex().wire())) {
      ++apex_ns_;
    } else if (misplaced_ns_ == nullptr) {
      misplaced_ns_ = &record;
    }
  }
  owner_name(record);
  set(record);
  if (target_offset(record.type) >= 0) target(record);
  if (record.type == type::kCname) alias(record);
}

void Checker::apex() {
  Place whole{list_.records().empty() ? list_.file(0) : list_.place(list_.records()[0]).file, 0, 0};
  if (soa_ == nullptr) {
    problems_.error(whole, "the zone " + list_.apex().text() + " has no SOA: it comes first",
                    "@ IN SOA ns1 hostmaster 1 3600 900 604800 300");
  }
  if (apex_ns_ > 0) return;
  if (misplaced_ns_ == nullptr) {
    problems_.error(whole, "the zone " + list_.apex().text() + " has no name server (NS) at its own name",
                    "@ IN NS ns1");
    return;
  }
  const Record& ns = *misplaced_ns_;
  error(ns,
        "NS stands at " + text(list_.owner(ns)) + ", but the name of the zone, @, has none: as written it gives " +
            name_text(list_.owner(ns)) + " away to another server",
        "@ IN NS " + text(list_.rdata(ns)));
}

void Checker::run() {
  if ((image_.header().faults & ZoneImage::kTooLarge) != 0) {
    problems_.error({list_.file(0), 0, 0}, "the zone is too large: more than 4 GiB would be needed to serve it");
  }
  if ((image_.header().faults & ZoneImage::kTooManyTypes) != 0) {
    problems_.error({list_.file(0), 0, 0}, "some name has records of more than 255 types");
  }
  for (const Record& each : list_.records()) record(each);
  apex();
}

}  // namespace

void check_zone(const RecordList& records, const ZoneImage& image, Problems& problems) {
  Checker(records, image, problems).run();
}

}  // namespace umaya::named
