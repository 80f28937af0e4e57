#include "named-lite/answer/answer.h"

#include <algorithm>

#include "named-lite/answer/answering.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

const AnswerConf kDefaults{};

/// Types that ask for something else than records (RFC 6895 3.1).
uint16_t meta_rcode(uint16_t type) {
  switch (type) {
    case type::kAny:
      return rcode::kNoError;
    case type::kMaila:
    case type::kMailb:
      return rcode::kNotImp;
    case type::kAxfr:
    case type::kIxfr:
      return rcode::kRefused;
    default:
      return type == 0 || type == type::kOpt || (type >= 128 && type <= 255) ? rcode::kFormErr : rcode::kNoError;
  }
}

uint64_t place_of(const Node& node) {
  return reinterpret_cast<uintptr_t>(&node);
}

}  // namespace

Answering::Answering(const Query& query, std::string_view packet, const AnswerContext& context, std::span<char> out,
                     size_t limit)
    : query_(query),
      context_(context),
      settings_(context.settings != nullptr ? *context.settings : kDefaults),
      writer_(query, packet, out, limit, context.options),
      name_(query.lower_name()),
      spelled_(query.name) {}

uint16_t Answering::refusal() const {
  if (context_.rcode != rcode::kNoError) return context_.rcode;
  if (query_.rcode != rcode::kNoError) return query_.rcode;
  if (query_.opcode != opcode::kQuery) return rcode::kNotImp;
  if (!query_.has_question) return rcode::kNoError;  // of a cookie alone (RFC 7873 5.4)
  if (context_.access == Access::refused || context_.catalog == nullptr || query_.cls != rr_class::kIn) {
    return rcode::kRefused;
  }
  return meta_rcode(query_.type);
}

void Answering::refuse(uint16_t rcode, uint16_t extended) {
  writer_.set_rcode(rcode);
  writer_.set_extended_error(extended);
}

size_t Answering::run() {
  writer_.set_recursion_available(context_.recursion_available);
  uint16_t decided = refusal();
  if (decided == rcode::kRefused && context_.rcode == rcode::kNoError) {
    refuse(decided, extended_error::kProhibited);
  } else if (decided == rcode::kNotImp) {
    refuse(decided, extended_error::kNotSupported);
  } else if (decided != rcode::kNoError) {
    writer_.set_rcode(decided);
  } else if (query_.has_question) {
    look_up();
  }
  if (context_.report != nullptr) *context_.report = report_;
  return writer_.finish();
}

/// The zone that answers for the current name; nullptr when none is served.
const ServedZone* Answering::zone_of(const SuffixHashes& hashes) const {
  const ServedZone* zone = context_.catalog->find(hashes, hashes.labels());
  if (zone == nullptr || query_.type != type::kDs || hashes.labels() == 0 || zone->name != name_) return zone;
  // DS belongs to the parent's side of the cut (RFC 4035 3.1.4.1).
  const ServedZone* parent = context_.catalog->find(hashes, hashes.labels() - 1);
  return parent != nullptr && parent->image ? parent : zone;
}

bool Answering::came_here_before(uint64_t hash) {
  auto end = been_.begin() + static_cast<std::ptrdiff_t>(steps_);
  *end = hash;
  return std::find(been_.begin(), end, hash) != end;
}

void Answering::look_up() {
  for (steps_ = 0; steps_ <= kMostSteps; ++steps_) {
    SuffixHashes hashes(name_, context_.catalog->seed());
    if (came_here_before(hashes.hash(hashes.labels()))) return;
    const ServedZone* zone = zone_of(hashes);
    if (steps_ == 0) first_zone_ = zone;
    if (context_.one_zone && zone != first_zone_) return;
    if (zone == nullptr || !zone->image) {
      report_.elsewhere = zone == nullptr;
      if (steps_ > 0) return;
      if (zone == nullptr) return refuse(rcode::kRefused, extended_error::kNotAuthoritative);
      return refuse(rcode::kServFail, extended_error::kInvalidData);
    }
    // An image that another run of the server made has a seed of its own.
    bool other_seed = zone->image->seed() != context_.catalog->seed();
    if (other_seed) hashes = SuffixHashes(name_, zone->image->seed());
    if (step(hashes, *zone->image) == Next::done) return;
  }
}

Answering::Next Answering::step(const SuffixHashes& hashes, const ZoneImage& image) {
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
    if ((encloser->flags & Node::kHasWildcard) == 0) return negative(image, image.apex(), rcode::kNxDomain);
    node = image.wildcard(hashes.suffix(labels), hashes.hash(labels));
  }
  return from_node(image, *node);
}

Answering::Next Answering::from_node(const ZoneImage& image, const Node& node) {
  if (query_.type == type::kAny && node.rrset_count > 0) return any(image, node);
  if (const RrsetEntry* entry = node.find(query_.type)) return positive(image, node, *entry);
  if ((node.flags & Node::kHasCname) != 0) return alias(image, node, *node.find(type::kCname));
  return negative(image, node, rcode::kNoError);
}

/// What has to be there does not fit.
Answering::Next Answering::cut_short() {
  writer_.truncate();
  return Next::done;
}

