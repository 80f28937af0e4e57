#include "named-lite/answer/answer.h"

#include <algorithm>
#include <array>

#include "named-lite/answer/writer.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr size_t kMostAdditional = 13;  // names; more only helps an attacker (CVE-2024-11187)

enum class Next : unsigned char { done, follow };

/// One question on its way through the zones.
class Answering {
 public:
  Answering(const Query& query, std::string_view packet, const AnswerContext& context, std::span<char> out,
            size_t limit)
      : query_(query), context_(context), writer_(query, packet, out, limit), name_(query.lower_name()) {}

  size_t run();

 private:
  void look_up();
  Next step(const SuffixHashes& hashes, const ZoneImage& image);
  Next from_node(const ZoneImage& image, const Node& node);
  Next any(const ZoneImage& image, const Node& node);
  Next positive(const ZoneImage& image, const Node& node, const RrsetEntry& entry);
  Next alias(const ZoneImage& image, const Node& node, const RrsetEntry& entry);
  Next redirect(const ZoneImage& image, const Node& node);
  Next referral(const ZoneImage& image, const Node& cut);
  Next negative(const ZoneImage& image, uint16_t rcode);
  /// Pointer to the ancestor of the current name that has this many octets.
  uint16_t ancestor_pointer(size_t size) const;
  enum class Glue : unsigned char { optional, required };
  bool additional(const ZoneImage& image, const Node& owner, const RrsetEntry& entry, size_t first_record, Glue glue);
  bool addresses(const ZoneImage& image, const Node& node, size_t name_offset);
  bool seen(const Node& node);

  const Query& query_;
  const AnswerContext& context_;
  Writer writer_;
  std::string_view name_;  // the current one, lower case
  Name followed_;          // holds name_ after the first step
  size_t name_offset_ = Writer::kHeader;
  int steps_ = 0;
  std::array<const Node*, kMostSteps + 1> aliases_;
};

uint16_t meta_rcode(uint16_t type) {
  switch (type) {
    case 0:
    case type::kOpt:
    case type::kTsig:
    case type::kTkey:
      return rcode::kFormErr;
    case type::kMaila:
    case type::kMailb:
      return rcode::kNotImp;
    case type::kAxfr:
    case type::kIxfr:
      return rcode::kRefused;
    default:
      return rcode::kNoError;
  }
}

size_t Answering::run() {
  if (query_.opcode != opcode::kQuery && query_.rcode == rcode::kNoError && context_.rcode == rcode::kNoError) {
    writer_.set_rcode(rcode::kNotImp);
    return writer_.finish();
  }
  uint16_t refusal = context_.rcode != rcode::kNoError ? context_.rcode : query_.rcode;
  if (refusal == rcode::kNoError &&
      (context_.access == Access::refused || context_.catalog == nullptr || query_.cls != rr_class::kIn)) {
    refusal = rcode::kRefused;
  }
  if (refusal == rcode::kNoError) refusal = meta_rcode(query_.type);
  if (refusal != rcode::kNoError) {
    writer_.set_rcode(refusal);
  } else {
    look_up();
  }
  return writer_.finish();
}

void Answering::look_up() {
  for (steps_ = 0; steps_ <= kMostSteps; ++steps_) {
    SuffixHashes hashes(name_, context_.catalog->seed());
    const ServedZone* zone = context_.catalog->find(hashes, hashes.labels());
    if (zone != nullptr && query_.type == type::kDs && hashes.labels() > 0 && zone->name == name_) {
      // DS belongs to the parent's side of the cut (RFC 4035 3.1.4.1).
      const ServedZone* parent = context_.catalog->find(hashes, hashes.labels() - 1);
      if (parent != nullptr && parent->image) zone = parent;
    }
    if (zone == nullptr || !zone->image) {
      if (steps_ == 0) writer_.set_rcode(zone == nullptr ? rcode::kRefused : rcode::kServFail);
      return;
    }
    // An image that another run of the server made has a seed of its own.
    bool other_seed = zone->image->seed() != context_.catalog->seed();
    if (other_seed) hashes = SuffixHashes(name_, zone->image->seed());
    if (step(hashes, *zone->image) == Next::done) return;
  }
}

