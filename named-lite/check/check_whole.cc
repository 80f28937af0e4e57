#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "libcommon/base/strings.h"
#include "named-lite/check/spf.h"
#include "named-lite/check/zone_check.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr size_t kMostNamed = 10;
constexpr std::string_view kWildcard("\1*", 2);

/// "a, b, c and 7 more"
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kMostNamed) text += " and " + std::to_string(names.size() - kMostNamed) + " more";
  return text;
}

/// The strings of a TXT record, joined.
std::string joined(std::string_view rdata) {
  std::string text;
  for (size_t at = 0; at < rdata.size(); at += 1 + static_cast<size_t>(static_cast<unsigned char>(rdata[at]))) {
    text += rdata.substr(at + 1, static_cast<unsigned char>(rdata[at]));
  }
  return text;
}

/// The reverse name of an address, lower case, wire form.
std::string reverse_name(std::string_view octets) {
  std::string wire;
  for (size_t i = octets.size(); i-- > 0;) {
    auto octet = static_cast<unsigned char>(octets[i]);
    if (octets.size() == 4) {
      std::string number = std::to_string(octet);
      wire += static_cast<char>(number.size());
      wire += number;
      continue;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (unsigned digit : {octet & 15u, static_cast<unsigned>(octet) >> 4}) {
      wire += '\1';
      wire += kDigits[digit];
    }
  }
  wire += octets.size() == 4 ? std::string_view("\7in-addr\4arpa\0", 14) : std::string_view("\3ip6\4arpa\0", 10);
  return wire;
}

/// A host that gets no mail by way of a wildcard MX, since its name exists.
bool hides_mx(const Node& node) {
  if (node.above != 0 || (node.flags & Node::kHasCname) != 0 || node.find(type::kMx) != nullptr) return false;
  return node.find(type::kA) != nullptr || node.find(type::kAaaa) != nullptr;
}

}  // namespace

void WholeChecks::serial(const Record& soa) const {
  const ZoneImage* served = zone_.policy.in_service;
  if (served == nullptr) return;
  uint32_t ours = zone_.image.header().serial;
  uint32_t theirs = served->header().serial;
  auto ahead = static_cast<int32_t>(ours - theirs);  // RFC 1982
  bool same = ahead == 0 && (served->header().changes > 0 || served->bytes() == zone_.image.bytes());
  if (ahead > 0 || same) return;
  std::string right = rdata_text(type::kSoa, zone_.list.rdata(soa), zone_.list.apex());
  std::string number = " " + std::to_string(ours) + " ";
  if (size_t at = right.find(number); at != std::string::npos) {
    right.replace(at, number.size(), " " + std::to_string(theirs + 1) + " ");
  }
  zone_.warn(soa,
             ahead == 0 ? "the zone has changed but its serial has not: secondaries will not fetch it"
                        : "the serial is lower than " + std::to_string(theirs) +
                              ", which is served now: secondaries "
                              "will not fetch it",
             "@ IN SOA " + right);
}

void WholeChecks::hidden_by(const Record& wildcard, const std::vector<std::string>& names) const {
  if (names.empty()) return;
  const RecordList& list = zone_.list;
  zone_.warn(wildcard,
             "the wildcard " + zone_.text(list.owner(wildcard)) + " does not reach names that exist (RFC 4592): no " +
                 type_text(wildcard.type) + " for " + listed(names),
             names[0] + " IN " + type_text(wildcard.type) + " " +
                 rdata_text(wildcard.type, list.rdata(wildcard), list.apex()));
}

void WholeChecks::wildcards() const {
  if (!zone_.policy.wildcard) return;
  const RecordList& list = zone_.list;
  std::vector<const Record*> found;
  const Record* before = nullptr;
  for (const Record& record : list.records()) {
    std::string_view owner = list.owner(record);
    bool again = before != nullptr && before->owner == record.owner;
    before = &record;
    if (!again && owner.find('*') != std::string_view::npos) {
      std::string_view rest = parent_of(owner);
      for (; rest.size() > 1; rest = parent_of(rest)) {
        if (!rest.starts_with(kWildcard)) continue;
        zone_.warn(record, "the asterisk in " + zone_.text(owner) +
                               " is no wildcard: it would have to be the first label "
                               "(RFC 4592 2.1.1)");
        break;
      }
    }
    bool is_first = found.empty() || found.back()->owner != record.owner || found.back()->type != record.type;
    if (owner.starts_with(kWildcard) && record.type == type::kMx && is_first) found.push_back(&record);
  }
  if (found.size() > kMostNamed) found.resize(kMostNamed);  // each costs a walk through the zone
  for (const Record* wildcard : found) {
    std::string_view above = parent_of(list.owner(*wildcard));
    std::vector<std::string> names;
    uint64_t cursor = 0;
    while (const Node* node = zone_.image.next(cursor)) {
      if (!hides_mx(*node)) continue;
      OwnerName name = zone_.image.name(*node);
      bool below = std::string_view(name).size() > above.size() && is_at_or_below(name, above);
      if (below && !std::string_view(name).starts_with(kWildcard)) names.push_back(zone_.text(name));
    }
    hidden_by(*wildcard, names);
  }
}

