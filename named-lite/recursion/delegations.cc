#include "named-lite/recursion/delegations.h"

#include "libcommon/base/bytes.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr size_t kKeyHead = 2;

std::string key_of(uint16_t view, std::string_view zone) {
  std::string key;
  ByteWriter(key).be16(view).bytes(zone);
  return key;
}

void write_short(ByteWriter& out, std::string_view octets) {
  out.u16(static_cast<uint16_t>(octets.size())).bytes(octets);
}

std::string encode(const Delegation& delegation) {
  std::string octets;
  ByteWriter out(octets);
  out.u64(static_cast<uint64_t>(delegation.expires.time_since_epoch().count()));
  out.u8(static_cast<uint8_t>(delegation.servers.size()));
  for (const NameServer& server : delegation.servers) {
    out.u8(static_cast<uint8_t>(server.name.size())).bytes(server.name);
    out.u8(static_cast<uint8_t>(server.addresses.size()));
    for (const net::Endpoint& at : server.addresses) {
      out.u8(static_cast<uint8_t>(at.address.bytes().size())).bytes(at.address.bytes()).u16(at.port);
    }
  }
  out.u32(delegation.ds.ttl).u16(static_cast<uint16_t>(delegation.ds.data.size()));
  for (const std::string& data : delegation.ds.data) write_short(out, data);
  out.u16(static_cast<uint16_t>(delegation.ds.signatures.size()));
  for (const std::string& data : delegation.ds.signatures) write_short(out, data);
  return octets;
}

TimePoint expiry_of(ByteReader& in) {
  return TimePoint(Duration(static_cast<int64_t>(in.u64())));
}

Delegation decode(std::string_view octets, std::string_view zone) {
  ByteReader in(octets);
  Delegation delegation{std::string(zone)};
  delegation.expires = expiry_of(in);
  delegation.servers.resize(in.u8());
  for (NameServer& server : delegation.servers) {
    server.name = in.bytes(in.u8());
    server.addresses.resize(in.u8());
    for (net::Endpoint& at : server.addresses) {
      std::string_view raw = in.bytes(in.u8());
      auto bytes = reinterpret_cast<const uint8_t*>(raw.data());
      at.address = raw.size() == 4 ? net::IpAddress::v4(bytes) : net::IpAddress::v6(bytes);
      at.port = in.u16();
    }
  }
  delegation.ds = {delegation.zone, type::kDs, in.u32()};
  delegation.ds.data.resize(in.u16());
  for (std::string& data : delegation.ds.data) data = in.bytes(in.u16());
  delegation.ds.signatures.resize(in.u16());
  for (std::string& data : delegation.ds.signatures) data = in.bytes(in.u16());
  return delegation;
}

}  // namespace

void DelegationCache::put(uint16_t view, const Delegation& delegation, TimePoint now) {
  if (delegation.expires <= now || delegation.fixed) return;
  map_.put(key_of(view, delegation.zone), encode(delegation));
}

std::optional<Delegation> DelegationCache::nearest(uint16_t view, std::string_view name, TimePoint now) {
  while (true) {
    std::span<char> found = map_.find(key_of(view, name));
    if (found.data() != nullptr) {
      std::string_view octets(found.data(), found.size());
      ByteReader in(octets);
      if (expiry_of(in) > now) return decode(octets, name);
    }
    if (name.size() <= 1) return std::nullopt;
    name = parent_of(name);
  }
}

void DelegationCache::flush_tree(std::string_view name) {
  map_.filter([&](std::string_view key, std::span<char>) { return !is_at_or_below(key.substr(kKeyHead), name); });
}

}  // namespace umaya::named