Next Answering::step(const SuffixHashes& hashes, const ZoneImage& image) {
  size_t labels = hashes.labels();
  const Node* node = image.find(name_, hashes.hash(labels));
  const Node* encloser = node;
  while (encloser == nullptr) {
    --labels;  // ends at the apex at the latest
    encloser = image.find(hashes.suffix(labels), hashes.hash(labels));
  }
  if (steps_ == 0) writer_.set_authoritative(true);
  if (const Node* above = image.above(*encloser, hashes)) {
    bool asks_parent = above == node && query_.type == type::kDs;
    if ((above->flags & Node::kCut) == 0) return redirect(image, *above);
    if (!asks_parent) return referral(image, *above);
  }
  if (node == nullptr) {
    if ((encloser->flags & Node::kHasDname) != 0) return redirect(image, *encloser);
    if ((encloser->flags & Node::kHasWildcard) == 0) return negative(image, rcode::kNxDomain);
    node = image.wildcard(hashes.suffix(labels), hashes.hash(labels));
  }
  return from_node(image, *node);
}

Next Answering::from_node(const ZoneImage& image, const Node& node) {
  if (query_.type == type::kAny && node.rrset_count > 0) return any(image, node);
  if (const RrsetEntry* entry = node.find(query_.type)) return positive(image, node, *entry);
  if ((node.flags & Node::kHasCname) != 0) return alias(image, node, *node.find(type::kCname));
  return negative(image, rcode::kNoError);
}

Next Answering::positive(const ZoneImage& image, const Node& node, const RrsetEntry& entry) {
  size_t first = writer_.position();
  if (!writer_.append(Section::answer, image, node, entry, Writer::pointer_to(name_offset_))) {
    writer_.truncate();
    return Next::done;
  }
  if (target_offset(entry.type) >= 0) additional(image, node, entry, first, Glue::optional);
  return Next::done;
}

Next Answering::any(const ZoneImage& image, const Node& node) {
  size_t sets = context_.transport == Transport::udp ? 1 : node.rrset_count;
  for (size_t i = 0; i < sets; ++i) {
    if (writer_.append(Section::answer, image, node, node.rrsets()[i], Writer::pointer_to(name_offset_))) continue;
    writer_.truncate();
    break;
  }
  return Next::done;
}

bool Answering::seen(const Node& node) {
  auto end = aliases_.begin() + steps_;
  if (std::find(aliases_.begin(), end, &node) != end) return true;
  *end = &node;
  return false;
}

Next Answering::alias(const ZoneImage& image, const Node& node, const RrsetEntry& entry) {
  if (seen(node)) return Next::done;
  size_t record = writer_.position();
  if (!writer_.append(Section::answer, image, node, entry, Writer::pointer_to(name_offset_))) {
    writer_.truncate();
    return Next::done;
  }
  name_offset_ = Writer::data_offset(record);
  if (!writer_.expand(name_offset_, followed_)) return Next::done;
  name_ = followed_.wire();
  return Next::follow;
}

uint16_t Answering::ancestor_pointer(size_t size) const {
  if (steps_ == 0) return writer_.suffix_pointer(size);
  size_t labels = 0;
  for (std::string_view rest = name_; rest.size() > size; rest = parent_of(rest)) ++labels;
  return Writer::pointer_to(writer_.suffix_offset(name_offset_, labels));
}

