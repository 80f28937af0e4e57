#include "named-lite/recursion/rrset_cache.h"

#include <algorithm>
#include <cstring>

#include "libcommon/base/bytes.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"

namespace umaya::named {

namespace {

constexpr size_t kKeyHead = 4;  // view, type

struct Head {
  int64_t stored;  // nanoseconds of the clock
  uint32_t ttl;
  Outcome outcome;
  Trust trust;
  Security security;
  uint8_t sets;
};

std::string key_of(uint16_t view, std::string_view name, uint16_t type) {
  std::string key;
  key.reserve(kKeyHead + name.size());
  ByteWriter(key).be16(view).be16(type).bytes(name);
  return key;
}

void write_list(ByteWriter& out, const std::vector<std::string>& list) {
  out.u16(static_cast<uint16_t>(list.size()));
  for (const std::string& data : list) out.u16(static_cast<uint16_t>(data.size())).bytes(data);
}

std::vector<std::string> read_list(ByteReader& in) {
  std::vector<std::string> list(in.u16());
  for (std::string& data : list) data = in.bytes(in.u16());
  return list;
}

/// The owner is left out where it is the key's name.
std::string encode(const Entry& entry, std::string_view name, TimePoint now) {
  std::string octets;
  Head head{now.time_since_epoch().count(),
            entry.ttl,
            entry.outcome,
            entry.trust,
            entry.security,
            static_cast<uint8_t>(std::min<size_t>(entry.sets.size(), UINT8_MAX))};
  octets.append(reinterpret_cast<const char*>(&head), sizeof head);
  ByteWriter out(octets);
  for (size_t i = 0; i < head.sets; ++i) {
    const RrSet& set = entry.sets[i];
    std::string_view owner = set.owner == name ? std::string_view() : std::string_view(set.owner);
    out.u8(static_cast<uint8_t>(owner.size())).bytes(owner);
    out.u16(set.type).u32(set.ttl).u32(set.signature_ttl);
    write_list(out, set.data);
    write_list(out, set.signatures);
  }
  return octets;
}

Head head_of(std::span<const char> octets) {
  Head head;
  std::memcpy(&head, octets.data(), sizeof head);
  return head;
}

/// Whole seconds that an entry has left; 0 when its time is over.
uint32_t seconds_left(const Head& head, TimePoint now) {
  int64_t age = (now.time_since_epoch().count() - head.stored) / 1'000'000'000;
  if (age < 0) age = 0;
  return age >= head.ttl ? 0 : head.ttl - static_cast<uint32_t>(age);
}

Entry decode(std::span<const char> octets, std::string_view name, uint32_t left) {
  Head head = head_of(octets);
  Entry entry{head.outcome, head.trust, head.security, {}, left, head.ttl};
  uint32_t age = head.ttl - left;
  ByteReader in({octets.data() + sizeof head, octets.size() - sizeof head});
  entry.sets.resize(head.sets);
  for (RrSet& set : entry.sets) {
    std::string_view owner = in.bytes(in.u8());
    set.owner = owner.empty() ? name : owner;
    set.type = in.u16();
    uint32_t ttl = in.u32();
    set.ttl = ttl > age ? ttl - age : 0;
    ttl = in.u32();
    set.signature_ttl = ttl > age ? ttl - age : 0;
    set.data = read_list(in);
    set.signatures = read_list(in);
  }
  return entry;
}

std::string_view word_for(Outcome outcome) {
  switch (outcome) {
    case Outcome::found:
      return "records";
    case Outcome::alias:
      return "alias";
    case Outcome::no_data:
      return "no data";
    case Outcome::no_name:
      return "no such name";
    case Outcome::failed:
      return "failed";
  }
  return "";
}

}  // namespace

void RrsetCache::put(uint16_t view, std::string_view name, uint16_t type, const Entry& entry, TimePoint now) {
  if (entry.ttl == 0) return;
  std::string key = key_of(view, name, type);
  std::span<char> before = map_.find(key);
  if (before.data() != nullptr) {
    Head head = head_of(before);
    if (head.trust > entry.trust && seconds_left(head, now) > 0) return;
  }
  map_.put(key, encode(entry, name, now));
}

std::optional<Entry> RrsetCache::find(uint16_t view, std::string_view name, uint16_t type, TimePoint now) {
  std::span<char> octets = map_.find(key_of(view, name, type));
  if (octets.data() == nullptr) return std::nullopt;
  uint32_t left = seconds_left(head_of(octets), now);
  if (left == 0) return std::nullopt;
  return decode(octets, name, left);
}

size_t RrsetCache::flush(std::string_view name, Range range) {
  size_t before = map_.size();
  map_.filter([&](std::string_view key, std::span<char>) {
    std::string_view owner = key.substr(kKeyHead);
    return range == Range::tree ? !is_at_or_below(owner, name) : !same_name(owner, name);
  });
  return before - map_.size();
}

void RrsetCache::dump(TimePoint now, const std::function<void(const std::string&)>& line) {
  map_.filter([&](std::string_view key, std::span<char> octets) {
    std::string_view owner = key.substr(kKeyHead);
    uint32_t left = seconds_left(head_of(octets), now);
    if (left == 0) return true;
    Entry entry = decode(octets, owner, left);
    uint16_t type = be16_at(key, 2);
    std::string text = name_text(owner) + " " + std::to_string(left) + " " +
                       (type == kNoName ? "ANY" : type_text(type)) + " " + std::string(word_for(entry.outcome));
    if (!entry.sets.empty()) text += " " + std::to_string(entry.sets.back().data.size());
    line(text);
    return true;
  });
}

}  // namespace umaya::named
