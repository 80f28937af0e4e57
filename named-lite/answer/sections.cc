#include <algorithm>

#include "named-lite/answer/answering.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

bool fits(const OrderRule& rule, uint16_t type, std::string_view name) {
  if (rule.type != 0 && rule.type != type) return false;
  if (!rule.name) return true;
  bool exactly = name.size() == rule.name->size();
  return exactly != rule.wildcard && is_at_or_below(name, rule.name->wire());
}

}  // namespace

bool Answering::leaves_out_authority() const {
  if (query_.type == type::kDs) return true;  // who asks a parent knows its servers
  switch (settings_.minimal) {
    case MinimalResponses::no:
      return false;
    case MinimalResponses::no_auth_recursive:
      return query_.recursion_desired;
    default:
      return true;
  }
}

/// Whoever asks the root for its name servers needs their addresses (RFC 8109).
bool Answering::leaves_out_additional(const ZoneImage& image, const Node& node, uint16_t type) const {
  bool primes = type == type::kNs && image.name_size(node) == 1 && &node == &image.apex();
  return settings_.minimal == MinimalResponses::yes && !primes;
}

/// With which of its records a set begins in this answer.
size_t Answering::first_record(const ZoneImage& image, const Node& node, const RrsetEntry& entry) const {
  if (entry.count < 2) return 0;
  RrsetOrder order = settings_.rrset_order.empty() ? RrsetOrder::random : RrsetOrder::none;
  for (const OrderRule& rule : settings_.rrset_order) {
    if (!fits(rule, entry.type, image.name(node))) continue;
    order = rule.order;
    break;
  }
  if (order == RrsetOrder::cyclic) return context_.turn % entry.count;
  if (order == RrsetOrder::random) {
    // The upper half of a product is evenly spread; turn 0 begins with the first.
    return static_cast<size_t>(uint64_t{context_.turn * 0x9E3779B1u} * entry.count >> 32);
  }
  return 0;
}

bool Answering::append(Section section, const ZoneImage& image, const Node& node, const RrsetEntry& entry,
                       uint16_t owner) {
  return writer_.append(section, image, node, entry, owner, first_record(image, node, entry));
}

/// What helps beside a positive answer. Nothing of it makes an answer truncate (RFC 2181 9).
void Answering::beside(const ZoneImage& image, const Node& node, const RrsetEntry& entry, size_t first) {
  const Node& apex = image.apex();
  const RrsetEntry* servers = nullptr;
  size_t servers_at = writer_.position();
  bool is_that_set = &node == &apex && entry.type == type::kNs;
  if (!leaves_out_authority() && !is_that_set) servers = apex.find(type::kNs);
  if (servers != nullptr && !append(Section::authority, image, apex, *servers, ancestor_pointer(image.name_size(apex))))
    return;
  if (leaves_out_additional(image, node, entry.type)) return;
  Additional names;
  if (target_offset(entry.type) >= 0) {
    additional(image, node, entry, first, names, Glue::optional);
  }
  if (servers != nullptr) additional(image, apex, *servers, servers_at, names, Glue::optional);
}

bool Answering::addresses(const ZoneImage& image, const Node& node, size_t name_offset) {
  for (uint16_t type : {type::kA, type::kAaaa}) {
    const RrsetEntry* entry = node.find(type);
    bool is_answer = &node == answered_ && type == query_.type;
    if (entry == nullptr || is_answer) continue;
    if (!append(Section::additional, image, node, *entry, Writer::pointer_to(name_offset))) return false;
  }
  return true;
}

/// A host that the zone does not hold as a name but a wildcard of it makes; nullptr when there is none.
const Node* Answering::wildcard_host(const ZoneImage& image, size_t name_offset) const {
  Name name;
  if (!writer_.expand(name_offset, name)) return nullptr;
  name = name.lower();
  std::string_view apex = image.apex_name();
  if (name.size() <= apex.size() || !is_at_or_below(name.wire(), apex)) return nullptr;
  SuffixHashes hashes(name.wire(), image.seed());
  size_t labels = hashes.labels();
  const Node* encloser = nullptr;
  while (encloser == nullptr) {
    --labels;
    encloser = image.find(hashes.suffix(labels), hashes.hash(labels));
  }
  bool ours = encloser->above == 0 && (encloser->flags & Node::kHasDname) == 0;
  if (!ours || (encloser->flags & Node::kHasWildcard) == 0) return nullptr;
  return image.wildcard(hashes.suffix(labels), hashes.hash(labels));
}

/// Addresses of the targets of a set that was just written, first being the offset of its first record. False when an
/// address did not fit that a referral cannot do without (RFC 9471): those of names below the cut. They come first.
bool Answering::additional(const ZoneImage& image, const Node& owner, const RrsetEntry& entry, size_t first,
                           Additional& names, Glue glue) {
  if (glue == Glue::optional) {
    add_hosts(image, owner, entry, first, names, Hosts::ours);
    return true;
  }
  bool complete = add_hosts(image, owner, entry, first, names, Hosts::below_cut);
  add_hosts(image, owner, entry, first, names, Hosts::others);
  return complete;
}

/// False when an address did not fit. Name servers may be told by glue: whoever wants them has no other way.
bool Answering::add_hosts(const ZoneImage& image, const Node& owner, const RrsetEntry& entry, size_t first,
                          Additional& names, Hosts which) {
  OwnerName cut;
  if (which != Hosts::ours) cut = image.name(owner);
  size_t turned = first_record(image, owner, entry);
  size_t record = first;
  bool complete = true;
  for (size_t i = 0; i < entry.count && names.count < kMostAdditional; ++i) {
    size_t name_offset = Writer::data_offset(record) + static_cast<size_t>(target_offset(entry.type));
    record = writer_.next_record(record);
    if (name_offset >= 0x4000) break;
    const Node* node = image.target(owner, entry, (turned + i) % entry.count);
    if (node == nullptr) node = wildcard_host(image, name_offset);
    if (node == nullptr || (which == Hosts::ours && node->above != 0 && entry.type != type::kNs)) continue;
    if (which != Hosts::ours && is_at_or_below(image.name(*node), cut) != (which == Hosts::below_cut)) continue;
    auto end = names.done.begin() + static_cast<std::ptrdiff_t>(names.count);
    if (std::find(names.done.begin(), end, node) != end) continue;
    names.done[names.count++] = node;
    complete &= addresses(image, *node, name_offset);
  }
  return complete;
}

}  // namespace umaya::named