Answering::Next Answering::positive(const ZoneImage& image, const Node& node, const RrsetEntry& entry) {
  report_ = {AnswerKind::positive, place_of(node), false};
  size_t first = writer_.position();
  if (!append(Section::answer, image, node, entry, Writer::pointer_to(name_offset_))) return cut_short();
  answered_ = &node;
  beside(image, node, entry, first);
  return Next::done;
}

Answering::Next Answering::any(const ZoneImage& image, const Node& node) {
  report_ = {AnswerKind::positive, place_of(node), false};
  bool one = settings_.minimal_any && context_.transport == Transport::udp;
  size_t sets = one ? 1 : node.rrset_count;
  for (size_t i = 0; i < sets; ++i) {
    if (!append(Section::answer, image, node, node.rrsets()[i], Writer::pointer_to(name_offset_))) return cut_short();
  }
  return Next::done;
}

/// The current name is now the one that was written at this offset.
void Answering::now_at(size_t name_offset, const Name& name) {
  name_offset_ = name_offset;
  followed_ = name;
  followed_lower_ = name.lower();
  spelled_ = followed_.wire();
  name_ = followed_lower_.wire();
}

Answering::Next Answering::alias(const ZoneImage& image, const Node& node, const RrsetEntry& entry) {
  report_ = {AnswerKind::positive, place_of(node), false};
  size_t record = writer_.position();
  if (!append(Section::answer, image, node, entry, Writer::pointer_to(name_offset_))) return cut_short();
  Name target;
  if (!writer_.expand(Writer::data_offset(record), target)) return Next::done;
  now_at(Writer::data_offset(record), target);
  return Next::follow;
}

uint16_t Answering::ancestor_pointer(size_t size) const {
  if (steps_ == 0) return writer_.suffix_pointer(size);
  size_t labels = 0;
  for (std::string_view rest = name_; rest.size() > size; rest = parent_of(rest)) ++labels;
  return Writer::pointer_to(writer_.suffix_offset(name_offset_, labels));
}

/// RFC 6672: the DNAME, a CNAME made from it, and on to the new name.
Answering::Next Answering::redirect(const ZoneImage& image, const Node& node) {
  report_ = {AnswerKind::positive, place_of(node), false};
  const RrsetEntry* entry = node.find(type::kDname);
  auto end = dnames_.begin() + static_cast<std::ptrdiff_t>(dname_count_);
  if (std::find(dnames_.begin(), end, &node) == end) {
    if (!append(Section::answer, image, node, *entry, ancestor_pointer(image.name_size(node)))) return cut_short();
    dnames_[dname_count_++] = &node;
  }
  std::string_view record = image.data(*entry);
  std::string_view target = record.substr(12, Writer::record_size(record, 0) - 12);
  std::string_view prefix = spelled_.substr(0, spelled_.size() - image.name_size(node));
  if (prefix.size() + target.size() > kMaxName) {
    writer_.set_rcode(rcode::kYxDomain);
    return Next::done;
  }
  char wire[kMaxName];
  std::memcpy(wire, prefix.data(), prefix.size());
  std::memcpy(wire + prefix.size(), target.data(), target.size());
  Name next = Name::from_wire({wire, prefix.size() + target.size()});
  size_t at = writer_.append_cname(Writer::pointer_to(name_offset_), record.substr(6, 4), next.wire());
  if (at == 0) return cut_short();
  if (query_.type == type::kCname) beside(image, node, *entry, name_offset_);
  bool is_answer = query_.type == type::kCname || query_.type == type::kAny;
  if (is_answer || is_at_or_below(target, image.name(node))) return Next::done;  // or never ends
  now_at(at, next);
  return Next::follow;
}

Answering::Next Answering::referral(const ZoneImage& image, const Node& cut) {
  report_ = {AnswerKind::referral, place_of(cut), false};
  if (steps_ == 0) writer_.set_authoritative(false);
  const RrsetEntry* entry = cut.find(type::kNs);
  size_t first = writer_.position();
  if (!append(Section::authority, image, cut, *entry, ancestor_pointer(image.name_size(cut)))) return cut_short();
  Additional names;
  if (!additional(image, cut, *entry, first, names, Glue::required)) {
    writer_.mark_truncated();  // RFC 9471 3.1; what fits may help who cannot ask over TCP
  }
  return Next::done;
}

/// RFC 2308 2, 3: source is the node that lacks the type, or the apex.
Answering::Next Answering::negative(const ZoneImage& image, const Node& source, uint16_t rcode) {
  report_ = {rcode == rcode::kNxDomain ? AnswerKind::no_name : AnswerKind::no_data, place_of(source), false};
  const Node& apex = image.apex();
  size_t record = writer_.position();
  writer_.set_rcode(rcode);
  if (!append(Section::authority, image, apex, *apex.find(type::kSoa), ancestor_pointer(image.name_size(apex)))) {
    return cut_short();
  }
  writer_.set_ttl(record, image.header().negative_ttl);
  return Next::done;
}

size_t answer_query(const Query& query, std::string_view packet, const AnswerContext& context, std::span<char> out) {
  size_t limit = context.transport == Transport::tcp ? kMostAnswer : std::min(query.udp_size, context.udp_limit);
  return Answering(query, packet, context, out, limit - context.reserved).run();
}

size_t acknowledge(const Query& query, std::string_view packet, const AnswerContext& context, std::span<char> out) {
  Writer writer(query, packet, out, std::min<size_t>(out.size(), 512), context.options);
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