/// Mail servers ask back: an address whose reverse zone is served here should have its PTR there.
void WholeChecks::reverse() const {
  if (!zone_.policy.has_ptr) return;
  const RecordList& list = zone_.list;
  size_t missing = 0;
  const Record* last = nullptr;
  for (const Record& record : list.records()) {
    if (record.type != type::kA && record.type != type::kAaaa) continue;
    if (list.owner(record).starts_with(kWildcard)) continue;
    std::string name = reverse_name(list.rdata(record));
    auto has = zone_.policy.has_ptr(name);
    if (!has || *has) continue;
    last = &record;
    if (++missing > kMostNamed) continue;
    zone_.warn(record, "the reverse zone has no PTR for " + rdata_text(record.type, list.rdata(record), list.apex()),
               name_text(name) + " IN PTR " + name_text(list.owner(record)));
  }
  if (missing > kMostNamed) {
    zone_.warn(*last, std::to_string(missing - kMostNamed) + " more addresses have no PTR in their reverse zones");
  }
}

/// DNS lookups of the SPF record at a name of this zone; 0 when there is none that we can see.
size_t WholeChecks::spf_lookups(std::string_view name, int depth) const {
  const Node* node = zone_.node_of(name);
  const RrsetEntry* entry = node != nullptr ? node->find(type::kTxt) : nullptr;
  if (entry == nullptr || depth > static_cast<int>(kMostSpfLookups)) return 0;
  std::string_view data = zone_.image.data(*entry);
  for (size_t at = 0; at < data.size();) {
    size_t size =
        static_cast<size_t>(static_cast<unsigned char>(data[at + 10])) << 8 | static_cast<unsigned char>(data[at + 11]);
    std::string text = joined(data.substr(at + 12, size));
    at += 12 + size;
    if (!is_spf(text)) continue;
    SpfFindings found = check_spf(text);
    size_t lookups = found.lookups;
    for (const std::string& next : found.names) {
      auto included = Name::from_text(next);
      if (included && lookups <= kMostSpfLookups) lookups += spf_lookups(included->wire(), depth + 1);
    }
    return lookups;
  }
  return 0;
}

void WholeChecks::spf() const {
  if (zone_.policy.spf == CheckAction::ignore) return;
  const RecordList& list = zone_.list;
  std::unordered_map<std::string, const Record*> first;
  for (const Record& record : list.records()) {
    if (record.type != type::kTxt && record.type != type::kSpf) continue;
    std::string text = joined(list.rdata(record));
    if (!is_spf(text)) continue;
    std::string owner(list.owner(record));
    copy_lower(owner.data(), owner.data(), owner.size());
    const Node* node = zone_.node_of(owner);
    if (node == nullptr) continue;
    if (record.type == type::kSpf) {
      if (node->find(type::kTxt) == nullptr) {
        zone_.report(zone_.policy.spf, record, "SPF: nobody asks for type SPF any more (RFC 7208 3.1)",
                     zone_.text(owner) + " IN TXT " + rdata_text(record.type, list.rdata(record), list.apex()));
      }
      continue;
    }
    auto [at, is_first] = first.emplace(owner, &record);
    if (!is_first && list.rdata(*at->second) != list.rdata(record)) {
      zone_.report(zone_.policy.spf, record,
                   "SPF: a second record at " + zone_.text(owner) +
                       ", so receivers take none of the two (RFC 7208 4.5): "
                       "make one of them, beginning with that of line " +
                       std::to_string(at->second->line));
    }
    for (const SpfFault& fault : check_spf(text).faults) {
      std::string cure = fault.cure.empty() ? "" : zone_.text(owner) + " IN TXT \"" + fault.cure + "\"";
      zone_.report(zone_.policy.spf, record, fault.what, std::move(cure));
    }
    size_t lookups = spf_lookups(owner, 0);
    if (is_first && lookups > kMostSpfLookups) {
      zone_.report(zone_.policy.spf, record,
                   "SPF: " + std::to_string(lookups) +
                       " DNS lookups are needed, more than the 10 that receivers make "
                       "(RFC 7208 4.6.4): write ip4: and ip6: in place of some");
    }
  }
}

void WholeChecks::run() const {
  for (const Record& record : zone_.list.records()) {
    if (record.type != type::kSoa) continue;
    serial(record);
    break;
  }
  limits();
  wildcards();
  spf();
}

}  // namespace umaya::named