/// RFC 6672: the DNAME, a CNAME made from it, and on to the new name.
Next Answering::redirect(const ZoneImage& image, const Node& node) {
  const RrsetEntry* entry = node.find(type::kDname);
  size_t dname_record = writer_.position();
  if (!writer_.append(Section::answer, image, node, *entry, ancestor_pointer(image.name_size(node)))) {
    writer_.truncate();
    return Next::done;
  }
  std::string_view target = image.data(*entry).substr(12);
  std::string_view prefix = name_.substr(0, name_.size() - image.name_size(node));
  if (prefix.size() + target.size() > kMaxName) {
    writer_.set_rcode(rcode::kYxDomain);
    return Next::done;
  }
  char wire[kMaxName];
  std::memcpy(wire, prefix.data(), prefix.size());
  std::memcpy(wire + prefix.size(), target.data(), target.size());
  Name next = Name::from_wire({wire, prefix.size() + target.size()});
  size_t at = writer_.append_cname(Writer::pointer_to(name_offset_), writer_.ttl_of(dname_record), next.wire());
  if (at == 0) {
    writer_.truncate();
    return Next::done;
  }
  aliases_[static_cast<size_t>(steps_)] = nullptr;
  name_offset_ = at;
  followed_ = next.lower();
  name_ = followed_.wire();
  return Next::follow;
}

Next Answering::referral(const ZoneImage& image, const Node& cut) {
  if (steps_ == 0) writer_.set_authoritative(false);
  const RrsetEntry* entry = cut.find(type::kNs);
  size_t first = writer_.position();
  if (!writer_.append(Section::authority, image, cut, *entry, ancestor_pointer(image.name_size(cut))) ||
      !additional(image, cut, *entry, first, Glue::required)) {
    writer_.truncate();
  }
  return Next::done;
}

Next Answering::negative(const ZoneImage& image, uint16_t rcode) {
  const Node& apex = image.apex();
  size_t record = writer_.position();
  if (!writer_.append(Section::authority, image, apex, *apex.find(type::kSoa),
                      ancestor_pointer(image.name_size(apex)))) {
    writer_.truncate();
  } else {
    writer_.set_ttl(record, image.header().negative_ttl);
  }
  writer_.set_rcode(rcode);
  return Next::done;
}

bool Answering::addresses(const ZoneImage& image, const Node& node, size_t name_offset) {
  for (uint16_t type : {type::kA, type::kAaaa}) {
    const RrsetEntry* entry = node.find(type);
    if (entry == nullptr) continue;
    if (!writer_.append(Section::additional, image, node, *entry, Writer::pointer_to(name_offset))) return false;
  }
  return true;
}

/// Addresses of the targets of a set that was just written, first_record being the offset of its first record.
/// False when an address that a referral cannot do without did not fit (RFC 9471).
bool Answering::additional(const ZoneImage& image, const Node& owner, const RrsetEntry& entry, size_t first_record,
                           Glue glue) {
  std::array<const Node*, kMostAdditional> done;
  size_t count = 0;
  size_t record = first_record;
  for (size_t i = 0; i < entry.count && count < kMostAdditional; ++i) {
    size_t name_offset = Writer::data_offset(record) + static_cast<size_t>(target_offset(entry.type));
    record = writer_.next_record(record);
    const Node* target = image.target(owner, entry, i);
    if (target == nullptr || name_offset >= 0x4000) continue;
    if (std::find(done.begin(), done.begin() + count, target) != done.begin() + count) continue;
    done[count++] = target;
    if (target->above != 0 && glue == Glue::optional) continue;  // not ours to state with authority
    if (addresses(image, *target, name_offset)) continue;
    if (glue == Glue::required && is_at_or_below(image.name(*target), image.name(owner))) return false;
  }
  return true;
}

}  // namespace

size_t answer_query(const Query& query, std::string_view packet, const AnswerContext& context, std::span<char> out) {
  size_t limit = context.transport == Transport::tcp ? kMostAnswer : std::min(query.udp_size, context.udp_limit);
  return Answering(query, packet, context, out, limit - context.reserved).run();
}

size_t acknowledge(const Query& query, std::string_view packet, const AnswerContext& context, std::span<char> out) {
  Writer writer(query, packet, out, std::min<size_t>(out.size(), 512));
  writer.set_authoritative(true);
  writer.set_rcode(context.rcode != rcode::kNoError ? context.rcode : query.rcode);
  return writer.finish();
}

size_t answer_packet(std::string_view packet, const AnswerContext& context, std::span<char> out) {
  Query query;
  if (parse_query(packet, query) == ParsedAs::drop) return 0;
  return answer_query(query, packet, context, out);
}

}  // namespace umaya::named
